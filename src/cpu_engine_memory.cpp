/// \file
/// CpuEngine: what it allocates, and construction.
#include <cstddef>
#include <numeric>
#include <string>

#include "allocation.hpp"
#include "core/steps.hpp"
#include "cpu_engine.hpp"
#include "forward_options.hpp"

namespace bpqp {
namespace {

constexpr std::align_val_t kAlign{core::Arena::kAlign};
static_assert(Allocator::kAlignment % core::Arena::kAlign == 0);

[[noreturn]] void too_much(double bytes) {
  throw InvalidArgument(
      "capacity: a Solver of this shape and capacity needs " +
      std::to_string(bytes / (1024.0 * 1024 * 1024)) + " GiB, which this machine does not give");
}

}  // namespace

Block::Block(std::size_t bytes, std::shared_ptr<Allocator> allocator)
    : allocator_(std::move(allocator)),
      data_(allocator_ ? allocate(*allocator_, bytes, nullptr) : ::operator new(bytes, kAlign)),
      bytes_(bytes) {}

Block::~Block() {
  if (allocator_)
    allocator_->deallocate(data_, bytes_, nullptr);
  else
    ::operator delete(data_, kAlign);
}

std::size_t CpuMemory::bytes() const {
  return block() + slots * sizeof(cpu::Slot) + reports * sizeof(Report) +
         starts * (sizeof(double*) + 1);
}

template <class R>
CpuMemory CpuEngine<R>::memory_of(const Shape& shape, int capacity, const Settings& settings) {
  const cpu::PackKernels<R>& packs = cpu::backend().packs(R());
  const int n = shape.n, m = shape.m;
  const bool keeps = settings.gradients;
  CpuMemory of;
  of.workers = cpu::threads_of(settings.threads);
  if (wants_packs(shape, settings)) of.lanes = packs.lanes;
  of.linear_rows = m - std::accumulate(shape.cones.begin(), shape.cones.end(), 0);
  of.relaxed = settings.kappa > 0;
  of.interior = settings.method != Method::admm || of.relaxed;
  of.reports = std::size_t(capacity);
  of.slots = std::size_t(keeps ? capacity : of.workers * of.lanes);
  of.starts = keeps ? of.slots : 0;
  core::Arena slot(nullptr), work(nullptr);
  cpu::Slot::lay_out(slot, n, m, of.linear_rows, of.relaxed);
  if (keeps) slot.take<double>(std::size_t(n + m));
  cpu::Work::lay_out(work, n, m, of.interior);
  of.slot = slot.bytes(), of.work = work.bytes();
  if (of.lanes > 1) {
    of.packs = keeps ? (of.reports + std::size_t(of.lanes) - 1) / std::size_t(of.lanes)
                     : std::size_t(of.workers);
    of.pack = packs.pack_bytes(n, m), of.pack_work = packs.work_bytes(n, m);
  }
  const double wanted = double(of.slots) * double(of.slot) + double(of.packs) * double(of.pack) +
                        double(of.workers) * double(of.work + of.pack_work);
  if (wanted > 1e15) too_much(wanted);
  return of;
}

template <class R>
CpuEngine<R>::CpuEngine(const Shape& shape_in, int capacity_in, const Settings& settings_in)
    : shape(shape_in),
      capacity(capacity_in),
      settings(settings_in),
      backend_(cpu::backend()),
      kernels_(backend_.kernels(R())),
      pack_kernels_(backend_.packs(R())),
      executor_(settings_in.threads) {
  const int n = shape.n, m = shape.m;
  const CpuMemory of = memory_of(shape, capacity, settings);
  lanes_ = of.lanes;
  cone_start_.push_back(of.linear_rows);
  for (int d : shape.cones) cone_start_.push_back(cone_start_.back() + d);
  try {
    memory_ = std::make_unique<Block>(of.block(), settings.allocator);
    slots_.reserve(of.slots);
    packs_.reserve(of.packs);
    reports_.resize(of.reports);
    starts_.reserve(of.starts);
    has_start_.resize(of.starts);
  } catch (const std::bad_alloc&) {
    too_much(double(of.block()));
  }
  core::Arena arena(memory_->data());
  for (std::size_t b = 0; b < of.slots; ++b) {
    slots_.push_back(cpu::Slot::lay_out(arena, n, m, of.linear_rows, of.relaxed));
    if (of.starts > 0) starts_.push_back(arena.take<double>(std::size_t(n + m)));
  }
  for (int w = 0; w < of.workers; ++w)
    works_.push_back(cpu::Work::lay_out(arena, n, m, of.interior));
  for (std::size_t i = 0; i < of.packs; ++i) packs_.push_back(arena.take<char>(of.pack));
  for (int w = 0; w < of.workers; ++w) pack_works_.push_back(arena.take<char>(of.pack_work));
  options_ = forward_options(settings, shape);
  bytes_ = of.bytes();
}

#define BPQP_INSTANTIATE(R)                                                       \
  template CpuMemory CpuEngine<R>::memory_of(const Shape&, int, const Settings&); \
  template CpuEngine<R>::CpuEngine(const Shape&, int, const Settings&);
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
