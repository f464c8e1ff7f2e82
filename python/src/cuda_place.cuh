// host_place.hpp's memory and loops on a CUDA device.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime.h>

#include "bpqp/settings.hpp"
#include "callers.hpp"
#include "on_device.hpp"

namespace bpqp::python {

/// Memory of a device, given back in the order of a stream.
template <class T>
class CudaArray {
 public:
  CudaArray() = default;
  CudaArray(std::size_t size, cudaStream_t stream) : size_(size), stream_(stream) {
    if (size == 0) return;
    cuda::check(cudaMallocAsync(&data_, size * sizeof(T), stream), "cudaMallocAsync");
  }
  CudaArray(CudaArray&& other) noexcept { swap(other); }
  CudaArray& operator=(CudaArray&& other) noexcept {
    CudaArray(std::move(other)).swap(*this);
    return *this;
  }
  ~CudaArray() {
    if (data_) cudaFreeAsync(data_, stream_);
  }

  T* data() { return static_cast<T*>(data_); }
  const T* data() const { return static_cast<const T*>(data_); }
  std::size_t size() const { return size_; }

 private:
  void swap(CudaArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(stream_, other.stream_);
  }

  void* data_ = nullptr;
  std::size_t size_ = 0;
  cudaStream_t stream_ = nullptr;
};

template <class Body>
__global__ void each_kernel(std::int64_t count, std::int64_t size, Body body) {
  const std::int64_t step = std::int64_t(gridDim.x) * blockDim.x;
  std::int64_t at = std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; at < count * size; at += step) body(at / size, at % size);
}

/// With a stream of its own, since the caller's may be another one at every call, or be gone.
class CudaPlace {
 public:
  using Caller = CudaCaller;
  template <class T>
  using Array = CudaArray<T>;

  struct Current : cuda::OnDevice {
    explicit Current(const Caller& caller) : OnDevice(device_of(caller)) {}
  };

  class Turn {
   public:
    Turn(CudaPlace& place, const Caller& caller)
        : place_(place), caller_(static_cast<cudaStream_t>(caller.stream)) {
      cuda::check(place.follow(place.stream_, caller_), "cudaStreamWaitEvent");
    }
    /// Also where the work broke off: what was started reads the caller's arrays.
    ~Turn() {
      if (place_.follow(caller_, place_.stream_) != cudaSuccess)
        cudaStreamSynchronize(place_.stream_);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    CudaPlace& place_;
    cudaStream_t caller_;
  };

  explicit CudaPlace(const Caller&) {
    cuda::check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
    const cudaError_t error = cudaEventCreateWithFlags(&event_, cudaEventDisableTiming);
    if (error == cudaSuccess) return;
    cudaStreamDestroy(stream_);
    cuda::check(error, "cudaEventCreate");
  }
  ~CudaPlace() {
    cudaEventDestroy(event_);
    cudaStreamDestroy(stream_);  // when its work is done
  }
  CudaPlace(const CudaPlace&) = delete;
  CudaPlace& operator=(const CudaPlace&) = delete;

  static std::string name(const Caller& caller) {
    return "cuda:" + std::to_string(device_of(caller)) + " ";
  }
  template <class T>
  static std::vector<T> read(const Caller& caller, const T* from, std::size_t count) {
    return fetch(from, count, static_cast<cudaStream_t>(caller.stream));
  }

  Settings settings(Settings settings) const {
    settings.device = Device::cuda;
    settings.stream = stream_;
    return settings;
  }
  template <class T>
  Array<T> make(std::size_t count) {
    return Array<T>(count, stream_);
  }
  template <class T>
  Array<T> copy(const T* from, std::size_t count) {
    Array<T> to = make<T>(count);
    transfer(to.data(), from, count, cudaMemcpyDeviceToDevice, stream_);
    return to;
  }
  template <class T>
  Array<T> put(const std::vector<T>& host) {
    Array<T> to = make<T>(host.size());
    // From memory that is not pinned: it may be used again when this returns.
    transfer(to.data(), host.data(), host.size(), cudaMemcpyHostToDevice, stream_);
    return to;
  }
  template <class T>
  std::vector<T> get(const Array<T>& array) {
    return fetch(array.data(), array.size(), stream_);
  }
  template <class Body>
  void each(std::int64_t count, std::int64_t size, const Body& body) {
    if (count * size == 0) return;
    const std::int64_t blocks = (count * size + kThreads - 1) / kThreads;
    each_kernel<<<unsigned(std::min(blocks, kMostBlocks)), unsigned(kThreads), 0, stream_>>>(
        count, size, body);
    cuda::check(cudaGetLastError(), "a kernel of bpqp.jax");
  }

 private:
  static constexpr std::int64_t kThreads = 256, kMostBlocks = 1 << 16;

  static int device_of(const Caller& caller) {
    cudaPointerAttributes attributes{};
    cuda::check(cudaPointerGetAttributes(&attributes, caller.memory), "cudaPointerGetAttributes");
    return attributes.device;
  }
  template <class T>
  static void transfer(
      T* to, const T* from, std::size_t count, cudaMemcpyKind kind, cudaStream_t stream) {
    if (count == 0) return;
    cuda::check(cudaMemcpyAsync(to, from, count * sizeof(T), kind, stream), "cudaMemcpyAsync");
  }
  template <class T>
  static std::vector<T> fetch(const T* from, std::size_t count, cudaStream_t stream) {
    std::vector<T> to(count);
    transfer(to.data(), from, count, cudaMemcpyDeviceToHost, stream);
    cuda::check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    return to;
  }
  cudaError_t follow(cudaStream_t later, cudaStream_t earlier) {
    const cudaError_t error = cudaEventRecord(event_, earlier);
    return error == cudaSuccess ? cudaStreamWaitEvent(later, event_, 0) : error;
  }

  cudaStream_t stream_ = nullptr;
  cudaEvent_t event_ = nullptr;
};

}  // namespace bpqp::python
