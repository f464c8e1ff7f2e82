/// \file
/// Starting a kernel.
#pragma once

#include <cuda_runtime.h>

#include "class_kernels.hpp"
#include "device_thread.cuh"

namespace bpqp::cuda {

/// Loads the function, and allows it what its static memory leaves of `shared`: always all that the
/// device gives a block, since a Solver that needs less must not take from another's.
template <class Function>
cudaError_t prepare(Function* function, std::size_t shared) {
  cudaFuncAttributes attributes{};
  cudaError_t error = cudaFuncGetAttributes(&attributes, function);
  if (error != cudaSuccess) return error;
  return cudaFuncSetAttribute(
      function, cudaFuncAttributeMaxDynamicSharedMemorySize,
      int(shared - attributes.sharedSizeBytes));
}

/// The function on so many blocks, with so many bytes of shared memory for each (Launch).
template <class Function, class... Parts>
cudaError_t start(
    Function* function,
    int blocks,
    int threads,
    std::size_t shared,
    cudaStream_t stream,
    const Parts&... arguments) {
  if (blocks == kPrepare) return prepare(function, shared);
  function<<<blocks, threads, shared, stream>>>(arguments...);
  return cudaGetLastError();
}

}  // namespace bpqp::cuda
