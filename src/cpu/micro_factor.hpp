/// \file
/// Cholesky and triangular solves of one tile by micro_kernel.hpp, left-looking: every block of
/// four columns takes all that the columns before it give in one go, so that it is read and written
/// once.
#pragma once

#include "cpu/micro_kernel.hpp"

namespace bpqp::cpu::micro {

/// Columns [j, j + Size) of X in X L' = A, in place, for some rows: the columns before are solved.
/// inverse: 1 / L_ii. The same whether A lies below L (Cholesky), or is a transposed right side.
template <int Size, int V>
inline void solve_columns(
    const Rows<V>& rows,
    double* A,
    std::size_t ld_a,
    const double* L,
    std::size_t ld,
    const double* inverse,
    int j) {
  // Fewer than kColumns are the last ones: the tile then begins with columns that are solved.
  constexpr int kFirst = kColumns - Size;
  Tile<V> tile;
  tile.clear();
  accumulate(tile, rows.of(A, ld_a), {L + (j - kFirst), ld, 1}, j);
  Pack* const x = tile.at[kFirst];
  for (int c = 0; c < Size; ++c) {
    double* const column = A + (j + c) * ld_a;
    const Pack scale(inverse[j + c]);
    for (int v = 0; v < V; ++v) {
      Pack value = rows.load(column, v) - x[c * V + v];
      for (int i = 0; i < c; ++i)
        value = xsimd::fnma(x[i * V + v], Pack(L[(j + i) * ld + j + c]), value);
      x[c * V + v] = value * scale;
    }
    for (int v = 0; v < V; ++v) rows.store(column, v, x[c * V + v]);
  }
}

/// The lower triangle of a diagonal block, by columns.
template <int Size>
struct Corner {
  double at[Size][Size];

  /// Of columns [j, j + Size) of A, less what the columns before take from it.
  Corner(const double* A, int n, std::size_t ld, int j) {
    constexpr int kFirst = kColumns - Size, kRows = kSmallest, V = kRows / kLanes;
    const int start = std::min(j, n - kRows);
    Strip<V> rows;
    rows.stride = ld;
    for (int v = 0; v < V; ++v) rows.rows[v] = A + start + v * kLanes;
    Tile<V> tile;
    tile.clear();
    accumulate(tile, rows, {A + (j - kFirst), ld, 1}, j);
    double sums[kColumns][kRows];
    for (int c = 0; c < kColumns; ++c)
      for (int v = 0; v < V; ++v) tile.at[c][v].store_unaligned(sums[c] + v * kLanes);
    for (int c = 0; c < Size; ++c)
      for (int i = c; i < Size; ++i)
        at[c][i] = A[(j + c) * ld + j + i] - sums[kFirst + c][j - start + i];
  }

  /// inverse[c] = 1 / L_cc. Returns false at a pivot that is not positive; takes the pivots into
  /// `smallest`, that one included. As L D L' first: the next pivot then waits for one division
  /// instead of a root and a division.
  bool factor(double* inverse, double& smallest) {
    for (int c = 0; c < Size; ++c) {
      const double pivot = at[c][c];
      if (!(pivot > 0)) {
        smallest = pivot;
        return false;
      }
      smallest = std::min(smallest, pivot);
      const double reciprocal = 1 / pivot;
      for (int k = c + 1; k < Size; ++k) {
        const double l = at[c][k] * reciprocal;
        for (int i = k; i < Size; ++i) at[k][i] -= at[c][i] * l;
      }
    }
    for (int c = 0; c < Size; ++c) {
      at[c][c] = std::sqrt(at[c][c]);
      inverse[c] = 1 / at[c][c];
      for (int i = c + 1; i < Size; ++i) at[c][i] *= inverse[c];
    }
    return true;
  }

  void write(double* A, std::size_t ld) const {
    for (int c = 0; c < Size; ++c)
      for (int i = c; i < Size; ++i) A[c * ld + i] = at[c][i];
  }
};

/// Columns [j, j + Size) of the factor.
template <int Size>
inline bool factor_columns(
    double* A, int n, std::size_t ld, int j, double* inverse, double& smallest) {
  Corner<Size> corner(A, n, ld, j);
  if (!corner.factor(inverse + j, smallest)) return false;
  corner.write(A + j * ld + j, ld);
  for_strips(
      j + Size, n, [&](const auto& rows) { solve_columns<Size>(rows, A, ld, A, ld, inverse, j); });
  return true;
}

/// core::cholesky for kSmallest <= n <= kDepth.
inline core::Pivots cholesky(double* A, int n, std::size_t ld, double* inverse) {
  double smallest = INFINITY;
  bool positive = true;
  int j = 0;
  for (; positive && j + kColumns <= n; j += kColumns)
    positive = factor_columns<kColumns>(A, n, ld, j, inverse, smallest);
  if (!positive) return {false, smallest};
  switch (n - j) {
    case 1:
      positive = factor_columns<1>(A, n, ld, j, inverse, smallest);
      break;
    case 2:
      positive = factor_columns<2>(A, n, ld, j, inverse, smallest);
      break;
    case 3:
      positive = factor_columns<3>(A, n, ld, j, inverse, smallest);
      break;
  }
  return {positive, smallest};
}

/// inverse[i] = 1 / L_ii.
inline void invert_diagonal(const double* L, int n, std::size_t ld, double* inverse) {
  for (int i = 0; i < n; ++i) inverse[i] = 1 / L[i * ld + i];
}

/// X L' = X, in a packed strip.
template <int V>
inline void solve_strip(
    const Rows<V>& lanes,
    const double* L,
    int n,
    std::size_t ld,
    const double* inverse,
    double* strip) {
  int j = 0;
  for (; j + kColumns <= n; j += kColumns)
    solve_columns<kColumns>(lanes, strip, kStrip, L, ld, inverse, j);
  switch (n - j) {
    case 1:
      return solve_columns<1>(lanes, strip, kStrip, L, ld, inverse, j);
    case 2:
      return solve_columns<2>(lanes, strip, kStrip, L, ld, inverse, j);
    case 3:
      return solve_columns<3>(lanes, strip, kStrip, L, ld, inverse, j);
  }
}

/// B [n x columns] becomes L^-1 B; kSmallest <= n <= kDepth, columns >= kLanes.
inline void solve_lower(
    const double* L,
    int n,
    std::size_t ld,
    const double* inverse,
    double* B,
    int columns,
    std::size_t ld_b) {
  alignas(64) double strip[kDepth * kStrip];
  for_strips(0, columns, [&]<int V>(const Rows<V>& rows) {
    pack_transposed(rows, B, ld_b, n, strip);
    solve_strip(Rows<V>{0, V * kLanes}, L, n, ld, inverse, strip);
    unpack_transposed(rows, strip, n, ld_b, B);
  });
}

/// X [rows x n] becomes X L'^-1; kSmallest <= n <= kDepth, rows >= kLanes.
inline void solve_right(
    const double* L,
    int n,
    std::size_t ld,
    const double* inverse,
    double* X,
    int row_count,
    std::size_t ld_x) {
  alignas(64) double strip[kDepth * kStrip];
  for_strips(0, row_count, [&]<int V>(const Rows<V>& rows) {
    pack(rows, X, ld_x, n, strip);
    solve_strip(Rows<V>{0, V * kLanes}, L, n, ld, inverse, strip);
    unpack(rows, strip, n, ld_x, X);
  });
}

}  // namespace bpqp::cpu::micro
