/// \file
/// Products of 8 x 8 tiles on the tensor cores, their entries from memory. What takes the time is
/// the way to memory, so the loop has nothing else in it: no bounds to test, no address to compute
/// but by adding a step, and what comes next is on its way while products are made.
#pragma once

#include <cstdint>

#include "gpu/tile.hpp"

namespace bpqp::gpu {

/// Lines of a matrix: entry k of line i is first[i * line + k * entry]; there are `count` > 0
/// lines.
template <class R>
struct Operand {
  const R* first;
  std::int64_t line, entry;
  int count;
};

/// A column-major matrix's rows, and its columns, from `first` on.
template <class R>
BPQP_HD Operand<R> rows_from(const R* first, int ld, int count) {
  return {first, 1, ld, count};
}
template <class R>
BPQP_HD Operand<R> columns_from(const R* first, int ld, int count) {
  return {first, ld, 1, count};
}

/// kTiles tiles of an operand below each other, as a lane gives them to multiply_add: entries
/// at.depth, at.depth + kDepth, ... of its line of each.
template <int kTiles, class R>
class Lines {
 public:
  // Lines that are not there are the last one again: nobody keeps what becomes of them.
  BPQP_HD Lines(TilePlace at, const Operand<R>& o) : step_(kDepth * o.entry) {
    BPQP_UNROLL
    for (int t = 0; t < kTiles; ++t) {
      const int wanted = kTile * t + at.row, last = o.count - 1;
      next_[t] = o.first + (wanted < last ? wanted : last) * o.line + at.depth * o.entry;
    }
  }
  /// The entries of the next kSteps products; where there are only `left` of their lines, zero
  /// beyond.
  template <int kSteps>
  BPQP_HD void load(double (&to)[kSteps][kTiles]) {
    BPQP_UNROLL
    for (int t = 0; t < kTiles; ++t) {
      BPQP_UNROLL
      for (int s = 0; s < kSteps; ++s) to[s][t] = double(next_[t][s * step_]);
      next_[t] += kSteps * step_;
    }
  }
  template <int kSteps>
  BPQP_HD void load_some(TilePlace at, int left, double (&to)[kSteps][kTiles]) const {
    BPQP_UNROLL
    for (int t = 0; t < kTiles; ++t) {
      BPQP_UNROLL
      for (int s = 0; s < kSteps; ++s)
        to[s][t] = s * kDepth + at.depth < left ? double(next_[t][s * step_]) : 0;
    }
  }

 private:
  const R* next_[kTiles];
  std::int64_t step_;
};

/// tile[i][j] += the products of A's lines (i) and B's lines (j), over `depth` entries in their
/// order. kSteps: whose entries are loaded together.
template <int kSteps, int kRows, int kColumns, class R, Thread H>
BPQP_HD void add_products(
    const H& thread,
    TilePlace at,
    Pair (&tile)[kRows][kColumns],
    int depth,
    const Operand<R>& A,
    const Operand<R>& B) {
  struct Entries {
    double left[kSteps][kRows], right[kSteps][kColumns];
  };
  Lines<kRows, R> rows(at, A);
  Lines<kColumns, R> columns(at, B);
  const auto multiply = [&](const Entries& e, int steps) {
    BPQP_UNROLL
    for (int s = 0; s < kSteps; ++s) {
      if (s >= steps) break;
      BPQP_UNROLL
      for (int i = 0; i < kRows; ++i) {
        BPQP_UNROLL
        for (int j = 0; j < kColumns; ++j)
          tile[i][j] = thread.multiply_add(e.left[s][i], e.right[s][j], tile[i][j]);
      }
    }
  };
  const int groups = depth / (kSteps * kDepth), left = depth % (kSteps * kDepth);
  Entries next;
  if (groups > 0) rows.load(next.left), columns.load(next.right);
  BPQP_UNROLL_BY(1)
  for (int g = 1; g <= groups; ++g) {
    const Entries now = next;
    if (g < groups) rows.load(next.left), columns.load(next.right);
    multiply(now, kSteps);
  }
  if (left == 0) return;
  rows.load_some(at, left, next.left), columns.load_some(at, left, next.right);
  multiply(next, (left + kDepth - 1) / kDepth);
}

/// The same, subtracted.
template <int kSteps, int kRows, int kColumns, class R, Thread H>
BPQP_HD void subtract_products(
    const H& thread,
    TilePlace at,
    Pair (&tile)[kRows][kColumns],
    int depth,
    const Operand<R>& A,
    const Operand<R>& B) {
  const auto negate = [&] {
    BPQP_UNROLL
    for (int i = 0; i < kRows; ++i) {
      BPQP_UNROLL
      for (int j = 0; j < kColumns; ++j) tile[i][j] = {-tile[i][j].first, -tile[i][j].second};
    }
  };
  negate();  // not the entries of A, which would be waited for
  add_products<kSteps>(thread, at, tile, depth, A, B);
  negate();
}

/// Of one tile.
constexpr int kTileSteps = 4;
template <class R, Thread H>
BPQP_HD Pair add_products(
    const H& thread, TilePlace at, Pair c, int depth, const Operand<R>& A, const Operand<R>& B) {
  Pair tile[1][1] = {{c}};
  add_products<kTileSteps>(thread, at, tile, depth, A, B);
  return tile[0][0];
}
template <class R, Thread H>
BPQP_HD Pair subtract_products(
    const H& thread, TilePlace at, Pair c, int depth, const Operand<R>& A, const Operand<R>& B) {
  Pair tile[1][1] = {{c}};
  subtract_products<kTileSteps>(thread, at, tile, depth, A, B);
  return tile[0][0];
}

}  // namespace bpqp::gpu
