/// \file
/// CudaRuntime: gpu::Runtime by CUDA's runtime library, on one device and one stream.
#include "gpu/cuda_runtime.hpp"

#include <iterator>
#include <string>
#include <utility>

#include <cuda_runtime_api.h>

#include "allocation.hpp"
#include "bpqp/status.hpp"
#include "class_kernels.hpp"
#include "on_device.hpp"

namespace bpqp::gpu {
namespace {

using cuda::check;
using cuda::OnDevice;

const char* name_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::solve_plain:
      return "solve_plain";
    case Kernel::differentiate:
      return "differentiate";
    case Kernel::sum_gradients:
      return "sum_gradients";
    case Kernel::load_starts:
      return "load_starts";
    case Kernel::condense_shared:
      return "condense_shared";
    case Kernel::solve_rest:
      return "solve_rest";
    case Kernel::solve_cones:
      return "solve_cones";
    case Kernel::differentiate_by_admm:
      return "differentiate_by_admm";
    case Kernel::attach_points:
      return "attach_points";
    case Kernel::relax_points:
      return "relax_points";
    case Kernel::differentiate_relaxed:
      return "differentiate_relaxed";
  }
  return "kernel";
}

void check_kernel(cudaError_t error, const char* what, Kernel kernel) {
  if (error != cudaSuccess) check(error, (std::string(what) + name_of(kernel)).c_str());
}

/// The launch function of a row of the size table.
cuda::Launch& launch_of(const SizeClass& c) {
  for (const SizeClass& rest : kRestClasses)
    if (&c == &rest) return cuda::launch_rest;
  constexpr cuda::Launch* kOfRow[] = {
      cuda::launch_warp, cuda::launch_block128, cuda::launch_block256, cuda::launch_grid};
  static_assert(std::size(kOfRow) == std::size(kSizeClasses));
  return *kOfRow[&c - kSizeClasses];
}

class CudaRuntime : public Runtime {
 public:
  CudaRuntime(void* stream, std::shared_ptr<Allocator> allocator)
      : stream_(static_cast<cudaStream_t>(stream)), allocator_(std::move(allocator)) {
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess || count == 0)
      throw DeviceError(
          std::string("device: cuda was asked for, but no CUDA device was found (") +
          (error == cudaSuccess ? "there is none" : cudaGetErrorString(error)) + ")");
    check(cudaGetDevice(&device_), "cudaGetDevice");
  }

  Plan plan(int n, int m, bool rest) const override {
    return make_plan(n, m, size_class(n, m, rest), limits());
  }
  Plan shared_plan(int n, int m, Reads reads) const override {
    return make_shared_plan(n, m, size_class(n, m), reads, limits());
  }
  DeviceLimits limits() const {
    DeviceLimits limits;
    limits.multiprocessors = attribute(cudaDevAttrMultiProcessorCount);
    limits.shared_bytes = std::size_t(attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor));
    limits.shared_bytes_block = std::size_t(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin));
    limits.shared_bytes_reserved = std::size_t(attribute(cudaDevAttrReservedSharedMemoryPerBlock));
    return limits;
  }

  void prepare(Kernel kernel, const Plan& plan) override {
    const OnDevice here(device_);
    const auto most = std::size_t(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin));
    check_kernel(
        launch_of(*plan.size_class)(kernel, cuda::kPrepare, most, stream_, Arguments()),
        "preparation of ", kernel);
  }

  bool capturing() const override {
    const OnDevice here(device_);
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    check(cudaStreamIsCapturing(stream_, &status), "cudaStreamIsCapturing");
    return status != cudaStreamCaptureStatusNone;
  }

  void* allocate(std::size_t bytes) override {
    const OnDevice here(device_);
    if (allocator_) return bpqp::allocate(*allocator_, bytes, stream_);
    void* memory = nullptr;
    const cudaError_t error = cudaMalloc(&memory, bytes);
    if (error != cudaSuccess)
      throw DeviceError(
          "cudaMalloc of " + std::to_string(bytes) + " bytes: " + cudaGetErrorString(error));
    return memory;
  }
  // Not by check(): it ends without a device while the process ends.
  void release(void* memory, std::size_t bytes) noexcept override {
    int before = 0;
    const bool changed = cudaGetDevice(&before) == cudaSuccess && before != device_ &&
                         cudaSetDevice(device_) == cudaSuccess;
    if (allocator_)
      allocator_->deallocate(memory, bytes, stream_);
    else
      cudaFree(memory);
    if (changed) cudaSetDevice(before);
  }

  bool on_device(const void* pointer) const override {
    cudaPointerAttributes attributes{};
    check(cudaPointerGetAttributes(&attributes, pointer), "cudaPointerGetAttributes");
    // That of another device is copied: whether kernels reach it depends on the machine.
    return (attributes.type == cudaMemoryTypeDevice && attributes.device == device_) ||
           attributes.type == cudaMemoryTypeManaged;
  }

  void copy(void* to, const void* from, std::size_t bytes) override {
    if (bytes == 0) return;
    const OnDevice here(device_);
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_), "cudaMemcpyAsync");
    // From pageable memory it has been read when the call returns; from pinned memory it has not.
    cudaPointerAttributes attributes{};
    check(cudaPointerGetAttributes(&attributes, from), "cudaPointerGetAttributes");
    if (attributes.type == cudaMemoryTypeHost) wait();
  }
  void fill(void* to, int byte, std::size_t bytes) override {
    const OnDevice here(device_);
    check(cudaMemsetAsync(to, byte, bytes, stream_), "cudaMemsetAsync");
  }
  void wait() override {
    const OnDevice here(device_);
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  }

  void launch(Kernel kernel, const Plan& plan, int blocks, const Arguments& a) override {
    const OnDevice here(device_);
    check_kernel(
        launch_of(*plan.size_class)(kernel, blocks, plan.shared_bytes, stream_, a), "launch of ",
        kernel);
  }

 private:
  int attribute(cudaDeviceAttr which) const {
    int value = 0;
    check(cudaDeviceGetAttribute(&value, which, device_), "cudaDeviceGetAttribute");
    return value;
  }

  cudaStream_t stream_;
  std::shared_ptr<Allocator> allocator_;
  int device_ = 0;
};

}  // namespace

std::unique_ptr<Runtime> make_cuda_runtime(void* stream, std::shared_ptr<Allocator> allocator) {
  return std::make_unique<CudaRuntime>(stream, std::move(allocator));
}

bool cuda_built() {
  return true;
}

std::vector<std::string> cuda_device_names() {
  std::vector<std::string> names;
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return names;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) == cudaSuccess) names.push_back(properties.name);
  }
  return names;
}

}  // namespace bpqp::gpu
