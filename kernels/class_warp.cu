#include "class_kernels.cuh"

namespace bpqp::cuda {

cudaError_t launch_warp(
    gpu::Kernel kernel,
    int blocks,
    std::size_t shared,
    cudaStream_t stream,
    const gpu::Arguments& arguments) {
  constexpr const gpu::SizeClass& c = gpu::kSizeClasses[0];
  return launch_of_class<gpu::ByWarps<c.warps>, c.blocks>(
      kernel, blocks, shared, stream, arguments);
}

}  // namespace bpqp::cuda
