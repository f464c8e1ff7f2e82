/// \file
/// BlockTeam: the threads of one block solve one problem together.
///
/// Reductions go through shared memory, pairwise in a fixed order, so that the result does not
/// depend on which warp runs first; every thread gets the same value.
#pragma once

#include "core/lanes.hpp"

namespace bpqp::cuda {

/// kThreads: the block's size, a power of two. The team owns no memory: make one `Scratch` per
/// block in shared memory.
template <int kThreads>
class BlockTeam {
  static_assert(kThreads >= 1 && (kThreads & (kThreads - 1)) == 0, "a power of two");

 public:
  struct Scratch {
    double values[kThreads];
  };

  __device__ explicit BlockTeam(Scratch& scratch) : values_(scratch.values) {}

  __device__ int rank() const { return int(threadIdx.x); }
  __device__ int size() const { return kThreads; }
  __device__ core::StridedRange items(int n) const { return {rank(), kThreads, n}; }
  __device__ void sync() const { __syncthreads(); }

  __device__ double sum(double v) const {
    return reduce(v, [](double a, double b) { return a + b; });
  }
  __device__ double max(double v) const {
    return reduce(v, [](double a, double b) { return core::nan_max(a, b); });
  }
  __device__ double min(double v) const {
    return reduce(v, [](double a, double b) { return core::nan_min(a, b); });
  }

 private:
  template <class Combine>
  __device__ double reduce(double v, Combine combine) const {
    const int i = rank();
    values_[i] = v;
    for (int half = kThreads / 2; half > 0; half /= 2) {
      __syncthreads();
      if (i < half) values_[i] = combine(values_[i], values_[i + half]);
    }
    __syncthreads();
    const double result = values_[0];
    __syncthreads();  // all have read it before the next reduction writes
    return result;
  }

  double* values_;
};

}  // namespace bpqp::cuda
