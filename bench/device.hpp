/// \file
/// A CUDA device's memory and time, for the benchmarks that run on one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>

namespace bpqp::bench {

inline void check(cudaError_t error, const char* call) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(error));
}

/// An array in the device's memory.
template <class V>
class Array {
 public:
  explicit Array(std::size_t count) : count_(count) {
    check(cudaMalloc(&data_, std::max<std::size_t>(1, count * sizeof(V))), "cudaMalloc");
  }
  explicit Array(const std::vector<V>& host) : Array(host.size()) {
    check(cudaMemcpy(data_, host.data(), count_ * sizeof(V), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  ~Array() { cudaFree(data_); }
  Array(const Array&) = delete;
  V* data() const { return static_cast<V*>(data_); }

 private:
  void* data_ = nullptr;
  std::size_t count_;
};

/// Milliseconds that the stream takes for what `work` enqueues.
class Timer {
 public:
  explicit Timer(cudaStream_t stream) : stream_(stream) {
    check(cudaEventCreate(&start_), "cudaEventCreate");
    check(cudaEventCreate(&end_), "cudaEventCreate");
  }
  ~Timer() {
    cudaEventDestroy(start_);
    cudaEventDestroy(end_);
  }
  Timer(const Timer&) = delete;
  template <class Work>
  double operator()(const Work& work) {
    check(cudaEventRecord(start_, stream_), "cudaEventRecord");
    work();
    check(cudaEventRecord(end_, stream_), "cudaEventRecord");
    check(cudaEventSynchronize(end_), "cudaEventSynchronize");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start_, end_), "cudaEventElapsedTime");
    return double(milliseconds);
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t start_{}, end_{};
};

inline double quantile(std::vector<double> v, double q) {
  std::sort(v.begin(), v.end());
  return v[std::min(v.size() - 1, std::size_t(q * double(v.size())))];
}

/// A case of scripts/gpu_check.sh: sizes, floors and asked times of a solve and full gradients
/// (fp64, H100; docs/gpu/ has the measured ones).
struct Case {
  const char* name;
  int batch, n, eq, ineq;
  double floor_ms, asked_ms;
};
constexpr Case kCases[] = {
    {"a", 4096, 100, 20, 20, 0.45, 1.5},
    {"b", 256, 500, 50, 50, 0.7, 3},
    {"c", 1, 5000, 1000, 1000, 2.3, 15},
    {"d", 65536, 10, 5, 15, 0.3, 1.2},
};

}  // namespace bpqp::bench
