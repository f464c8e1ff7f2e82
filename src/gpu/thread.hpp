/// \file
/// What CUDA gives one thread, as an interface: the code of src/gpu is a template over it, so that
/// a test runs it on the host, thread by thread (tests/support/emulated_thread.hpp), before a GPU
/// does (kernels/device_thread.cuh).
///
/// Warps are whole: every thread of a warp reaches each of its operations together, as every thread
/// of a block reaches sync_block(), and every thread of the grid sync_grid().
#pragma once

#include <concepts>

#include "core/team.hpp"

namespace bpqp::gpu {

constexpr int kWarp = 32;  ///< threads

/// A thread's two entries of an 8 x 8 matrix that its warp holds: row lane / 4, columns 2 (lane %
/// 4) and the next.
struct Pair {
  double first, second;
};

template <class T>
concept Thread = requires(const T& t, double v, Pair c, int i, int* counter) {
  { t.index() } -> std::same_as<int>;  // in its block
  { t.block() } -> std::same_as<int>;  // in the grid
  {
    t.shared()
    } -> std::same_as<char*>;  // the block's shared memory, as large as it was launched with
  t.sync_block();  // memory written before by any thread of the block is visible after to all
  t.sync_warp();   // the same within the warp
  t.sync_grid();   // the same over all blocks, of a grid that was started as one that may
  // The value v of lane i of the warp, and of the lane whose number differs by the bits of i. They
  // order no memory.
  { t.shuffle(v, i) } -> std::same_as<double>;
  { t.shuffle_xor(v, i) } -> std::same_as<double>;
  // Bit k: whether lane k of the warp gave true. It orders no memory.
  { t.ballot(true) } -> std::same_as<unsigned>;
  // A B + C for A [8 x 4], B [4 x 8], C [8 x 8] (mma.m8n8k4): lane k gives A(k / 4, k % 4), B(k %
  // 4, k / 4) and its Pair of C. Orders no memory.
  { t.multiply_add(v, v, c) } -> std::same_as<Pair>;
  { t.fetch_add(counter, i) } -> std::same_as<int>;  // atomic; returns what was there
};

}  // namespace bpqp::gpu
