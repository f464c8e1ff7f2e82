/// \file
/// The kernels of what few problems need, which hold much of the core: one size for all shapes, so
/// that they are compiled once.
#include "gpu/point_body.hpp"
#include "rest_kernels.cuh"

namespace bpqp::cuda {

namespace {

__global__ void __launch_bounds__(kRestThreads, kRestBlocks)
    condense_shared(const __grid_constant__ gpu::Batch batch) {
  gpu::condense_shared<RestLayout>(DeviceThread(), batch);
}

__global__ void __launch_bounds__(kRestThreads, kRestBlocks)
    solve_rest(const __grid_constant__ gpu::Batch batch, const __grid_constant__ gpu::Queue queue) {
  gpu::solve_rest<RestLayout, false>(DeviceThread(), batch, queue);
}

__global__ void __launch_bounds__(kRestThreads, kRestBlocks) attach_points(
    const __grid_constant__ gpu::Batch batch,
    const __grid_constant__ gpu::Queue queue,
    const __grid_constant__ gpu::Points points) {
  gpu::attach_points<RestLayout>(DeviceThread(), batch, queue, points);
}

}  // namespace

cudaError_t launch_rest(
    gpu::Kernel kernel,
    int blocks,
    std::size_t shared,
    cudaStream_t stream,
    const gpu::Arguments& a) {
  const Grid grid{blocks, kRestThreads, shared, stream, a.batch.memory.grid.blocks > 1};
  switch (kernel) {
    case gpu::Kernel::condense_shared:
      return start(grid, condense_shared, a.batch);
    case gpu::Kernel::solve_rest:
      return start(grid, solve_rest, a.batch, a.queue);
    case gpu::Kernel::attach_points:
      return start(grid, attach_points, a.batch, a.queue, a.points);
    default:
      return launch_rest_of_cones(kernel, blocks, shared, stream, a);
  }
}

}  // namespace bpqp::cuda
