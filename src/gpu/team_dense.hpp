/// \file
/// The dense algebra of core/dense.hpp for the teams of a GPU, by 8 x 8 tiles on the fp64 tensor
/// cores. A team finds it by argument-dependent lookup.
///
/// Left-looking throughout: a tile is read once, takes all that is due from the tiles before it in
/// registers, and is written once. Teams that also solve large problems have their own versions of
/// most (team_dense_large.hpp).
#pragma once

#include "core/dense.hpp"
#include "gpu/team_products.hpp"
#include "gpu/tile_products.hpp"

namespace bpqp::gpu {

/// Tile (i, k) of A [n x n], less what is due from the columns before k.
template <class R, GpuTeam T>
BPQP_HD Pair settled_tile(const T& team, const R* A, int n, int ld, int i, int k) {
  const TilePlace at(team.lane());
  const Pair c = load_tile(at, A + std::size_t(k) * ld + i, ld, n - i, n - k, i == k);
  return subtract_products(
      team.thread(), at, c, k, rows_from(A + i, ld, n - i), rows_from(A + k, ld, n - k));
}

/// The tiles (i, k), i > k, of A become those of L, and `diagonal` tile (k, k), which is not
/// written: others may still read what was there. Every warp makes it for itself: waiting for one
/// to do it would take as long.
template <class R, GpuTeam T, class Root>
BPQP_HD bool factor_panel(
    const T& team, R* A, int n, int ld, int k, Root& root, FactoredTile& diagonal) {
  const TilePlace at(team.lane());
  const int order = n - k < kTile ? n - k : kTile;
  const auto root_here = [&](int j, double pivot) { return root(k + j, pivot); };
  const Pair c = settled_tile(team, A, n, ld, k, k);
  if (!factor_tile(team.thread(), at, c, order, root_here, diagonal)) return false;
  for (int i = k + kTile * (1 + team.warp()); i < n; i += kTile * team.warps()) {
    const Pair rows = divide_tile(team.thread(), at, settled_tile(team, A, n, ld, i, k), diagonal);
    store_tile(at, rows, A + std::size_t(k) * ld + i, ld, n - i, order, false);
  }
  return true;
}

/// The roots of cholesky(), and of cholesky_of_independent() if there is `least`: one type for
/// both, as they are most of a kernel's code otherwise.
template <class R>
struct Roots {
  const R* least;              ///< [n] L_kk is infinite where the pivot does not exceed it; or null
  double smallest = INFINITY;  ///< pivot so far, or that which ended it
  BPQP_HD PivotRoot operator()(int k, double pivot) {
    smallest = pivot > 0 ? core::nan_min(smallest, pivot) : pivot;
    if (least && !(pivot > double(least[k]))) return {double(INFINITY), 0};
    const double inverse = inverse_root(pivot);
    return {pivot * inverse, inverse};  // NaN is not positive
  }
};

/// Cholesky with L_kk = root(k, pivot), not positive to end it: false.
template <class R, GpuTeam T, class Root>
BPQP_STAGE bool factor_by_tiles(const T& team, R* A, int n, int ld, Root& root) {
  const TilePlace at(team.lane());
  FactoredTile diagonal;
  bool good = true;
  for (int k = 0; k < n && good; k += kTile) {
    good = factor_panel(team, A, n, ld, k, root, diagonal);
    team.sync();
    R* const tile = A + std::size_t(k) * ld + k;
    if (good && team.warp() == 0)
      store_tile(at, diagonal.L, tile, ld, diagonal.order, diagonal.order, true);
  }
  team.sync();
  return good;
}

template <class R, GpuTeam T>
BPQP_STAGE core::Pivots cholesky(const T& team, R* A, int n, int ld) {
  Roots<R> roots{nullptr};
  const bool positive = factor_by_tiles(team, A, n, ld, roots);
  return {positive, roots.smallest};
}

template <class R, GpuTeam T>
BPQP_STAGE void cholesky_of_independent(const T& team, R* A, int n, int ld, const R* least) {
  Roots<R> roots{least};
  factor_by_tiles(team, A, n, ld, roots);
}

/// L b = b for one right-hand side, in blocks of a warp's width: the first warp solves with the
/// diagonal block, all take it from the rows below.
template <class R, GpuTeam T>
BPQP_STAGE void solve_lower_one(const T& team, const R* L, int n, int ld, R* b) {
  for (int k = 0; k < n; k += kWarp) {
    const int order = n - k < kWarp ? n - k : kWarp, lane = team.lane();
    const R* block = L + std::size_t(k) * ld + k;
    if (team.warp() == 0) {
      const bool mine = lane < order;
      // x divided by the diagonal as it goes: a step then waits for one product only.
      const double inverse = mine ? 1 / double(block[std::size_t(lane) * ld + lane]) : 0;
      double x = mine ? double(b[k + lane]) * inverse : 0;
      BPQP_UNROLL_BY(4)
      for (int j = 0; j < order; ++j) {
        const double x_j = team.thread().shuffle(x, j);
        const double l = mine && lane > j ? double(block[std::size_t(j) * ld + lane]) : 0;
        x -= l * inverse * x_j;
      }
      if (mine) b[k + lane] = R(x);
    }
    team.sync();
    for (int i : team.items(n - k - order)) {
      double rest = double(b[k + order + i]);
      BPQP_UNROLL_BY(8)
      for (int j = 0; j < order; ++j)
        rest -= double(block[std::size_t(j) * ld + order + i]) * double(b[k + j]);
      b[k + order + i] = R(rest);
    }
    team.sync();
  }
}

/// L^-1 times the columns j ... j + 7 of B, from the first row to the last, by one warp.
template <class R, GpuTeam T>
BPQP_HD void solve_eight(
    const T& team, const R* L, int n, int ld, R* B, int j, int columns, int ld_b) {
  const TilePlace at(team.lane());
  R* part = B + std::size_t(j) * ld_b;
  for (int k = 0; k < n; k += kTile) {
    const int order = n - k < kTile ? n - k : kTile;
    Pair c = load_tile(at, part + k, ld_b, order, columns - j);
    c = subtract_products(
        team.thread(), at, c, k, rows_from(L + k, ld, order),
        columns_from(part, ld_b, columns - j));
    c = solve_tile(team.thread(), at, c, L + std::size_t(k) * ld + k, ld, order);
    store_tile(at, c, part + k, ld_b, order, columns - j, false);
    team.thread().sync_warp();
  }
}

template <class R, GpuTeam T>
BPQP_STAGE void solve_lower(const T& team, const R* L, int n, int ld, R* B, int columns, int ld_b) {
  if (columns == 1) return solve_lower_one(team, L, n, ld, B);
  for (int j = kTile * team.warp(); j < columns; j += kTile * team.warps())
    solve_eight(team, L, n, ld, B, j, columns, ld_b);
  team.sync();
}

/// L'b = b for one right-hand side, from the last block up: what the rows below take from the
/// block is a product by columns, one to a warp, the block itself the first warp's.
template <class R, GpuTeam T>
BPQP_STAGE void solve_lower_transposed_one(const T& team, const R* L, int n, int ld, R* b) {
  const int lane = team.lane();
  for (int k = (n - 1) / kWarp * kWarp; k >= 0; k -= kWarp) {
    const int order = n - k < kWarp ? n - k : kWarp;
    const R* block = L + std::size_t(k) * ld + k;
    for (int j = team.warp(); j < order && k + order < n; j += team.warps()) {
      double taken = 0;
      for (int i = order + lane; k + i < n; i += kWarp)
        taken += double(block[std::size_t(j) * ld + i]) * double(b[k + i]);
      taken = combine_warp(team.thread(), taken, Add());
      if (lane == 0) b[k + j] -= R(taken);
    }
    team.sync();
    if (team.warp() == 0) {
      const bool mine = lane < order;
      const R* column = block + std::size_t(mine ? lane : 0) * ld;
      const double inverse = mine ? 1 / double(column[lane]) : 0;
      double x = mine ? double(b[k + lane]) * inverse : 0;
      BPQP_UNROLL_BY(4)
      for (int j = order - 1; j >= 0; --j) {
        const double x_j = team.thread().shuffle(x, j);
        const double l = mine && lane < j ? double(column[j]) : 0;
        x -= l * inverse * x_j;
      }
      if (mine) b[k + lane] = R(x);
    }
    team.sync();
  }
}

template <class R, GpuTeam T>
BPQP_STAGE void solve_lower_transposed(
    const T& team, const R* L, int n, int ld, R* B, int columns, int ld_b) {
  for (int j = 0; j < columns; ++j)
    solve_lower_transposed_one(team, L, n, ld, B + std::size_t(j) * ld_b);
}

/// The mirror image of the tile at (i, j) of a symmetric matrix [m x m] of which entries below the
/// diagonal are there: (r, c) with r > c is also (c, r).
template <class R>
BPQP_HD void mirror_tile(TilePlace at, Pair s, int i, int j, int m, R* S, int ld) {
  const auto put = [&](int r, int c, double v) {
    if (r < m && c < r) S[std::size_t(r) * ld + c] = R(v);
  };
  put(i + at.row, j + at.column, s.first);
  put(i + at.row, j + at.column + 1, s.second);
}

template <class R, GpuTeam T>
BPQP_STAGE void gram(const T& team, const R* Y, int n, int m, int ld, R* S, int ld_s) {
  const TilePlace at(team.lane());
  for_triangle_tiles(team, m, [&](int i, int j) {
    const Pair s = add_products(
        team.thread(), at, {0, 0}, n, columns_from(Y + std::size_t(i) * ld, ld, m - i),
        columns_from(Y + std::size_t(j) * ld, ld, m - j));
    store_tile(at, s, S + std::size_t(j) * ld_s + i, ld_s, m - i, m - j, i == j);
    mirror_tile(at, s, i, j, m, S, ld_s);
  });
}

template <class R, GpuTeam T>
BPQP_STAGE void add_outer(const T& team, const R* Y, int n, int m, int ld, R* N, int ld_n) {
  const TilePlace at(team.lane());
  for_triangle_tiles(team, n, [&](int i, int j) {
    R* tile = N + std::size_t(j) * ld_n + i;
    Pair c = load_tile(at, tile, ld_n, n - i, n - j, i == j);
    c = add_products(
        team.thread(), at, c, m, rows_from(Y + i, ld, n - i), rows_from(Y + j, ld, n - j));
    store_tile(at, c, tile, ld_n, n - i, n - j, i == j);
  });
}

}  // namespace bpqp::gpu
