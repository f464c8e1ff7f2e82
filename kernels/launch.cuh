/// \file
/// Starting a kernel.
#pragma once

#include <cuda_runtime.h>

#include "class_kernels.hpp"
#include "device_thread.cuh"

namespace bpqp::cuda {

/// The function on so many blocks, with so many bytes of shared memory for each.
template <class Function, class... Parts>
cudaError_t start(
    Function* function,
    int blocks,
    int threads,
    std::size_t shared,
    cudaStream_t stream,
    const Parts&... arguments) {
  const cudaError_t error =
      cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared));
  if (error != cudaSuccess) return error;
  function<<<blocks, threads, shared, stream>>>(arguments...);
  return cudaGetLastError();
}

}  // namespace bpqp::cuda
