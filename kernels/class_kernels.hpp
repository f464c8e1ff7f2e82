/// \file
/// The launch functions, one file each: of the size classes (class_warp.cu, ...), and of the
/// kernels that have one size (rest.cu, rest_of_cones.cu).
#pragma once

#include <cuda_runtime_api.h>

#include "gpu/runtime.hpp"

namespace bpqp::cuda {

/// In place of a number of blocks, see Launch.
inline constexpr int kPrepare = 0;

/// Starts the kernel. Or with kPrepare blocks: loads it, for starts with as much shared memory as
/// `shared`, what the device gives a block at most, allows. Fails with the error of the launch or
/// of CUDA's call.
using Launch =
    cudaError_t(gpu::Kernel, int blocks, std::size_t shared, cudaStream_t, const gpu::Arguments&);

Launch launch_warp, launch_block128, launch_block256, launch_grid, launch_rest,
    launch_rest_of_cones, launch_rest_of_kappa;

}  // namespace bpqp::cuda
