/// \file
/// CpuEngine: memory and the calls' common state. Nothing numerical.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "cpu/backend.hpp"
#include "cpu/executor.hpp"
#include "engine.hpp"

namespace bpqp {

/// One aligned block of bytes, from the allocator if there is one; its pages are not touched before
/// they are used.
class Block {
 public:
  Block(std::size_t bytes, std::shared_ptr<Allocator> allocator);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<Allocator> allocator_;
  void* data_;
  std::size_t bytes_;
};

/// Whether one problem is worth the tiles of several threads.
inline bool worth_tiles(const Shape& shape) {
  constexpr int kTiled = 512;  // variables and rows
  return shape.n + shape.m >= kTiled;
}

/// What a CpuEngine allocates (docs/memory.md).
struct CpuMemory {
  int workers = 1;  ///< threads
  int lanes = 1;    ///< problems to a pack; 1: there are no packs
  int linear_rows = 0;
  bool relaxed = false, interior = false;
  std::size_t slots = 0, packs = 0, starts = 0, reports = 0;  ///< how many
  /// Bytes of one: a slot with its start, a worker's scratch, a pack, a worker's scratch for packs.
  std::size_t slot = 0, work = 0, pack = 0, pack_work = 0;

  std::size_t block() const {
    return slots * slot + packs * pack + std::size_t(workers) * (work + pack_work);
  }
  std::size_t bytes() const;  ///< all in all
};

template <class R>
class CpuEngine : public Engine<R> {
 public:
  CpuEngine(const Shape& shape, int capacity, const Settings& settings);
  /// Throws InvalidArgument where it is more than any machine has.
  static CpuMemory memory_of(const Shape& shape, int capacity, const Settings& settings);

  void solve(const Problem<R>& problem, const Solution<R>& solution, Changed changed) override;
  void warm_start(int batch, const VectorBatch<R>& x, const VectorBatch<R>& y) override;
  void backward(const SolutionGradient<R>& gradient, const ProblemGradient<R>& out) override;
  void adjoint_solve(int k, const R* g_x, const R* g_y, R* w, R* d) override;
  void jvp(const ProblemTangent<R>& tangent, const SolutionTangent<R>& out) override;
  void differentiate(const KktPoint<R>& point, Report* report) override;

  const Report* reports() override { return reports_.data(); }
  int batch() const override { return batch_; }
  std::size_t bytes() const override { return bytes_; }

 private:
  using View = core::ProblemView<R>;
  using Clock = std::chrono::steady_clock;

  Shape shape;
  int capacity;
  Settings settings;
  std::vector<Report> reports_;
  std::size_t bytes_ = 0;
  std::vector<int> cone_start_;  ///< first row of every cone, and m

  View view(const Problem<R>& p, int b) const;
  cpu::Slot& slot(int b, int worker) {
    return slots_[std::size_t(settings.gradients ? b : worker * lanes_ + b % lanes_)];
  }
  cpu::CpuTeam team() const;
  /// Few large problems: one after the other, each over all threads.
  bool by_tiles(int batch) const;
  /// body(team, worker, problem) for the whole batch.
  template <class Body>
  void for_problems(int batch, const Body& body);
  void solve_one(int b, const cpu::CpuTeam& team, int worker, Changed changed, bool shared);
  void finish_one(int b, cpu::Slot& slot, int worker, const cpu::CpuTeam& team);

  // Packs of problems (solver_packs.cpp).
  static bool wants_packs(const Shape& shape, const Settings& settings);
  /// body(worker, first, count) for every pack of the batch.
  template <class Body>
  void for_packs(int batch, const Body& body);
  void solve_pack(int worker, int first, int count, Changed changed);
  /// Those of the pack's problems whose adjoint is now known, as bits.
  unsigned adjoint_pack(
      int worker, int first, int count, const VectorBatch<R>& g_x, const VectorBatch<R>& g_y);
  void unpack(int b, cpu::Slot& slot);
  void* pack_memory(int worker, int first) {
    return packs_[std::size_t(settings.gradients ? first / lanes_ : worker)];
  }
  static void forget_factors(cpu::Slot& slot);
  void load_start(int b, cpu::Slot& slot) const;
  Report report_of(const cpu::Slot& slot) const;
  void write(const Solution<R>& out, const cpu::Slot& slot, const View& p, int b);
  void progress(int finished);
  void log_summary(int batch, double seconds) const;
  void load_rhs(const VectorBatch<R>& g_x, const VectorBatch<R>& g_y, int b, cpu::Work& work);
  void sum_shared(const ProblemGradient<R>& out);
  void adjoint(const cpu::CpuTeam& team, int worker, int b);

  const cpu::Backend& backend_;
  const cpu::Kernels<R>& kernels_;
  const cpu::PackKernels<R>& pack_kernels_;
  cpu::Executor executor_;
  std::unique_ptr<Block> memory_;
  std::vector<cpu::Slot> slots_;
  std::vector<cpu::Work> works_;
  int lanes_ = 1;                  ///< problems to a pack; 1: there are no packs
  std::vector<void*> packs_;       ///< memory of every pack, or of one per worker
  std::vector<void*> pack_works_;  ///< scratch of every worker
  std::vector<double*> starts_;    ///< [capacity] x [n], then y [m]; none without gradients
  std::vector<char> has_start_;    ///< [capacity]

  Problem<R> problem_;  ///< of the last solve (or differentiate)
  Solution<R> solution_;
  int batch_ = 0;  ///< 0: nothing solved yet
  core::ForwardOptions options_;
  Clock::time_point deadline_;
  std::mutex progress_mutex_;
  int finished_ = 0;
};

template <class R>
template <class Body>
void CpuEngine<R>::for_problems(int batch, const Body& body) {
  if (by_tiles(batch)) {
    const cpu::CpuTeam team(executor_.tiles());
    for (int b = 0; b < batch; ++b) body(team, 0, b);
    return;
  }
  const double n = shape.n, m = shape.m;
  // A chunk should hold enough multiply-adds of the factors to be worth fetching.
  const double per_problem = n * n * n / 6 + n * m * (n + m) / 2 + 1;
  const int by_work = int(std::min(256.0, 2e5 / per_problem));
  const int chunk = std::clamp(by_work, 1, std::max(1, batch / (4 * executor_.threads())));
  const auto problems = [&](int worker, int begin, int end) {
    const cpu::CpuTeam team;
    for (int b = begin; b < end; ++b) body(team, worker, b);
  };
  executor_.for_chunks(batch, chunk, std::ref(problems));  // by reference: nothing is allocated
}

template <class R>
template <class Body>
void CpuEngine<R>::for_packs(int batch, const Body& body) {
  const int packs = (batch + lanes_ - 1) / lanes_;
  constexpr int kMostPacks = 16;  // to a chunk
  const int chunk = std::clamp(packs / (4 * executor_.threads()), 1, kMostPacks);
  const auto some = [&](int worker, int begin, int end) {
    for (int pack = begin; pack < end; ++pack)
      body(worker, pack * lanes_, std::min(lanes_, batch - pack * lanes_));
  };
  executor_.for_chunks(packs, chunk, std::ref(some));
}

}  // namespace bpqp
