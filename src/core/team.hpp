/// \file
/// A team: the lanes that solve one problem together, and the arena that their memory comes from.
///
/// Code in src/core is SPMD: every lane runs it, `team.items(n)` deals out the indices, and every
/// lane must reach every sync(), sum(), max() and min(). SerialTeam is one lane on the host,
/// EmulatedTeam (tests) a GPU block as fibers on the host; the GPU's own teams live in src/gpu.
/// How a team computes with matrices is the business of dense.hpp, whose functions it may overload.
#pragma once

#include <concepts>
#include <cstddef>

// BPQP_HD: a function that runs on the device too. BPQP_STAGE: likewise, a step that a whole team
// takes together (or a lane, of one cone) and that the device compiler is not to inline: as one
// function the algorithm is 364,000 lines of PTX, which ptxas had not assembled after 17 minutes.
// What a stage keeps in registers across a call is lost to all that it calls: the outer ones pass
// on one struct by reference, and return their reports so. BPQP_UNROLL_BY(k): before a loop of
// which the device compiler is to take k steps at a time, and no more: left alone it takes a
// register for every load of up to sixteen.
#ifdef __CUDACC__
#define BPQP_HD __host__ __device__
#define BPQP_STAGE __host__ __device__ __noinline__
#define BPQP_PRAGMA_(text) _Pragma(#text)
#define BPQP_UNROLL_BY(k) BPQP_PRAGMA_(unroll k)
#else
#define BPQP_HD
#define BPQP_STAGE
#define BPQP_UNROLL_BY(k)
#endif

namespace bpqp::core {

/// The indices first, first + step, ... below last: coalesced on a GPU. kShort: mostly one or two,
/// which is hidden from a compiler that would unroll the loop by four; where they may be many it is
/// to do so, and have four loads on their way.
template <bool kShort>
struct StepRange {
  int first, step, last;
  struct Iterator {
    int i, step;
    BPQP_HD int operator*() const { return i; }
    BPQP_HD void operator++() {
      i += step;
#ifdef __CUDA_ARCH__
      if constexpr (kShort) asm("" : "+r"(i));
#endif
    }
    BPQP_HD bool operator!=(const Iterator& end) const {
      return i < end.i;
    }
  };
  BPQP_HD Iterator begin() const {
    return {first, step};
  }
  BPQP_HD Iterator end() const {
    return {last, step};
  }
};
using StridedRange = StepRange<true>;

/// The indices 0 ... last - 1, with a step that the compiler sees, so that it can vectorise.
struct UnitRange {
  int last;
  struct Iterator {
    int i;
    BPQP_HD int operator*() const { return i; }
    BPQP_HD void operator++() { ++i; }
    BPQP_HD bool operator!=(const Iterator& end) const { return i != end.i; }
  };
  BPQP_HD Iterator begin() const { return {0}; }
  BPQP_HD Iterator end() const { return {last < 0 ? 0 : last}; }
};

/// sum, max and min combine one value per lane, give every lane the same result in a fixed order,
/// and are barriers. max and min keep a NaN once a lane has one.
template <class T>
concept Team = requires(const T& t, int n, double v) {
  { t.rank() } -> std::same_as<int>;  // 0 ... size() - 1
  { t.size() } -> std::same_as<int>;  // lanes
  t.items(n);                         // this lane's share of 0 ... n - 1
  { t.sum(v) } -> std::same_as<double>;
  { t.max(v) } -> std::same_as<double>;
  { t.min(v) } -> std::same_as<double>;
  t.sync();  // memory written before by any lane is visible after on every lane
};

struct SerialTeam {
  BPQP_HD int rank() const { return 0; }
  BPQP_HD int size() const { return 1; }
  BPQP_HD UnitRange items(int n) const { return {n}; }
  BPQP_HD double sum(double v) const { return v; }
  BPQP_HD double max(double v) const { return v; }
  BPQP_HD double min(double v) const { return v; }
  BPQP_HD void sync() const {}
};

/// A row-major matrix is walked by `for (int i : team_rows(team, rows)) for (int j :
/// row_entries(team, columns))`: here each lane has rows of its own; a GPU's teams overload both so
/// that the lanes of a warp share a row and touch neighbouring entries.
template <Team T>
BPQP_HD auto team_rows(const T& team, int rows) {
  return team.items(rows);
}
template <Team T>
BPQP_HD UnitRange row_entries(const T&, int columns) {
  return {columns};
}

/// Hands out pieces of one buffer, aligned to a cache line. With a null buffer it only counts, so
/// that one layout function gives the byte count (when a Solver is made) and the pointers.
///
/// It may have a second, fast buffer (a GPU's shared memory): pieces lie there while there is room,
/// and each leaves its place in the first buffer free, so that it can be copied there.
class Arena {
 public:
  BPQP_HD explicit Arena(void* base, void* fast = nullptr, std::size_t fast_bytes = 0)
      : base_(static_cast<char*>(base)), fast_(static_cast<char*>(fast)), room_(fast_bytes) {}

  template <class T>
  BPQP_HD T* take(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + kAlign - 1) / kAlign * kAlign;
    char* piece = base_ ? base_ + used_ : nullptr;
    used_ += bytes;
    if (bytes <= room_ - fast_used_) {
      piece = fast_ + fast_used_;
      fast_used_ += bytes;
    }
    return reinterpret_cast<T*>(piece);
  }
  BPQP_HD std::size_t bytes() const { return used_; }
  /// Of the fast buffer, so far.
  BPQP_HD std::size_t fast_bytes() const { return fast_used_; }

  static constexpr std::size_t kAlign = 64;

 private:
  char *base_, *fast_;
  std::size_t used_ = 0, room_, fast_used_ = 0;
};

}  // namespace bpqp::core
