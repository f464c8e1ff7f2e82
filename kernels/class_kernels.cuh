/// \file
/// The kernels that most problems need, of one row of the size table: src/gpu's bodies on CUDA's
/// threads, and their launch.
#pragma once

#include "gpu/adjoint_body.hpp"
#include "gpu/point_body.hpp"
#include "gpu/sum_body.hpp"
#include "launch.cuh"

namespace bpqp::cuda {

// Layout: gpu::ByWarps or gpu::ByBlocks. kBlocks: of a multiprocessor, for which there must be
// registers.
template <class Layout, int kBlocks>
__global__ void __launch_bounds__(Layout::kThreads, kBlocks) solve_plain(
    const __grid_constant__ gpu::Batch batch,
    const __grid_constant__ gpu::Queue queue,
    const __grid_constant__ gpu::List rest) {
  gpu::solve_plain<Layout>(DeviceThread(), batch, queue, rest);
}

template <class Layout, int kBlocks>
__global__ void __launch_bounds__(Layout::kThreads, kBlocks) differentiate(
    const __grid_constant__ gpu::Batch batch,
    const __grid_constant__ gpu::Queue queue,
    const __grid_constant__ gpu::Adjoint adjoint) {
  gpu::differentiate<Layout, gpu::AdjointBy::active_set>(DeviceThread(), batch, queue, adjoint);
}

template <class Layout, int kBlocks>
__global__ void __launch_bounds__(Layout::kThreads, kBlocks) sum_gradients(
    const __grid_constant__ gpu::Batch batch, const __grid_constant__ gpu::Sums sums) {
  gpu::sum_gradients<Layout>(DeviceThread(), batch, sums, int(gridDim.x));
}

template <class Layout, int kBlocks>
__global__ void __launch_bounds__(Layout::kThreads, kBlocks) load_starts(
    const __grid_constant__ gpu::Batch batch,
    const __grid_constant__ gpu::Queue queue,
    const __grid_constant__ gpu::Starts starts) {
  gpu::load_starts<Layout>(DeviceThread(), batch, queue, starts);
}

template <class Layout, int kBlocks>
cudaError_t launch_of_class(
    gpu::Kernel kernel,
    int blocks,
    std::size_t shared,
    cudaStream_t stream,
    const gpu::Arguments& a) {
  constexpr int kThreads = Layout::kThreads;
  const Grid grid{blocks, kThreads, shared, stream, a.batch.memory.grid.blocks > 1};
  switch (kernel) {
    case gpu::Kernel::solve_plain:
      return start(grid, solve_plain<Layout, kBlocks>, a.batch, a.queue, a.rest);
    case gpu::Kernel::differentiate:
      return start(grid, differentiate<Layout, kBlocks>, a.batch, a.queue, a.adjoint);
    case gpu::Kernel::sum_gradients:
      return start(grid, sum_gradients<Layout, kBlocks>, a.batch, a.sums);
    case gpu::Kernel::load_starts:
      return start(grid, load_starts<Layout, kBlocks>, a.batch, a.queue, a.starts);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace bpqp::cuda
