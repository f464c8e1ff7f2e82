/// \file
/// More of what few problems need (rest.cu): cones, and ADMM for the derivatives.
#include "gpu/adjoint_body.hpp"
#include "rest_kernels.cuh"

namespace bpqp::cuda {

namespace {

__global__ void __launch_bounds__(kRestThreads, kRestBlocks) solve_cones(
    const __grid_constant__ gpu::Batch batch, const __grid_constant__ gpu::Queue queue) {
  gpu::solve_rest<RestLayout, true>(DeviceThread(), batch, queue);
}

__global__ void __launch_bounds__(kRestThreads, kRestBlocks) differentiate_by_admm(
    const __grid_constant__ gpu::Batch batch,
    const __grid_constant__ gpu::Queue queue,
    const __grid_constant__ gpu::Adjoint adjoint) {
  gpu::differentiate<RestLayout, gpu::AdjointBy::admm>(DeviceThread(), batch, queue, adjoint);
}

}  // namespace

cudaError_t launch_rest_of_cones(
    gpu::Kernel kernel,
    int blocks,
    std::size_t shared,
    cudaStream_t stream,
    const gpu::Arguments& a) {
  const Grid grid{blocks, kRestThreads, shared, stream, a.batch.memory.grid.blocks > 1};
  switch (kernel) {
    case gpu::Kernel::solve_cones:
      return start(grid, solve_cones, a.batch, a.queue);
    case gpu::Kernel::differentiate_by_admm:
      return start(grid, differentiate_by_admm, a.batch, a.queue, a.adjoint);
    default:
      return launch_rest_of_kappa(kernel, blocks, shared, stream, a);
  }
}

}  // namespace bpqp::cuda
