#include "class_kernels.cuh"

namespace bpqp::cuda {

cudaError_t launch_block256(
    gpu::Kernel kernel,
    int blocks,
    std::size_t shared,
    cudaStream_t stream,
    const gpu::Arguments& arguments) {
  constexpr const gpu::SizeClass& c = gpu::kSizeClasses[2];
  return launch_of_class<gpu::ByGrid<c.warps>, c.blocks>(kernel, blocks, shared, stream, arguments);
}

}  // namespace bpqp::cuda
