/// \file
/// Runtime: a GPU as the engine uses it, its memory and its kernels, all in the order of one
/// stream. kernels/cuda_runtime.cpp is CUDA's; tests have one that runs the kernels' bodies on the
/// host.
#pragma once

#include <memory>

#include "gpu/batch.hpp"
#include "gpu/shared_plan.hpp"

namespace bpqp::gpu {

enum class Kernel : int {
  solve_plain = 0,
  differentiate,
  sum_gradients,
  load_starts,
  // Those that few problems need, of kRestClasses.
  condense_shared,
  solve_rest,
  solve_cones,
  differentiate_by_admm,
  attach_points,
  relax_points,
  differentiate_relaxed
};

inline bool is_rest(Kernel kernel) {
  return kernel >= Kernel::condense_shared;
}

/// What the kernels are given, each its part.
struct Arguments {
  Batch batch;
  Queue queue;
  List rest;
  Adjoint adjoint;
  Sums sums;
  Points points;
  Starts starts;
  double kappa = 0;
};

/// Failures throw DeviceError with the name of the runtime's call.
class Runtime {
 public:
  virtual ~Runtime() = default;
  /// `rest`: of the kernels that few problems need.
  virtual Plan plan(int n, int m, bool rest) const = 0;
  /// Of the kernels solve_plain or differentiate for a batch that shares P and A.
  virtual Plan shared_plan(int n, int m, Reads reads) const = 0;
  /// Before launches of the kernel with such plans: a launch itself does nothing that a capture in
  /// a graph forbids.
  virtual void prepare(Kernel, const Plan&) = 0;
  /// Whether what is put into the stream now goes into a CUDA graph, and is not done yet.
  virtual bool capturing() const = 0;
  /// From the caller's allocator if there is one (Settings::allocator).
  virtual void* allocate(std::size_t bytes) = 0;
  /// What allocate() gave for so many bytes.
  virtual void release(void* memory, std::size_t bytes) noexcept = 0;
  /// Whether it is memory of this device: kernels can read and write there.
  virtual bool on_device(const void* pointer) const = 0;
  /// Between host and device, or on the device. Host memory may be used again when it returns.
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;
  virtual void fill(void* to, int byte, std::size_t bytes) = 0;
  /// Waits for all that was started.
  virtual void wait() = 0;
  virtual void launch(Kernel, const Plan&, int blocks, const Arguments&) = 0;
};

}  // namespace bpqp::gpu
