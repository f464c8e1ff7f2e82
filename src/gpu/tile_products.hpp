/// \file
/// Products of 8 x 8 tiles on the tensor cores, their entries from memory. What takes the time is
/// the way to memory, so the loop has nothing else in it: the loads of a few products together, no
/// bounds to test, and no address to compute but by adding a step.
#pragma once

#include <cstdint>

#include "gpu/tile.hpp"

namespace bpqp::gpu {

/// body(i, j) for every one of kRows x kColumns tiles, so that the compiler sees the numbers of the
/// registers.
template <int kRows, int kColumns, class Body>
BPQP_HD void for_tiles(const Body& body) {
  BPQP_UNROLL
  for (int i = 0; i < kRows; ++i) {
    BPQP_UNROLL
    for (int j = 0; j < kColumns; ++j) body(i, j);
  }
}

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
  BPQP_HD Lines(TilePlace at, const Operand<R>& o)
      : next_(o.first + at.depth * o.entry), step_(int(kDepth * o.entry)) {
    BPQP_UNROLL
    for (int t = 0; t < kTiles; ++t) {
      const int wanted = kTile * t + at.row, last = o.count - 1;
      line_[t] = int((wanted < last ? wanted : last) * o.line);
    }
  }
  /// The entries of the next kSteps products.
  template <int kSteps>
  BPQP_HD void load(double (&to)[kSteps][kTiles]) {
    BPQP_UNROLL
    for (int s = 0; s < kSteps; ++s) {
      BPQP_UNROLL
      for (int t = 0; t < kTiles; ++t) to[s][t] = double(next_[line_[t]]);
      next_ += step_;
    }
  }
  /// The same where there are only `left` entries of a line; zero beyond.
  template <int kSteps>
  BPQP_HD void load_some(TilePlace at, int left, double (&to)[kSteps][kTiles]) {
    BPQP_UNROLL
    for (int s = 0; s < kSteps; ++s) {
      const bool some = s * kDepth + at.depth < left;
      BPQP_UNROLL
      for (int t = 0; t < kTiles; ++t) to[s][t] = some ? double(next_[line_[t]]) : 0;
      if (some) next_ += step_;
    }
  }

 private:
  const R* next_;
  int step_, line_[kTiles];  // in entries; lines of a few tiles are near each other
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
      for_tiles<kRows, kColumns>([&](int i, int j) {
        tile[i][j] = thread.multiply_add(e.left[s][i], e.right[s][j], tile[i][j]);
      });
    }
  };
  Entries e;
  int left = depth;
  BPQP_UNROLL_BY(1)
  for (; left >= kSteps * kDepth; left -= kSteps * kDepth) {
    rows.load(e.left), columns.load(e.right);
    multiply(e, kSteps);
  }
  if (left == 0) return;
  rows.load_some(at, left, e.left), columns.load_some(at, left, e.right);
  multiply(e, (left + kDepth - 1) / kDepth);
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
    for_tiles<kRows, kColumns>([&](int i, int j) {
      tile[i][j] = {-tile[i][j].first, -tile[i][j].second};
    });
  };
  negate();  // not the entries of A, which would be waited for
  add_products<kSteps>(thread, at, tile, depth, A, B);
  negate();
}

/// Of one tile: eight loads together.
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
