/// \file
/// More of what few problems need (rest.cu): the derivatives of Settings::kappa.
#include "gpu/adjoint_body.hpp"
#include "rest_kernels.cuh"

namespace bpqp::cuda {

namespace {

__global__ void __launch_bounds__(kRestThreads, kRestBlocks) relax_points(
    const __grid_constant__ gpu::Batch batch,
    const __grid_constant__ gpu::Queue queue,
    const double kappa) {
  gpu::relax_points<RestLayout>(DeviceThread(), batch, queue, kappa);
}

__global__ void __launch_bounds__(kRestThreads, kRestBlocks) differentiate_relaxed(
    const __grid_constant__ gpu::Batch batch,
    const __grid_constant__ gpu::Queue queue,
    const __grid_constant__ gpu::Adjoint adjoint) {
  gpu::differentiate<RestLayout, gpu::AdjointBy::relaxed>(DeviceThread(), batch, queue, adjoint);
}

}  // namespace

cudaError_t launch_rest_of_kappa(
    gpu::Kernel kernel,
    int blocks,
    std::size_t shared,
    cudaStream_t stream,
    const gpu::Arguments& a) {
  const Grid grid{blocks, kRestThreads, shared, stream, a.batch.memory.grid.blocks > 1};
  switch (kernel) {
    case gpu::Kernel::relax_points:
      return start(grid, relax_points, a.batch, a.queue, a.kappa);
    case gpu::Kernel::differentiate_relaxed:
      return start(grid, differentiate_relaxed, a.batch, a.queue, a.adjoint);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace bpqp::cuda
