/// \file
/// DeviceThread: gpu::Thread as CUDA has it.
#pragma once

#include <cooperative_groups.h>

#include "gpu/thread.hpp"

namespace bpqp::cuda {

/// Not inlined: a team of one block has it beside every barrier.
static __device__ __noinline__ void sync_all_blocks() {
  cooperative_groups::this_grid().sync();
}

class DeviceThread {
 public:
  __device__ int index() const { return int(threadIdx.x); }
  __device__ int block() const { return int(blockIdx.x); }
  __device__ char* shared() const {
    extern __shared__ __align__(128) char memory[];
    return memory;
  }
  __device__ void sync_block() const { __syncthreads(); }
  __device__ void sync_warp() const { __syncwarp(); }
  __device__ void sync_grid() const { sync_all_blocks(); }
  __device__ double shuffle(double v, int lane) const { return __shfl_sync(kAll, v, lane); }
  __device__ double shuffle_xor(double v, int bits) const { return __shfl_xor_sync(kAll, v, bits); }
  __device__ unsigned ballot(bool v) const { return __ballot_sync(kAll, v); }
  __device__ gpu::Pair multiply_add(double a, double b, gpu::Pair c) const {
    gpu::Pair d;
    // volatile: not to be moved into a branch that only some lanes take.
    asm volatile("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%4, %5};"
                 : "=d"(d.first), "=d"(d.second)
                 : "d"(a), "d"(b), "d"(c.first), "d"(c.second));
    return d;
  }
  __device__ int fetch_add(int* counter, int v) const { return atomicAdd(counter, v); }

 private:
  static constexpr unsigned kAll = 0xffffffff;
};

static_assert(gpu::Thread<DeviceThread>);

}  // namespace bpqp::cuda
