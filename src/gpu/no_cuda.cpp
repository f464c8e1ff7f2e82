#include "bpqp/status.hpp"
#include "gpu/cuda_runtime.hpp"

namespace bpqp::gpu {

std::unique_ptr<Runtime> make_cuda_runtime(void*, std::shared_ptr<Allocator>) {
  throw DeviceError("device: cuda was asked for, but this build has no CUDA");
}

bool cuda_built() {
  return false;
}

std::vector<std::string> cuda_device_names() {
  return {};
}

}  // namespace bpqp::gpu
