/// \file
/// core/dense.hpp for CpuTeam in double precision: our own micro-kernels (micro_*.hpp) for what is
/// done with matrices, Eigen for products and solves with one vector.
///
/// Large matrices are cut into tiles of fixed size, every tile the work of one thread, so that the
/// bits do not depend on the number of threads.
#pragma once

#include <Eigen/Core>

#include "cpu/cpu_team.hpp"
#include "cpu/micro_factor.hpp"
#include "cpu/micro_products.hpp"
#include "cpu/micro_vector.hpp"

namespace bpqp::cpu {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;
using Stride = Eigen::OuterStride<>;
using View = Eigen::Map<Matrix, 0, Stride>;
using ConstView = Eigen::Map<const Matrix, 0, Stride>;
using Vector = Eigen::Map<Eigen::VectorXd>;
using ConstVector = Eigen::Map<const Eigen::VectorXd>;

/// Edge of a tile. Below twice this a matrix is one tile; the last tile takes a rest that would be
/// too small for the micro-kernels.
inline constexpr int kTile = 128;
inline constexpr int kLeastTile = 8;
inline constexpr int kLargestTile = 2 * kTile - 1;
static_assert(kLeastTile >= micro::kSmallest && kLargestTile <= micro::kDepth);

inline int tiles_of(int n) {
  return n < 2 * kTile ? 1 : (n + kTile - kLeastTile) / kTile;
}
inline int tile_begin(int, int t) {
  return t * kTile;
}
inline int tile_end(int n, int t) {
  return t + 1 == tiles_of(n) ? n : (t + 1) * kTile;
}

/// Tile t of the lower triangle of tiles, counted row by row.
struct LowerTile {
  int row = 0, column = 0;

  explicit LowerTile(int t) {
    while ((row + 1) * (row + 2) / 2 <= t) ++row;
    column = t - row * (row + 1) / 2;
  }
};

inline void transposed_product(
    const CpuTeam&, const double* A, int n, int m, int ld, const double* x, double* out) {
  if (m > 0)
    Vector(out, m).noalias() = ConstView(A, n, m, Stride(ld)).transpose() * ConstVector(x, n);
}

inline void product(
    const CpuTeam&, const double* A, int n, int m, int ld, const double* y, double* out) {
  if (n > 0) Vector(out, n).noalias() = ConstView(A, n, m, Stride(ld)) * ConstVector(y, m);
}

/// float data: column by column, which the compiler vectorises.
inline void product(
    const CpuTeam&, const float* A, int n, int m, int ld, const double* y, double* out) {
  for (int j = 0; j < n; ++j) out[j] = 0;
  for (int i = 0; i < m; ++i) {
    const float* column = A + std::size_t(i) * ld;
    const double y_i = y[i];
    if (y_i != 0)
      for (int j = 0; j < n; ++j) out[j] += double(column[j]) * y_i;
  }
}

/// A diagonal tile of a factor, copied out of its matrix: there its columns lie so far apart that
/// they compete for few places of the cache.
class Corner {
 public:
  /// Lower triangle of A [n x n].
  Corner(const double* A, int n, int ld) : n_(n) { read(A, ld); }

  core::Pivots factor() { return micro::cholesky(entries_, n_, kStride, inverse_); }

  /// Of A once more, which the factorisation has not touched. Rare, so that it may be slow.
  void factor_independent(const double* A, int ld, const double* least) {
    if (factor().positive && all_exceed(least)) return;
    read(A, ld);
    core::cholesky_of_independent(core::SerialTeam(), entries_, n_, int(kStride), least);
    invert_diagonal();
  }
  void invert_diagonal() { micro::invert_diagonal(entries_, n_, kStride, inverse_); }

  void write(double* A, int ld) const {
    for (int j = 0; j < n_; ++j)
      std::copy_n(entries_ + j * kStride + j, n_ - j, A + std::size_t(j) * ld + j);
  }
  void solve_right(double* X, int rows, int ld) const {
    micro::solve_right(entries_, n_, kStride, inverse_, X, rows, std::size_t(ld));
  }
  void solve_lower(double* B, int columns, int ld) const {
    micro::solve_lower(entries_, n_, kStride, inverse_, B, columns, std::size_t(ld));
  }

 private:
  void read(const double* A, int ld) {
    for (int j = 0; j < n_; ++j)
      std::copy_n(A + std::size_t(j) * ld + j, n_ - j, entries_ + j * kStride + j);
  }
  bool all_exceed(const double* least) const {
    for (int j = 0; j < n_; ++j) {
      const double root = entries_[j * kStride + j];
      if (!(root * root > least[j])) return false;
    }
    return true;
  }

  static constexpr int kEdge = kTile + kLeastTile;
  static constexpr std::size_t kStride = kEdge + 4;  // no power of two

  int n_;
  double entries_[kEdge * kStride];
  double inverse_[kEdge];
};

/// Right-looking Cholesky by tiles. factor(corner, b) makes the factor of the diagonal tile at b,
/// and says whether to go on.
template <class Factor>
void tiled_cholesky(const CpuTeam& team, double* A, int n, int ld, const Factor& factor) {
  const int tiles = tiles_of(n);
  for (int k = 0; k < tiles; ++k) {
    const int b = tile_begin(n, k), e = tile_end(n, k);
    const auto at = [&](int i, int j) { return A + std::size_t(j) * ld + i; };
    Corner corner(at(b, b), e - b, ld);
    if (!factor(corner, b)) return;
    corner.write(at(b, b), ld);
    const int below = tiles - k - 1;
    team.for_tiles(below, [&](int t) {
      const int r0 = tile_begin(n, k + 1 + t), r1 = tile_end(n, k + 1 + t);
      corner.solve_right(at(r0, b), r1 - r0, ld);
    });
    team.for_tiles(below * (below + 1) / 2, [&](int t) {
      const LowerTile tile(t);
      const int r = k + 1 + tile.row, c = k + 1 + tile.column;
      const int r0 = tile_begin(n, r), r1 = tile_end(n, r);
      const int c0 = tile_begin(n, c), c1 = tile_end(n, c);
      micro::outer_products<micro::Put::subtract>(
          at(r0, b), r1 - r0, at(c0, b), c1 - c0, e - b, std::size_t(ld), r == c, at(r0, c0),
          std::size_t(ld));
    });
  }
}

inline core::Pivots cholesky(const CpuTeam& team, double* A, int n, int ld) {
  if (n < micro::kSmallest) return core::cholesky<double, CpuTeam>(team, A, n, ld);
  if (tiles_of(n) == 1) {
    double inverse[kLargestTile];
    return micro::cholesky(A, n, std::size_t(ld), inverse);
  }
  core::Pivots pivots{true, INFINITY};
  tiled_cholesky(team, A, n, ld, [&](Corner& corner, int) {
    const core::Pivots found = corner.factor();
    pivots.positive = found.positive;
    pivots.smallest = found.positive ? std::min(pivots.smallest, found.smallest) : found.smallest;
    return found.positive;
  });
  return pivots;
}

inline void cholesky_of_independent(
    const CpuTeam& team, double* A, int n, int ld, const double* least) {
  if (tiles_of(n) == 1)
    return core::cholesky_of_independent<double, CpuTeam>(team, A, n, ld, least);
  tiled_cholesky(team, A, n, ld, [&](Corner& corner, int b) {
    corner.factor_independent(A + std::size_t(b) * ld + b, ld, least + b);
    return true;
  });
}

/// Below this size a triangular solve with one vector goes four columns at a time
/// (micro_vector.hpp): Eigen's spends more on its panels than on the arithmetic there.
inline constexpr int kSmallSolve = 256;

inline void solve_lower_vector(const double* L, int n, int ld, double* b) {
  if (n < kSmallSolve) return micro::forward_solve(L, n, std::size_t(ld), b);
  Vector x(b, n);
  ConstView(L, n, n, Stride(ld)).triangularView<Eigen::Lower>().solveInPlace(x);
}

/// Column tiles are independent; inside one, rows go tile by tile.
inline void tiled_solve_lower(
    const CpuTeam& team, const double* L, int n, int ld, double* B, int columns, int ld_b) {
  const int rows = tiles_of(n);
  team.for_tiles(tiles_of(columns), [&](int c) {
    const int c0 = tile_begin(columns, c), c1 = tile_end(columns, c);
    double* const block = B + std::size_t(c0) * ld_b;
    for (int k = 0; k < rows; ++k) {
      const int b = tile_begin(n, k), e = tile_end(n, k);
      if (b > 0)
        View(block + b, e - b, c1 - c0, Stride(ld_b)).noalias() -=
            ConstView(L + b, e - b, b, Stride(ld)) * ConstView(block, b, c1 - c0, Stride(ld_b));
      Corner corner(L + std::size_t(b) * ld + b, e - b, ld);
      corner.invert_diagonal();
      corner.solve_lower(block + b, c1 - c0, ld_b);
    }
  });
}

inline void solve_lower(
    const CpuTeam& team, const double* L, int n, int ld, double* B, int columns, int ld_b) {
  if (n < micro::kSmallest)
    return core::solve_lower<double, CpuTeam>(team, L, n, ld, B, columns, ld_b);
  if (columns < micro::kLanes) {
    for (int c = 0; c < columns; ++c) solve_lower_vector(L, n, ld, B + std::size_t(c) * ld_b);
    return;
  }
  if (tiles_of(n) > 1) return tiled_solve_lower(team, L, n, ld, B, columns, ld_b);
  double inverse[kLargestTile];
  micro::invert_diagonal(L, n, std::size_t(ld), inverse);
  team.for_tiles(tiles_of(columns), [&](int c) {
    const int c0 = tile_begin(columns, c), c1 = tile_end(columns, c);
    micro::solve_lower(
        L, n, std::size_t(ld), inverse, B + std::size_t(c0) * ld_b, c1 - c0, std::size_t(ld_b));
  });
}

inline void solve_lower_transposed(
    const CpuTeam&, const double* L, int n, int ld, double* B, int columns, int ld_b) {
  if (n == 0 || columns == 0) return;
  const ConstView factor(L, n, n, Stride(ld));
  for (int c = 0; c < columns; ++c) {
    if (n < kSmallSolve) {
      micro::backward_solve(L, n, std::size_t(ld), B + std::size_t(c) * ld_b);
      continue;
    }
    Vector b(B + std::size_t(c) * ld_b, n);
    factor.transpose().triangularView<Eigen::Upper>().solveInPlace(b);
  }
}

/// S, both triangles; tiles of the lower triangle, mirrored.
inline void gram(const CpuTeam& team, const double* Y, int n, int m, int ld, double* S, int ld_s) {
  if (m < micro::kSmallest || n == 0)
    return core::gram<double, CpuTeam>(team, Y, n, m, ld, S, ld_s);
  const int tiles = tiles_of(m);
  team.for_tiles(tiles * (tiles + 1) / 2, [&](int t) {
    const LowerTile tile(t);
    const bool diagonal = tile.row == tile.column;
    const int r0 = tile_begin(m, tile.row), r1 = tile_end(m, tile.row);
    const int c0 = tile_begin(m, tile.column), c1 = tile_end(m, tile.column);
    double* const target = S + std::size_t(c0) * ld_s + r0;
    const auto add_slice = [&]<micro::Put kPut>(int b) {
      micro::inner_products<kPut>(
          Y + std::size_t(r0) * ld + b, r1 - r0, Y + std::size_t(c0) * ld + b, c1 - c0,
          std::min(micro::kDepth, n - b), std::size_t(ld), diagonal, target, std::size_t(ld_s));
    };
    add_slice.operator()<micro::Put::set>(0);
    for (int b = micro::kDepth; b < n; b += micro::kDepth) add_slice.operator()<micro::Put::add>(b);
    for (int c = c0; c < c1; ++c)
      for (int r = diagonal ? c + 1 : r0; r < r1; ++r)
        S[std::size_t(r) * ld_s + c] = S[std::size_t(c) * ld_s + r];
  });
}

inline void add_outer(
    const CpuTeam& team, const double* Y, int n, int m, int ld, double* N, int ld_n) {
  if (n < micro::kSmallest) return core::add_outer<double, CpuTeam>(team, Y, n, m, ld, N, ld_n);
  const int tiles = tiles_of(n);
  team.for_tiles(tiles * (tiles + 1) / 2, [&](int t) {
    const LowerTile tile(t);
    const int r0 = tile_begin(n, tile.row), r1 = tile_end(n, tile.row);
    const int c0 = tile_begin(n, tile.column), c1 = tile_end(n, tile.column);
    for (int b = 0; b < m; b += micro::kDepth) {
      const double* const slice = Y + std::size_t(b) * ld;
      micro::outer_products<micro::Put::add>(
          slice + r0, r1 - r0, slice + c0, c1 - c0, std::min(micro::kDepth, m - b), std::size_t(ld),
          tile.row == tile.column, N + std::size_t(c0) * ld_n + r0, std::size_t(ld_n));
    }
  });
}

inline core::Pick largest_of(const CpuTeam&, const double* v, int n) {
  return micro::largest_of(v, n);
}

}  // namespace bpqp::cpu
