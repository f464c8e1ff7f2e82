/// \file
/// CapturingRuntime: an EmulatedRuntime whose stream can be captured, as in a CUDA graph: what a
/// call puts there is kept and done by replay(). What CUDA forbids meanwhile (waiting, memory,
/// copies from or to the host, attributes of kernels) is a std::logic_error.
#pragma once

#include <functional>
#include <stdexcept>
#include <vector>

#include "emulated_runtime.hpp"

namespace bpqp::test {

class CapturingRuntime : public EmulatedRuntime {
 public:
  using EmulatedRuntime::EmulatedRuntime;

  void begin() { capturing_ = true; }
  void end() { capturing_ = false; }
  std::size_t size() const { return graph_.size(); }
  void replay() const {
    for (const auto& step : graph_) step();
  }

  bool capturing() const override { return capturing_; }
  void prepare(gpu::Kernel kernel, const gpu::Plan& plan) override {
    forbid("prepare");
    EmulatedRuntime::prepare(kernel, plan);
  }
  void* allocate(std::size_t bytes) override {
    forbid("allocate");
    return EmulatedRuntime::allocate(bytes);
  }
  void copy(void* to, const void* from, std::size_t bytes) override {
    if (!(on_device(to) && on_device(from))) forbid("copy of the host's memory");
    put([=, this] { EmulatedRuntime::copy(to, from, bytes); });
  }
  void fill(void* to, int byte, std::size_t bytes) override {
    put([=, this] { EmulatedRuntime::fill(to, byte, bytes); });
  }
  void wait() override {
    forbid("wait");
    EmulatedRuntime::wait();
  }
  void launch(
      gpu::Kernel kernel, const gpu::Plan& plan, int blocks, const gpu::Arguments& a) override {
    put([=, this] { EmulatedRuntime::launch(kernel, plan, blocks, a); });
  }

 private:
  void forbid(const char* what) const {
    if (capturing_) throw std::logic_error(std::string("in a capture: ") + what);
  }
  void put(std::function<void()> step) {
    if (capturing_)
      graph_.push_back(std::move(step));
    else
      step();
  }

  bool capturing_ = false;
  std::vector<std::function<void()>> graph_;
};

}  // namespace bpqp::test
