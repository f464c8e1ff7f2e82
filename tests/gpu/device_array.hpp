/// \file
/// Arrays of a real device, for the tests there.
#pragma once

#include <cstddef>
#include <vector>

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

namespace bpqp::test {

inline void expect_success(cudaError_t error) {
  ASSERT_EQ(error, cudaSuccess) << cudaGetErrorString(error);
}

/// An array of the device.
template <class V>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<V>& from) : size_(from.size()) {
    expect_success(cudaMalloc(reinterpret_cast<void**>(&data_), size_ * sizeof(V)));
    put(from);
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  V* data() const { return data_; }
  void put(const std::vector<V>& from) {
    expect_success(cudaMemcpy(data_, from.data(), size_ * sizeof(V), cudaMemcpyHostToDevice));
  }
  std::vector<V> get() const {
    std::vector<V> to(size_);
    expect_success(cudaMemcpy(to.data(), data_, size_ * sizeof(V), cudaMemcpyDeviceToHost));
    return to;
  }

 private:
  V* data_ = nullptr;
  std::size_t size_;
};

}  // namespace bpqp::test
