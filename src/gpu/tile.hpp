/// \file
/// 8 x 8 tiles of column-major matrices, held by a warp as the tensor cores do (Pair in
/// thread.hpp). What lies outside of the matrix reads as zero and is not written.
#pragma once

#include <cmath>

#include "gpu/team.hpp"

#ifdef __CUDACC__
#define BPQP_UNROLL _Pragma("unroll")
#else
#define BPQP_UNROLL
#endif

namespace bpqp::gpu {

constexpr int kTile = 8;
/// Terms of one multiply_add.
constexpr int kDepth = 4;

/// Where a lane's two entries stand in a tile: (row, column) and (row, column + 1). It also gives
/// A(row, depth) and B(depth, row) of a multiply_add.
struct TilePlace {
  int row, column, depth;
  BPQP_HD explicit TilePlace(int lane)
      : row(lane / 4), column(2 * (lane % 4)), depth(lane % kDepth) {}
};

/// The lane that holds entry (i, j), and which of its two.
BPQP_HD inline int tile_lane(int i, int j) {
  return 4 * i + j / 2;
}
BPQP_HD inline double tile_entry(Pair c, int j) {
  return j % 2 == 0 ? c.first : c.second;
}

/// rows, columns: how much of the matrix there is from M on. `lower`: of a lower triangle, above
/// whose diagonal nothing was ever written, nothing is read either.
template <class R>
BPQP_HD Pair
load_tile(TilePlace at, const R* M, int ld, int rows, int columns, bool lower = false) {
  const R* entry = M + std::size_t(at.column) * ld + at.row;
  const int end = lower && at.row + 1 < columns ? at.row + 1 : columns;
  const bool inside = at.row < rows;
  return {
      inside && at.column < end ? double(entry[0]) : 0,
      inside && at.column + 1 < end ? double(entry[ld]) : 0};
}

/// `lower`: only entries on and below the diagonal.
template <class R>
BPQP_HD void store_tile(TilePlace at, Pair c, R* M, int ld, int rows, int columns, bool lower) {
  R* entry = M + std::size_t(at.column) * ld + at.row;
  if (at.row >= rows) return;
  if (at.column < columns && !(lower && at.row < at.column)) entry[0] = R(c.first);
  if (at.column + 1 < columns && !(lower && at.row <= at.column)) entry[ld] = R(c.second);
}

/// The factor of a tile, and 1 / L_jj.
struct FactoredTile {
  Pair L;
  double inverse[kTile];
  int order = kTile;  ///< how much of it there is
};

/// A factored tile from memory; `order`: how much of the factor there is from it on.
template <class R, Thread H>
BPQP_HD FactoredTile read_factored(const H& thread, TilePlace at, const R* L, int ld, int order) {
  FactoredTile d;
  d.order = order < kTile ? order : kTile;
  d.L = load_tile(at, L, ld, d.order, d.order, true);
  const double own = at.row < d.order ? 1 / double(L[std::size_t(at.row) * ld + at.row]) : 0;
  BPQP_UNROLL
  for (int j = 0; j < kTile; ++j) d.inverse[j] = thread.shuffle(own, tile_lane(j, 0));
  return d;
}

/// 1 / sqrt(v) to the last bits but one: on a GPU a tenth of the instructions of both.
BPQP_HD inline double inverse_root(double v) {
#ifdef __CUDA_ARCH__
  return ::rsqrt(v);
#else
  return 1 / std::sqrt(v);
#endif
}

/// L_jj and its inverse.
struct PivotRoot {
  double value, inverse;
};

/// Cholesky of the leading `order` rows of a tile's lower triangle; root(j, pivot) gives the
/// PivotRoot, its value not positive to give up: false.
template <Thread H, class Root>
BPQP_HD bool factor_tile(
    const H& thread, TilePlace at, Pair c, int order, const Root& root, FactoredTile& out) {
  out.order = order;
  BPQP_UNROLL
  for (int j = 0; j < kTile; ++j) {
    if (j >= order) break;
    const double column = tile_entry(c, j);
    const PivotRoot r = root(j, thread.shuffle(column, tile_lane(j, j)));
    if (!(r.value > 0)) return false;
    out.inverse[j] = r.inverse;
    // L_rj of this lane's row, and of the rows that its columns are.
    const double divided = column * r.inverse;
    const double l = thread.shuffle(divided, tile_lane(at.row, j));
    const double first = thread.shuffle(divided, tile_lane(at.column, j));
    const double second = thread.shuffle(divided, tile_lane(at.column + 1, j));
    const double entry = at.row == j ? r.value : l;
    c.first = at.column == j ? entry : at.column > j ? c.first - l * first : c.first;
    c.second = at.column + 1 == j ? entry : at.column + 1 > j ? c.second - l * second : c.second;
  }
  out.L = c;
  return true;
}

/// X with X L' = C, for a tile C of any rows.
template <Thread H>
BPQP_HD Pair divide_tile(const H& thread, TilePlace at, Pair c, const FactoredTile& d) {
  BPQP_UNROLL
  for (int j = 0; j < kTile; ++j) {
    if (j >= d.order) break;
    const double x = thread.shuffle(tile_entry(c, j), tile_lane(at.row, j)) * d.inverse[j];
    const double l = tile_entry(d.L, j);
    const double first = thread.shuffle(l, tile_lane(at.column, j));
    const double second = thread.shuffle(l, tile_lane(at.column + 1, j));
    c.first = at.column == j ? x : at.column > j ? c.first - x * first : c.first;
    c.second = at.column + 1 == j ? x : at.column + 1 > j ? c.second - x * second : c.second;
  }
  return c;
}

/// X with L X = C for the lower triangle of L [order x order] in memory.
template <class R, Thread H>
BPQP_HD Pair solve_tile(const H& thread, TilePlace at, Pair c, const R* L, int ld, int order) {
  double l[kTile];  // this lane's row of L
  BPQP_UNROLL
  for (int j = 0; j < kTile; ++j)
    l[j] = at.row >= j && at.row < order ? double(L[std::size_t(j) * ld + at.row]) : 0;
  double pivot = 1;
  BPQP_UNROLL
  for (int j = 0; j < kTile; ++j)
    if (j == at.row && j < order) pivot = l[j];
  const double own = 1 / pivot;
  BPQP_UNROLL
  for (int j = 0; j < kTile; ++j) {
    if (j >= order) break;
    const double inverse = thread.shuffle(own, tile_lane(j, 0));
    const double first = thread.shuffle(c.first, tile_lane(j, at.column)) * inverse;
    const double second = thread.shuffle(c.second, tile_lane(j, at.column)) * inverse;
    const double factor = at.row > j ? l[j] : 0;
    c.first = at.row == j ? first : c.first - factor * first;
    c.second = at.row == j ? second : c.second - factor * second;
  }
  return c;
}

/// Tile t of a lower triangle of tiles, by rows: (0, 0), (1, 0), (1, 1), (2, 0), ...
struct TriangleTile {
  int i, j;
  BPQP_HD explicit TriangleTile(int t) : i(int((std::sqrt(8.0f * float(t) + 1) - 1) / 2)) {
    while (i * (i + 1) / 2 > t) --i;  // the root may be off by a rounding
    while ((i + 1) * (i + 2) / 2 <= t) ++i;
    j = t - i * (i + 1) / 2;
  }
};

/// The tiles of a symmetric matrix [n x n], dealt to the warps: body(i, j), the first row and
/// column.
template <GpuTeam T, class Body>
BPQP_HD void for_triangle_tiles(const T& team, int n, const Body& body) {
  const int side = (n + kTile - 1) / kTile;
  for (int t = team.warp(); t < side * (side + 1) / 2; t += team.warps()) {
    const TriangleTile tile(t);
    body(kTile * tile.i, kTile * tile.j);
  }
  team.sync();
}

}  // namespace bpqp::gpu
