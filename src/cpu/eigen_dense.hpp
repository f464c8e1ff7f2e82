/// \file
/// core/dense.hpp for CpuTeam in double precision, by Eigen, which no file but this and
/// eigen_data.hpp includes.
///
/// Large matrices are cut into tiles of fixed size, every tile one single-threaded Eigen call, so
/// that the bits do not depend on the number of threads (Eigen's own threading would change them),
/// and Eigen's packing buffers stay on the stack (EIGEN_STACK_ALLOCATION_LIMIT).
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "core/dense.hpp"
#include "cpu/cpu_team.hpp"

namespace bpqp::cpu {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;
using Stride = Eigen::OuterStride<>;
using View = Eigen::Map<Matrix, 0, Stride>;
using ConstView = Eigen::Map<const Matrix, 0, Stride>;
using Vector = Eigen::Map<Eigen::VectorXd>;
using ConstVector = Eigen::Map<const Eigen::VectorXd>;

/// Edge of a tile. Below twice this a matrix is one tile.
inline constexpr int kTile = 128;

inline int tiles_of(int n) {
  return n < 2 * kTile ? 1 : (n + kTile - 1) / kTile;
}
inline int tile_begin(int, int t) {
  return t * kTile;
}
inline int tile_end(int n, int t) {
  return t + 1 == tiles_of(n) ? n : (t + 1) * kTile;
}

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

inline core::Pivots cholesky(const CpuTeam& team, double* A, int n, int ld) {
  const int tiles = tiles_of(n);
  for (int k = 0; k < tiles; ++k) {
    const int b = tile_begin(n, k), e = tile_end(n, k);
    const auto tile = [&](int i0, int i1, int j0, int j1) {
      return View(A + std::size_t(j0) * ld + i0, i1 - i0, j1 - j0, Stride(ld));
    };
    auto corner = tile(b, e, b, e);
    const Eigen::Index failed = Eigen::internal::llt_inplace<double, Eigen::Lower>::blocked(corner);
    if (failed >= 0) return {false, std::min(corner(failed, failed), 0.0)};
    const int below = tiles - k - 1;
    if (below == 0) continue;
    team.for_tiles(below, [&](int t) {
      const int i = k + 1 + t;
      auto panel = tile(tile_begin(n, i), tile_end(n, i), b, e);
      const ConstView factor(A + std::size_t(b) * ld + b, e - b, e - b, Stride(ld));
      factor.transpose().triangularView<Eigen::Upper>().solveInPlace<Eigen::OnTheRight>(panel);
    });
    team.for_tiles(below * (below + 1) / 2, [&](int t) {
      int i = 0;
      while ((i + 1) * (i + 2) / 2 <= t) ++i;  // t counts the lower triangle of tiles row by row
      const int j = t - i * (i + 1) / 2;
      const int r = k + 1 + i, c = k + 1 + j;
      const int r0 = tile_begin(n, r), r1 = tile_end(n, r);
      const int c0 = tile_begin(n, c), c1 = tile_end(n, c);
      if (r == c)
        tile(r0, r1, r0, r1).selfadjointView<Eigen::Lower>().rankUpdate(tile(r0, r1, b, e), -1.0);
      else
        tile(r0, r1, c0, c1).noalias() -= tile(r0, r1, b, e) * tile(c0, c1, b, e).transpose();
    });
  }
  double smallest = INFINITY;
  for (int j = 0; j < n; ++j) {
    const double root = A[std::size_t(j) * ld + j];
    smallest = core::nan_min(smallest, root * root);
  }
  return {smallest > 0, smallest};
}

/// Below this size a triangular solve with one vector goes four columns at a time (forward_solve,
/// backward_solve): Eigen's spends more on its panels than on the arithmetic there.
inline constexpr int kSmallSolve = 256;

/// b = L^-1 b.
inline void forward_solve(const double* L, int n, int ld, double* __restrict b) {
  int k = 0;
  for (; k + 4 <= n; k += 4) {
    const double *c0 = L + std::size_t(k) * ld, *c1 = c0 + ld, *c2 = c1 + ld, *c3 = c2 + ld;
    const double x0 = b[k] / c0[k];
    const double x1 = (b[k + 1] - c0[k + 1] * x0) / c1[k + 1];
    const double x2 = (b[k + 2] - c0[k + 2] * x0 - c1[k + 2] * x1) / c2[k + 2];
    const double x3 = (b[k + 3] - c0[k + 3] * x0 - c1[k + 3] * x1 - c2[k + 3] * x2) / c3[k + 3];
    b[k] = x0, b[k + 1] = x1, b[k + 2] = x2, b[k + 3] = x3;
    for (int i = k + 4; i < n; ++i) b[i] -= (c0[i] * x0 + c1[i] * x1) + (c2[i] * x2 + c3[i] * x3);
  }
  for (; k < n; ++k) {
    const double* column = L + std::size_t(k) * ld;
    b[k] /= column[k];
    for (int i = k + 1; i < n; ++i) b[i] -= column[i] * b[k];
  }
}

/// b = L'^-1 b.
inline void backward_solve(const double* L, int n, int ld, double* __restrict b) {
  int k = n;
  for (; k % 4 != 0; --k) {
    const double* column = L + std::size_t(k - 1) * ld;
    b[k - 1] = (b[k - 1] - core::dot(column + k, b + k, n - k)) / column[k - 1];
  }
  for (k -= 4; k >= 0; k -= 4) {
    const double *c0 = L + std::size_t(k) * ld, *c1 = c0 + ld, *c2 = c1 + ld, *c3 = c2 + ld;
    const int rest = n - k - 4;
    const double* x = b + k + 4;
    const double s0 = core::dot(c0 + k + 4, x, rest), s1 = core::dot(c1 + k + 4, x, rest);
    const double s2 = core::dot(c2 + k + 4, x, rest), s3 = core::dot(c3 + k + 4, x, rest);
    b[k + 3] = (b[k + 3] - s3) / c3[k + 3];
    b[k + 2] = (b[k + 2] - s2 - c2[k + 3] * b[k + 3]) / c2[k + 2];
    b[k + 1] = (b[k + 1] - s1 - c1[k + 2] * b[k + 2] - c1[k + 3] * b[k + 3]) / c1[k + 1];
    b[k] = (b[k] - s0 - c0[k + 1] * b[k + 1] - c0[k + 2] * b[k + 2] - c0[k + 3] * b[k + 3]) / c0[k];
  }
}

inline void solve_lower(
    const CpuTeam& team, const double* L, int n, int ld, double* B, int columns, int ld_b) {
  if (n == 0 || columns == 0) return;
  if (columns == 1 && n < kSmallSolve) return forward_solve(L, n, ld, B);
  if (columns == 1) {
    Vector b(B, n);
    ConstView(L, n, n, Stride(ld)).triangularView<Eigen::Lower>().solveInPlace(b);
    return;
  }
  // Column tiles are independent; inside one, rows go tile by tile.
  const int rows = tiles_of(n);
  team.for_tiles(tiles_of(columns), [&](int c) {
    const int c0 = tile_begin(columns, c), c1 = tile_end(columns, c);
    for (int k = 0; k < rows; ++k) {
      const int b = tile_begin(n, k), e = tile_end(n, k);
      View block(B + std::size_t(c0) * ld_b + b, e - b, c1 - c0, Stride(ld_b));
      if (b > 0)
        block.noalias() -= ConstView(L + b, e - b, b, Stride(ld)) *
                           ConstView(B + std::size_t(c0) * ld_b, b, c1 - c0, Stride(ld_b));
      ConstView(L + std::size_t(b) * ld + b, e - b, e - b, Stride(ld))
          .triangularView<Eigen::Lower>()
          .solveInPlace(block);
    }
  });
}

inline void solve_lower_transposed(
    const CpuTeam&, const double* L, int n, int ld, double* B, int columns, int ld_b) {
  if (n == 0 || columns == 0) return;
  const ConstView factor(L, n, n, Stride(ld));
  for (int c = 0; c < columns; ++c) {
    if (n < kSmallSolve) {
      backward_solve(L, n, ld, B + std::size_t(c) * ld_b);
      continue;
    }
    Vector b(B + std::size_t(c) * ld_b, n);
    factor.transpose().triangularView<Eigen::Upper>().solveInPlace(b);
  }
}

/// S, both triangles; tiles of the lower triangle, mirrored.
inline void gram(const CpuTeam& team, const double* Y, int n, int m, int ld, double* S, int ld_s) {
  const int tiles = tiles_of(m);
  team.for_tiles(tiles * (tiles + 1) / 2, [&](int t) {
    int i = 0;
    while ((i + 1) * (i + 2) / 2 <= t) ++i;
    const int j = t - i * (i + 1) / 2;
    const int r0 = tile_begin(m, i), r1 = tile_end(m, i);
    const int c0 = tile_begin(m, j), c1 = tile_end(m, j);
    View target(S + std::size_t(c0) * ld_s + r0, r1 - r0, c1 - c0, Stride(ld_s));
    target.setZero();
    for (int b = 0; b < n; b += 2 * kTile) {  // depth in slices, so that packing stays small
      const int depth = std::min(2 * kTile, n - b);
      const ConstView left(Y + std::size_t(r0) * ld + b, depth, r1 - r0, Stride(ld));
      const ConstView right(Y + std::size_t(c0) * ld + b, depth, c1 - c0, Stride(ld));
      if (i == j)
        target.selfadjointView<Eigen::Lower>().rankUpdate(left.transpose());
      else
        target.noalias() += left.transpose() * right;
    }
    for (int c = c0; c < c1; ++c)
      for (int r = i == j ? c + 1 : r0; r < r1; ++r)
        S[std::size_t(r) * ld_s + c] = S[std::size_t(c) * ld_s + r];
  });
}

inline void add_outer(
    const CpuTeam& team, const double* Y, int n, int m, int ld, double* N, int ld_n) {
  const int tiles = tiles_of(n);
  team.for_tiles(tiles * (tiles + 1) / 2, [&](int t) {
    int i = 0;
    while ((i + 1) * (i + 2) / 2 <= t) ++i;
    const int j = t - i * (i + 1) / 2;
    const int r0 = tile_begin(n, i), r1 = tile_end(n, i);
    const int c0 = tile_begin(n, j), c1 = tile_end(n, j);
    View target(N + std::size_t(c0) * ld_n + r0, r1 - r0, c1 - c0, Stride(ld_n));
    for (int b = 0; b < m; b += 2 * kTile) {
      const int depth = std::min(2 * kTile, m - b);
      const ConstView left(Y + std::size_t(b) * ld + r0, r1 - r0, depth, Stride(ld));
      const ConstView right(Y + std::size_t(b) * ld + c0, c1 - c0, depth, Stride(ld));
      if (i == j)
        target.selfadjointView<Eigen::Lower>().rankUpdate(left);
      else
        target.noalias() += left * right.transpose();
    }
  });
}

}  // namespace bpqp::cpu
