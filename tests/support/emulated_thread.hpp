/// \file
/// EmulatedThread: a thread of a CUDA grid on the host, one fiber per thread, so that tests execute
/// the very code of src/gpu that a GPU will.
///
///   EmulatedThread::launch({.blocks = 4, .threads = 128, .shared = 4096}, seed,
///                          [&](const EmulatedThread& thread) { body(thread, ...); });
///
/// A thread runs until its next operation that waits for others: those of its warp (sync_warp,
/// shuffle, shuffle_xor, ballot, multiply_add), its block or its cluster. Then another one is
/// chosen: in their order for seed 0, else at random from the seed, so that a run can be repeated.
/// What is found:
///  - divergence, exactly: threads of a warp, block or cluster that wait in different operations,
///    or where others have returned (BarrierDivergence);
///  - writes beside a block's shared memory (SharedMemoryOverrun), reads under AddressSanitizer;
///  - missing barriers under ThreadSanitizer: fibers are threads to it, and only sync_warp,
///    sync_block and sync_cluster order their accesses. Whether blocks race is seen with
///    host_threads > 1 only: clusters that follow one another on a host thread are ordered.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "gpu/thread.hpp"
#include "support/guarded_memory.hpp"
#include "support/lane_scheduler.hpp"

namespace bpqp::test {

struct LaunchShape {
  int blocks = 1;          ///< a multiple of cluster
  int threads = 32;        ///< of a block: a multiple of 32 up to 1024
  std::size_t shared = 0;  ///< bytes of a block
  int cluster = 1;         ///< blocks, 1 ... 16
};

struct EmulatedCluster;

class EmulatedThread {
 public:
  /// Runs body for every thread: the blocks of a cluster together, clusters one after another (in
  /// their order for seed 0, else in the seed's) or, with several host threads, dealt to those. An
  /// exception of a thread ends its cluster (the stacks are unwound) and is thrown on when all host
  /// threads have ended; of several, the one that a single host thread would have met. Not to be
  /// nested.
  static void launch(
      const LaunchShape& shape,
      std::uint64_t seed,
      const std::function<void(const EmulatedThread&)>& body,
      int host_threads = 1);

  int index() const { return index_; }
  int block() const { return block_; }
  /// Filled with 0xff when the block starts, so that doubles in it are NaN.
  char* shared() const { return shared_; }
  void sync_block() const;
  void sync_warp() const;
  /// Of a launch that is one cluster; else std::logic_error.
  void sync_grid() const;
  /// Lanes out of 0 ... 31 are refused (std::out_of_range).
  double shuffle(double v, int lane) const;
  double shuffle_xor(double v, int bits) const;
  unsigned ballot(bool v) const;
  gpu::Pair multiply_add(double a, double b, gpu::Pair c) const;
  int fetch_add(int* counter, int v) const {
    return std::atomic_ref<int>(*counter).fetch_add(v, std::memory_order_relaxed);
  }

  void sync_cluster() const;  ///< as sync_block(), for all threads of the cluster
  int cluster_rank() const;   ///< the block's in its cluster
  int cluster_size() const;
  /// The shared memory of the cluster's block of that rank. It is gone once that block's threads
  /// have returned.
  char* cluster_shared(int rank) const;

  EmulatedThread(Lane& lane, const EmulatedCluster& cluster);

 private:
  Lane* lane_;
  const EmulatedCluster* cluster_;
  int index_;
  int block_;
  char* shared_;
};

static_assert(gpu::Thread<EmulatedThread>);

}  // namespace bpqp::test
