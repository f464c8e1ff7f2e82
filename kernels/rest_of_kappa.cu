/// \file
/// More of what few problems need (rest.cu): the derivatives of Settings::kappa.
#include "gpu/adjoint_body.hpp"
#include "launch.cuh"

namespace bpqp::cuda {

namespace {

using Layout = gpu::ByGrid<gpu::kRestClasses[0].warps>;
constexpr int kThreads = Layout::kThreads, kBlocks = gpu::kRestClasses[0].blocks;

__global__ void __launch_bounds__(kThreads, kBlocks) relax_points(
    const __grid_constant__ gpu::Batch batch,
    const __grid_constant__ gpu::Queue queue,
    const double kappa) {
  gpu::relax_points<Layout>(DeviceThread(), batch, queue, kappa);
}

__global__ void __launch_bounds__(kThreads, kBlocks) differentiate_relaxed(
    const __grid_constant__ gpu::Batch batch,
    const __grid_constant__ gpu::Queue queue,
    const __grid_constant__ gpu::Adjoint adjoint) {
  gpu::differentiate<Layout, gpu::AdjointBy::relaxed>(DeviceThread(), batch, queue, adjoint);
}

}  // namespace

cudaError_t launch_rest_of_kappa(
    gpu::Kernel kernel,
    int blocks,
    std::size_t shared,
    cudaStream_t stream,
    const gpu::Arguments& a) {
  const Grid grid{blocks, kThreads, shared, stream, a.batch.memory.grid.blocks > 1};
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
