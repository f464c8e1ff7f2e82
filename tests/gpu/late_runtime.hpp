/// \file
/// LateRuntime: an EmulatedRuntime whose stream does nothing until somebody waits for it, as a
/// device that is far behind. What a call gives without waiting is not there yet.
#pragma once

#include <cstring>
#include <deque>
#include <functional>
#include <vector>

#include "emulated_runtime.hpp"

namespace bpqp::test {

class LateRuntime : public EmulatedRuntime {
 public:
  using EmulatedRuntime::EmulatedRuntime;
  ~LateRuntime() override { run(); }

  /// Waits, as cudaFree does.
  void release(void* memory, std::size_t bytes) noexcept override {
    run();
    EmulatedRuntime::release(memory, bytes);
  }
  /// What is in the host's memory is read now, for it may be used again.
  void copy(void* to, const void* from, std::size_t bytes) override {
    if (on_device(from)) {
      stream_.push_back([=, this] { EmulatedRuntime::copy(to, from, bytes); });
    } else {
      std::vector<char> kept(bytes);
      if (bytes > 0) std::memcpy(kept.data(), from, bytes);
      stream_.push_back(
          [=, this, kept = std::move(kept)] { EmulatedRuntime::copy(to, kept.data(), bytes); });
    }
  }
  void fill(void* to, int byte, std::size_t bytes) override {
    stream_.push_back([=, this] { EmulatedRuntime::fill(to, byte, bytes); });
  }
  void wait() override {
    run();
    EmulatedRuntime::wait();
  }
  void launch(
      gpu::Kernel kernel, const gpu::Plan& plan, int blocks, const gpu::Arguments& a) override {
    stream_.push_back([=, this] { EmulatedRuntime::launch(kernel, plan, blocks, a); });
  }

  /// What is due, in its order.
  void run() {
    for (; !stream_.empty(); stream_.pop_front()) stream_.front()();
  }
  bool idle() const { return stream_.empty(); }

 private:
  std::deque<std::function<void()>> stream_;
};

}  // namespace bpqp::test
