/// \file
/// The teams of a GPU: one warp, the warps of one block, or all blocks of a grid solve one problem
/// together.
///
/// Reductions are butterflies within a warp, whose lanes all end with the same bits, and then sums
/// over the warps in their order and over the blocks by a butterfly again, so that a result depends
/// on the size of the team only.
#pragma once

#include <cmath>

#include "core/lanes.hpp"
#include "gpu/thread.hpp"

namespace bpqp::gpu {

/// A team that dense algebra (team_dense.hpp) runs on: whole warps, thread() one of its threads.
template <class T>
concept GpuTeam = core::Team<T> && requires(const T& team) {
  { team.warp() } -> std::same_as<int>;  // this thread's, 0 ... warps() - 1
  { team.warps() } -> std::same_as<int>;
  { team.lane() } -> std::same_as<int>;  // in the warp
  team.thread();
};

template <GpuTeam T>
BPQP_HD core::StridedRange team_rows(const T& team, int rows) {
  return {team.warp(), team.warps(), rows};
}
template <GpuTeam T>
BPQP_HD core::StepRange<false> row_entries(const T& team, int columns) {
  return {team.lane(), kWarp, columns};
}

/// v combined over kLanes neighbouring lanes of the warp (a power of two), on each of them.
template <int kLanes, Thread H, class Combine>
BPQP_HD double combine_lanes(const H& thread, double v, const Combine& combine) {
  for (int bit = 1; bit < kLanes; bit *= 2) v = combine(v, thread.shuffle_xor(v, bit));
  return v;
}
template <Thread H, class Combine>
BPQP_HD double combine_warp(const H& thread, double v, const Combine& combine) {
  return combine_lanes<kWarp>(thread, v, combine);
}

// kNothing: what changes no other value.
struct Add {
  static constexpr double kNothing = 0;
  BPQP_HD double operator()(double a, double b) const { return a + b; }
};
struct Larger {
  static constexpr double kNothing = -INFINITY;
  BPQP_HD double operator()(double a, double b) const { return core::nan_max(a, b); }
};
struct Smaller {
  static constexpr double kNothing = INFINITY;
  BPQP_HD double operator()(double a, double b) const { return core::nan_min(a, b); }
};

template <Thread H>
class WarpTeam {
 public:
  BPQP_HD explicit WarpTeam(const H& thread) : thread_(thread), lane_(thread.index() % kWarp) {}

  BPQP_HD int rank() const { return lane_; }
  BPQP_HD int size() const { return kWarp; }
  BPQP_HD core::StridedRange items(int n) const { return {lane_, kWarp, n}; }
  BPQP_HD void sync() const { thread_.sync_warp(); }
  BPQP_HD double sum(double v) const { return reduce(v, Add()); }
  BPQP_HD double max(double v) const { return reduce(v, Larger()); }
  BPQP_HD double min(double v) const { return reduce(v, Smaller()); }

  BPQP_HD int warp() const { return 0; }
  BPQP_HD int warps() const { return 1; }
  BPQP_HD int lane() const { return lane_; }
  BPQP_HD const H& thread() const { return thread_; }

 private:
  template <class Combine>
  BPQP_STAGE double reduce(double v, const Combine& combine) const {
    const double result = combine_warp(thread_, v, combine);
    thread_.sync_warp();  // shuffles order no memory
    return result;
  }

  H thread_;
  int lane_;
};

/// What the warps of a block combine. One barrier: the next reduction writes to the other half of
/// partial [2 kWarps], in shared memory, and the one after it cannot begin before everybody has
/// read this one's. `turn`: 0 or 1, which half.
template <int kWarps, Thread H, class Combine>
BPQP_HD double combine_block(
    const H& thread, double v, const Combine& combine, double* partial, int turn) {
  partial += turn * kWarps;
  v = combine_warp(thread, v, combine);
  if (thread.index() % kWarp == 0) partial[thread.index() / kWarp] = v;
  thread.sync_block();
  double result = partial[0];
  for (int w = 1; w < kWarps; ++w) result = combine(result, partial[w]);
  return result;
}

/// kWarps: the warps of its block. partial [2 kWarps]: shared memory of the team's own.
template <Thread H, int kWarps>
class BlockTeam {
 public:
  BPQP_HD BlockTeam(const H& thread, double* partial)
      : thread_(thread), partial_(partial), rank_(thread.index()) {}

  BPQP_HD int rank() const { return rank_; }
  BPQP_HD int size() const { return kWarps * kWarp; }
  BPQP_HD core::StridedRange items(int n) const { return {rank_, kWarps * kWarp, n}; }
  BPQP_HD void sync() const { thread_.sync_block(); }
  BPQP_HD double sum(double v) const { return reduce(v, Add()); }
  BPQP_HD double max(double v) const { return reduce(v, Larger()); }
  BPQP_HD double min(double v) const { return reduce(v, Smaller()); }

  BPQP_HD int warp() const { return rank_ / kWarp; }
  BPQP_HD int warps() const { return kWarps; }
  BPQP_HD int lane() const { return rank_ % kWarp; }
  BPQP_HD const H& thread() const { return thread_; }

 private:
  template <class Combine>
  BPQP_STAGE double reduce(double v, const Combine& combine) const {
    turn_ = 1 - turn_;
    return combine_block<kWarps>(thread_, v, combine, partial_, turn_);
  }

  H thread_;
  double* partial_;
  int rank_;
  mutable int turn_ = 0;
};

/// The memory of a team of all blocks of a grid, in place of the shared memory that they do not
/// have. Of a team of one block: 1 and null.
struct GridMemory {
  int blocks = 1;
  double* partial = nullptr;  ///< [2 blocks]
  char* shared = nullptr;     ///< for TeamShared (place.hpp)
};

/// One block, or all blocks of the grid, as is known when the kernel starts: for kernels that are
/// to be compiled once. kWarps and partial as BlockTeam's.
template <Thread H, int kWarps>
class GridTeam {
 public:
  BPQP_HD GridTeam(const H& thread, double* partial, const GridMemory& grid)
      : thread_(thread),
        partial_(partial),
        grid_(grid),
        rank_((grid.blocks > 1 ? thread.block() * kWarps * kWarp : 0) + thread.index()) {}

  BPQP_HD int rank() const { return rank_; }
  BPQP_HD int size() const { return grid_.blocks * kWarps * kWarp; }
  BPQP_HD core::StridedRange items(int n) const { return {rank_, size(), n}; }
  BPQP_HD void sync() const {
    if (grid_.blocks > 1)
      thread_.sync_grid();
    else
      thread_.sync_block();
  }
  BPQP_HD double sum(double v) const { return reduce(v, Add()); }
  BPQP_HD double max(double v) const { return reduce(v, Larger()); }
  BPQP_HD double min(double v) const { return reduce(v, Smaller()); }

  BPQP_HD int warp() const { return rank_ / kWarp; }
  BPQP_HD int warps() const { return grid_.blocks * kWarps; }
  BPQP_HD int lane() const { return rank_ % kWarp; }
  BPQP_HD const H& thread() const { return thread_; }

  BPQP_HD int blocks() const { return grid_.blocks; }
  /// This thread's block as a team of its own.
  BPQP_HD GridTeam own_block() const { return {thread_, partial_, GridMemory{}}; }

 private:
  template <class Combine>
  BPQP_STAGE double reduce(double v, const Combine& combine) const {
    turn_ = 1 - turn_;
    v = combine_block<kWarps>(thread_, v, combine, partial_, turn_);
    return grid_.blocks > 1 ? combine_grid(v, combine) : v;
  }
  /// v of each block, combined over the blocks, with one barrier as in combine_block().
  template <class Combine>
  BPQP_STAGE double combine_grid(double v, const Combine& combine) const {
    double* const partial = grid_.partial + turn_ * grid_.blocks;
    if (thread_.index() == 0) partial[thread_.block()] = v;
    thread_.sync_grid();
    v = Combine::kNothing;
    for (int b = lane(); b < grid_.blocks; b += kWarp) v = combine(v, partial[b]);
    return combine_warp(thread_, v, combine);
  }

  H thread_;
  double* partial_;
  GridMemory grid_;
  int rank_;
  mutable int turn_ = 0;
};

}  // namespace bpqp::gpu
