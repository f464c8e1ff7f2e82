/// \file
/// Starting a kernel.
#pragma once

#include <type_traits>

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

/// What a kernel runs on (Launch).
struct Grid {
  int blocks;  ///< kPrepare: it is only to be prepared
  int threads;
  std::size_t shared;  ///< bytes of a block
  cudaStream_t stream;
  bool together;  ///< all blocks run at once, and may wait for one another
};

template <class... Parts>
cudaError_t start(
    const Grid& grid, void (*function)(Parts...), const std::type_identity_t<Parts>&... arguments) {
  if (grid.blocks == kPrepare) return prepare(function, grid.shared);
  cudaLaunchAttribute cooperative{};
  cooperative.id = cudaLaunchAttributeCooperative;
  cooperative.val.cooperative = grid.together;
  cudaLaunchConfig_t config{};
  config.gridDim = unsigned(grid.blocks);
  config.blockDim = unsigned(grid.threads);
  config.dynamicSmemBytes = grid.shared;
  config.stream = grid.stream;
  config.attrs = &cooperative;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, function, arguments...);
}

}  // namespace bpqp::cuda
