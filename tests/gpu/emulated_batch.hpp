/// \file
/// A batch solved and differentiated by the kernels' bodies on emulated blocks, with host memory in
/// place of a device's. Memory starts as NaN (and -1), so that what nobody wrote is seen.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gpu/adjoint_body.hpp"
#include "support/batch.hpp"
#include "support/emulated_thread.hpp"

namespace bpqp::test {

/// Who solves a problem, and how much shared memory it has for its arrays.
struct Mapping {
  enum class Kind { warps, block64, block128 };
  const char* name;
  Kind kind;
  std::size_t fast_bytes;
  std::uint64_t schedule;
};

inline void PrintTo(const Mapping& mapping, std::ostream* out) {
  *out << mapping.name;
}

/// Aligned bytes that start as 0xff.
class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t bytes)
      : data_(static_cast<char*>(::operator new(bytes, kAlign))) {
    std::memset(data_.get(), 0xff, bytes);
  }
  char* data() const { return data_.get(); }

 private:
  static constexpr std::align_val_t kAlign{core::Arena::kAlign};
  struct Free {
    void operator()(char* p) const { ::operator delete(p, kAlign); }
  };
  std::unique_ptr<char, Free> data_;
};

template <class D>
class EmulatedBatch {
 public:
  /// `data` must outlive this.
  EmulatedBatch(const Batch<D>& data, const Mapping& mapping, int blocks = 1)
      : data_(data), mapping_(mapping), blocks_(blocks) {
    const int n = data.shape.n, m = data.shape.m;
    batch_.n = n, batch_.m = m;
    int linear = m;
    for (int d : data.shape.cones) linear -= d;
    starts_.push_back(linear);
    for (int d : data.shape.cones) starts_.push_back(starts_.back() + d);
    if (!data.shape.cones.empty()) batch_.cones = {int(data.shape.cones.size()), starts_.data()};
    batch_.options.max_exchanges = 100 + 20 * (n + m);
    lay_out(linear);
    point_to_data();
    counters_.assign(8, 0);
    counters_[kSize] = data.batch;
    rest_.assign(std::size_t(data.batch), -1);
  }
  EmulatedBatch(const EmulatedBatch&) = delete;

  core::ForwardOptions& options() { return batch_.options; }
  gpu::Batch<D>& arguments() { return batch_; }
  /// How many problems did not go the plain way.
  int rest() const { return counters_[kRest]; }

  void solve(Answers<D>& answers) {
    const std::int64_t n = batch_.n, m = batch_.m;
    batch_.x = {answers.x.data(), n}, batch_.y = {answers.y.data(), m};
    batch_.active = {answers.active.data(), m};
    batch_.report = answers.report.data();
    const gpu::Queue all{&counters_[kNext], &counters_[kSize], nullptr};
    const gpu::Queue rest{&counters_[kNextOfRest], &counters_[kRest], rest_.data()};
    const gpu::List list{&counters_[kRest], rest_.data()};
    counters_[kNext] = counters_[kRest] = counters_[kNextOfRest] = 0;
    if (batch_.shared && !batch_.factored)
      launch(1, [&]<class Layout>(const auto& thread) {
        gpu::condense_shared<Layout>(thread, batch_);
      });
    launch(blocks_, [&]<class Layout>(const auto& thread) {
      gpu::solve_plain<Layout>(thread, batch_, all, list);
    });
    launch(blocks_, [&]<class Layout>(const auto& thread) {
      gpu::solve_rest<Layout>(thread, batch_, rest);
    });
  }

  void backward(const SolutionGradient<D>& g, Gradients<D>& out) {
    const std::int64_t n = batch_.n, m = batch_.m;
    const gpu::Adjoint<D> adjoint{
        {g.x.data, g.x.stride}, {g.y.data, g.y.stride}, {out.P.data(), n * n}, {out.q.data(), n},
        {out.A.data(), m * n},  {out.l.data(), m},      {out.u.data(), m}};
    const gpu::Queue all{&counters_[kNext], &counters_[kSize], nullptr};
    counters_[kNext] = 0;
    launch(blocks_, [&]<class Layout>(const auto& thread) {
      gpu::differentiate<Layout>(thread, batch_, all, adjoint);
    });
  }

 private:
  enum Counter { kSize, kNext, kRest, kNextOfRest };

  void lay_out(int linear) {
    const int n = batch_.n, m = batch_.m, teams = 2 * blocks_;
    core::Arena slot(nullptr), work(nullptr);
    core::Slot::lay_out(slot, n, m, linear, false);
    gpu::lay_out_work(work, n, m, gpu::Needs::everything);
    const auto problems = std::size_t(data_.batch);
    arrays_ = std::make_unique<DeviceMemory>(problems * slot.bytes());
    scratch_ = std::make_unique<DeviceMemory>(std::size_t(teams) * work.bytes());
    core::Arena arrays(arrays_->data());
    for (int b = 0; b < data_.batch; ++b)
      slots_.push_back(core::Slot::lay_out(arrays, n, m, linear, false));
    batch_.memory = {slots_.data(), scratch_->data(), work.bytes(), mapping_.fast_bytes};
  }

  void point_to_data() {
    const Problem<D> p = data_.view();
    batch_.P = {p.P.data, p.P.stride}, batch_.q = {p.q.data, p.q.stride};
    batch_.A = {p.A.data, p.A.stride}, batch_.l = {p.l.data, p.l.stride};
    batch_.u = {p.u.data, p.u.stride};
  }

  template <class Layout, class Body>
  void launch_as(int blocks, const Body& body) {
    const std::size_t shared =
        std::size_t(Layout::kTeams) * gpu::team_bytes<Layout>(mapping_.fast_bytes);
    EmulatedThread::launch(
        {blocks, Layout::kThreads, shared}, mapping_.schedule,
        [&](const EmulatedThread& thread) { body.template operator()<Layout>(thread); });
  }

  template <class Body>
  void launch(int blocks, const Body& body) {
    switch (mapping_.kind) {
      case Mapping::Kind::warps:
        return launch_as<gpu::ByWarps<2>>(blocks, body);
      case Mapping::Kind::block64:
        return launch_as<gpu::ByBlocks<2>>(blocks, body);
      case Mapping::Kind::block128:
        return launch_as<gpu::ByBlocks<4>>(blocks, body);
    }
  }

  const Batch<D>& data_;
  Mapping mapping_;
  int blocks_;
  gpu::Batch<D> batch_;
  std::vector<int> starts_;
  std::unique_ptr<DeviceMemory> arrays_, scratch_;
  std::vector<core::Slot> slots_;
  std::vector<int> counters_, rest_;
};

}  // namespace bpqp::test
