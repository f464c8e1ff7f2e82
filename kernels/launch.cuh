/// \file
/// Starting a kernel.
#pragma once

#include <type_traits>

#include <cuda_runtime.h>

#include "class_kernels.hpp"
#include "device_thread.cuh"

namespace bpqp::cuda {

/// What a kernel runs on.
struct Grid {
  int blocks, threads;
  std::size_t shared;  ///< bytes of a block
  cudaStream_t stream;
  bool together;  ///< all blocks run at once, and may wait for one another
};

template <class... Parts>
cudaError_t start(
    const Grid& grid, void (*function)(Parts...), const std::type_identity_t<Parts>&... arguments) {
  const cudaError_t error =
      cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, int(grid.shared));
  if (error != cudaSuccess) return error;
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
