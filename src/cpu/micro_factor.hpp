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

template <int V>
inline void solve_columns(
    const Rows<V>& rows,
    double* A,
    std::size_t ld_a,
    const double* L,
    std::size_t ld,
    const double* inverse,
    int j,
    int size) {
  switch (size) {
    case 1:
      return solve_columns<1>(rows, A, ld_a, L, ld, inverse, j);
    case 2:
      return solve_columns<2>(rows, A, ld_a, L, ld, inverse, j);
    case 3:
      return solve_columns<3>(rows, A, ld_a, L, ld, inverse, j);
    default:
      return solve_columns<4>(rows, A, ld_a, L, ld, inverse, j);
  }
}

/// The diagonal block of columns [j, j + size) less what the columns before take from it.
inline void load_corner(
    const double* A, int n, std::size_t ld, int j, int size, double (&block)[kColumns][kColumns]) {
  constexpr int V = (kColumns + kLanes - 1) / kLanes;
  const Rows<V> rows{j, std::min(j + V * kLanes, n)};
  const int first = std::min(j, n - kColumns);
  Tile<V> tile;
  tile.clear();
  accumulate(tile, rows.of(A, ld), {A + first, ld, 1}, j);
  double sums[V][kLanes];
  for (int c = 0; c < size; ++c) {
    for (int v = 0; v < V; ++v) tile.at[j - first + c][v].store_unaligned(sums[v]);
    for (int v = 0; v < V; ++v)
      for (int i = 0; i < kLanes; ++i) {
        const int row = rows.of(v) + i - j;
        if (row >= c && row < size) block[c][row] = A[(j + c) * ld + j + row] - sums[v][i];
      }
  }
}

/// Factors the block in place; inverse[c] = 1 / L_cc. Returns how many columns went through, and
/// takes the pivots into `smallest`. As L D L' first: the next pivot then waits for one division
/// instead of a root and a division.
inline int factor_corner(
    double (&block)[kColumns][kColumns], int size, double* inverse, double& smallest) {
  for (int c = 0; c < size; ++c) {
    const double pivot = block[c][c];
    smallest = core::nan_min(smallest, pivot);
    if (!(pivot > 0)) return c;
    const double reciprocal = 1 / pivot;
    for (int k = c + 1; k < size; ++k) {
      const double l = block[c][k] * reciprocal;
      for (int i = k; i < size; ++i) block[k][i] -= block[c][i] * l;
    }
  }
  for (int c = 0; c < size; ++c) {
    block[c][c] = std::sqrt(block[c][c]);
    inverse[c] = 1 / block[c][c];
    for (int i = c + 1; i < size; ++i) block[c][i] *= inverse[c];
  }
  return size;
}

/// core::cholesky for kSmallest <= n <= kDepth.
inline core::Pivots cholesky(double* A, int n, std::size_t ld, double* inverse) {
  double smallest = INFINITY;
  for (int j = 0; j < n; j += kColumns) {
    const int size = std::min(kColumns, n - j);
    double block[kColumns][kColumns];
    load_corner(A, n, ld, j, size, block);
    const int done = factor_corner(block, size, inverse + j, smallest);
    if (done < size) return {false, block[done][done]};
    for (int c = 0; c < size; ++c)
      for (int i = c; i < size; ++i) A[(j + c) * ld + j + i] = block[c][i];
    for_strips(j + size, n, [&](const auto& rows) {
      solve_columns(rows, A, ld, A, ld, inverse, j, size);
    });
  }
  return {true, smallest};
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
  for (int j = 0; j < n; j += kColumns) {
    const int size = std::min(kColumns, n - j);
    solve_columns(lanes, strip, kStrip, L, ld, inverse, j, size);
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
