/// \file
/// Memory of a Runtime: blocks that are owned, and copies of the caller's arrays where these are in
/// the host's memory.
#pragma once

#include <utility>
#include <vector>

#include "gpu/runtime.hpp"

namespace bpqp::gpu {

class DeviceBlock {
 public:
  DeviceBlock() = default;
  /// bytes >= 1
  DeviceBlock(Runtime& runtime, std::size_t bytes)
      : runtime_(&runtime), data_(runtime.allocate(bytes)), bytes_(bytes) {}
  DeviceBlock(DeviceBlock&& other) noexcept { *this = std::move(other); }
  DeviceBlock& operator=(DeviceBlock&& other) noexcept {
    std::swap(runtime_, other.runtime_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~DeviceBlock() {
    if (data_) runtime_->release(data_, bytes_);
  }
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  Runtime* runtime_ = nullptr;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Device copies of a call's host arrays. Blocks are kept from call to call and grow as needed, so
/// that a caller with device pointers never allocates here.
class Staging {
 public:
  explicit Staging(Runtime& runtime) : runtime_(runtime) {}

  /// Before a call's first array.
  void start() {
    next_ = 0;
    outputs_.clear();
  }

  /// The array [count] where kernels can read it; null stays null.
  template <class V>
  const V* in(const V* array, std::size_t count) {
    if (!array || count == 0 || runtime_.on_device(array)) return array;
    V* const copy = static_cast<V*>(block(count * sizeof(V)));
    runtime_.copy(copy, array, count * sizeof(V));
    return copy;
  }

  /// Where kernels can write the array [count]; finish() copies it to the caller's. `gaps`: they
  /// leave entries out, which stay the caller's.
  template <class V>
  V* out(V* array, std::size_t count, bool gaps = false) {
    if (!array || count == 0 || runtime_.on_device(array)) return array;
    V* const copy = static_cast<V*>(block(count * sizeof(V)));
    if (gaps) runtime_.copy(copy, array, count * sizeof(V));
    outputs_.push_back({array, copy, count * sizeof(V)});
    return copy;
  }

  /// Copies outputs to the caller's host memory and waits for them; does nothing, and does not
  /// wait, if there are none.
  void finish() {
    if (outputs_.empty()) return;
    for (const Output& o : outputs_) runtime_.copy(o.to, o.from, o.bytes);
    runtime_.wait();
  }

 private:
  struct Output {
    void* to;
    const void* from;
    std::size_t bytes;
  };

  void* block(std::size_t bytes) {
    if (next_ == blocks_.size()) blocks_.emplace_back();
    DeviceBlock& b = blocks_[next_++];
    if (b.bytes() < bytes) b = DeviceBlock(runtime_, bytes);
    return b.data();
  }

  Runtime& runtime_;
  std::vector<DeviceBlock> blocks_;
  std::size_t next_ = 0;
  std::vector<Output> outputs_;
};

}  // namespace bpqp::gpu
