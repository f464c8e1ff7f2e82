#include "emulated_runtime.hpp"

#include <cstring>
#include <new>
#include <stdexcept>
#include <type_traits>

#include "allocation.hpp"
#include "gpu/adjoint_body.hpp"
#include "gpu/point_body.hpp"
#include "gpu/sum_body.hpp"
#include "support/emulated_thread.hpp"

namespace bpqp::test {
namespace {

constexpr std::align_val_t kAlign{256};  // as CUDA's
using RestLayout = gpu::ByGrid<gpu::kRestClasses[0].warps>;

/// A row of the size table; of warps as few to a block as show what several do.
constexpr gpu::SizeClass kFewWarps{"warp", 32, 64, gpu::Solvers::warp, 4, 1};
const gpu::SizeClass& emulated_class(Row row) {
  const gpu::SizeClass& c = gpu::kSizeClasses[row];
  return c.solvers == gpu::Solvers::warp ? kFewWarps : c;
}

/// The body of a kernel on one thread.
template <class Layout>
void run_body(
    gpu::Kernel kernel, const EmulatedThread& thread, int blocks, const gpu::Arguments& a) {
  switch (kernel) {
    case gpu::Kernel::solve_plain:
      return gpu::solve_plain<Layout>(thread, a.batch, a.queue, a.rest);
    case gpu::Kernel::differentiate:
      return gpu::differentiate<Layout, gpu::AdjointBy::active_set>(
          thread, a.batch, a.queue, a.adjoint);
    case gpu::Kernel::sum_gradients:
      return gpu::sum_gradients<Layout>(thread, a.batch, a.sums, blocks);
    case gpu::Kernel::load_starts:
      return gpu::load_starts<Layout>(thread, a.batch, a.queue, a.starts);
    default:
      break;
  }
  if constexpr (std::is_same_v<Layout, RestLayout>) {
    switch (kernel) {
      case gpu::Kernel::condense_shared:
        return gpu::condense_shared<Layout>(thread, a.batch);
      case gpu::Kernel::solve_rest:
        return gpu::solve_rest<Layout, false>(thread, a.batch, a.queue);
      case gpu::Kernel::solve_cones:
        return gpu::solve_rest<Layout, true>(thread, a.batch, a.queue);
      case gpu::Kernel::differentiate_by_admm:
        return gpu::differentiate<Layout, gpu::AdjointBy::admm>(
            thread, a.batch, a.queue, a.adjoint);
      case gpu::Kernel::attach_points:
        return gpu::attach_points<Layout>(thread, a.batch, a.queue, a.points);
      case gpu::Kernel::relax_points:
        return gpu::relax_points<Layout>(thread, a.batch, a.queue, a.kappa);
      case gpu::Kernel::differentiate_relaxed:
        return gpu::differentiate<Layout, gpu::AdjointBy::relaxed>(
            thread, a.batch, a.queue, a.adjoint);
      default:
        break;
    }
  }
  throw std::logic_error("a kernel was started with the threads of another size class");
}

template <class Layout>
void run_blocks(
    const Mapping& mapping,
    gpu::Kernel kernel,
    const gpu::Plan& plan,
    int blocks,
    const gpu::Arguments& a) {
  EmulatedThread::launch(
      {blocks, Layout::kThreads, plan.shared_bytes, plan.by_grid() ? blocks : 1}, mapping.schedule,
      [&](const EmulatedThread& thread) { run_body<Layout>(kernel, thread, blocks, a); },
      mapping.host_threads);
}

void run(
    const Mapping& mapping,
    gpu::Kernel kernel,
    const gpu::Plan& plan,
    int blocks,
    const gpu::Arguments& a) {
  if (gpu::is_rest(kernel) || plan.by_grid())  // a grid of smaller blocks is emulated faster
    run_blocks<RestLayout>(mapping, kernel, plan, blocks, a);
  else if (plan.size_class->solvers == gpu::Solvers::warp)
    run_blocks<gpu::ByWarps<kFewWarps.warps>>(mapping, kernel, plan, blocks, a);
  else if (plan.size_class->warps == 4)
    run_blocks<gpu::ByBlocks<4>>(mapping, kernel, plan, blocks, a);
  else
    run_blocks<gpu::ByGrid<8>>(mapping, kernel, plan, blocks, a);
}

}  // namespace

EmulatedRuntime::~EmulatedRuntime() {
  while (!memory_.empty()) {
    const auto [start, bytes] = *memory_.begin();
    EmulatedRuntime::release(const_cast<char*>(start), bytes);
  }
}

gpu::Plan EmulatedRuntime::plan(int n, int m, bool rest) const {
  const bool grid = gpu::kSizeClasses[mapping_.row].solvers == gpu::Solvers::grid;
  const gpu::SizeClass& c = rest ? gpu::kRestClasses[grid ? 1 : 0] : emulated_class(mapping_.row);
  return fitted(gpu::make_plan(n, m, c));
}

gpu::Plan EmulatedRuntime::shared_plan(int n, int m, gpu::Reads reads) const {
  gpu::Plan plan = fitted(gpu::make_shared_plan(n, m, emulated_class(mapping_.row), reads));
  plan.copy_bytes = plan.by_grid() ? 0 : gpu::copy_bytes_within(n, m, reads, mapping_.copy_bytes);
  plan.shared_bytes += plan.copy_bytes;
  return plan;
}

/// The plan on the mapping's device.
gpu::Plan EmulatedRuntime::fitted(gpu::Plan plan) const {
  const gpu::SizeClass& c = *plan.size_class;
  plan.blocks = 1;
  plan.most_blocks = mapping_.blocks;
  plan.fast_bytes = plan.by_grid()                            ? 0
                    : mapping_.fast_bytes < plan.wanted_bytes ? mapping_.fast_bytes
                                                              : plan.wanted_bytes;
  plan.shared_bytes = std::size_t(c.teams()) * gpu::team_stride(c, plan.fast_bytes);
  return plan;
}

void* EmulatedRuntime::allocate(std::size_t bytes) {
  ++counts_->allocations;
  char* const memory = static_cast<char*>(
      allocator_ ? bpqp::allocate(*allocator_, bytes, stream_) : ::operator new(bytes, kAlign));
  std::memset(memory, 0xff, bytes);
  memory_[memory] = bytes;
  return memory;
}

void EmulatedRuntime::release(void* memory, std::size_t bytes) noexcept {
  memory_.erase(static_cast<char*>(memory));
  if (allocator_)
    allocator_->deallocate(memory, bytes, stream_);
  else
    ::operator delete(memory, kAlign);
}

bool EmulatedRuntime::on_device(const void* pointer) const {
  const char* const p = static_cast<const char*>(pointer);
  auto block = memory_.upper_bound(p);
  if (block == memory_.begin()) return false;
  --block;
  return p < block->first + block->second;
}

void EmulatedRuntime::copy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void EmulatedRuntime::fill(void* to, int byte, std::size_t bytes) {
  if (!on_device(to)) throw std::logic_error("fill: expected the device's memory");
  std::memset(to, byte, bytes);
}

void EmulatedRuntime::launch(
    gpu::Kernel kernel, const gpu::Plan& plan, int blocks, const gpu::Arguments& a) {
  if (!prepared_.count(kernel)) throw std::logic_error("a kernel was started without prepare()");
  ++counts_->launches;
  run(mapping_, kernel, plan, blocks, a);
}

}  // namespace bpqp::test
