/// \file
/// The CUDA runtime (kernels/cuda_runtime.cpp), or in a build without CUDA what says so
/// (no_cuda.cpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bpqp/allocator.hpp"
#include "gpu/runtime.hpp"

namespace bpqp::gpu {

/// On the device that is current in the calling thread. Throws DeviceError if there is none.
/// `allocator` may be null.
std::unique_ptr<Runtime> make_cuda_runtime(void* stream, std::shared_ptr<Allocator> allocator);

/// Whether this build has CUDA, and the names of the devices found.
bool cuda_built();
std::vector<std::string> cuda_device_names();

}  // namespace bpqp::gpu
