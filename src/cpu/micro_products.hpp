/// \file
/// The products of Cholesky, Y'Y and Y Y', a tile at a time, by micro_kernel.hpp.
#pragma once

#include "cpu/micro_kernel.hpp"

namespace bpqp::cpu::micro {

enum class Put { set, add, subtract };

/// C(rows, columns [0, kColumns)) = , += or -= tile; the first `skip` columns are done already.
template <Put kPut, int V>
inline void put(const Tile<V>& tile, const Rows<V>& rows, int skip, double* C, std::size_t ld) {
  for (int c = 0; c < kColumns; ++c) {
    if (c < skip) continue;
    double* const column = C + c * ld;
    for (int v = 0; v < V; ++v) {
      const Pack value = tile.at[c][v];
      if constexpr (kPut == Put::set) rows.store(column, v, value);
      if constexpr (kPut == Put::add) rows.store(column, v, rows.load(column, v) + value);
      if constexpr (kPut == Put::subtract) rows.store(column, v, rows.load(column, v) - value);
    }
  }
}

/// sum_k strip(rows, k) b(k, j + c) of packed rows, c = 0 ... kColumns - 1.
template <int V>
inline Tile<V> strip_product(const double* strip, const Factor& b, int j, int depth) {
  Tile<V> tile;
  tile.clear();
  const Strip<V> lanes = Rows<V>{0, V * kLanes}.of(strip, kStrip);
  accumulate(tile, lanes, {b.data + j * b.stride_j, b.stride_k, b.stride_j}, depth);
  return tile;
}

/// A strip of packed rows against all columns: C(rows, [0, columns)) = ... sum_k strip(rows, k)
/// b(k, j). At least kColumns columns; the last block is moved up to end with the last one.
template <Put kPut, int V>
inline void multiply_strip(
    const Rows<V>& rows,
    const double* strip,
    const Factor& b,
    int depth,
    int columns,
    double* C,
    std::size_t ld) {
  for (int c = 0; c < columns; c += kColumns) {
    const int j = std::min(c, columns - kColumns);
    put<kPut>(strip_product<V>(strip, b, j, depth), rows, c - j, C + j * ld, ld);
  }
}

/// C [rows x columns] (leading dimension ld_c) = , += or -= X'Y, X [depth x rows], Y [depth x
/// columns], both with leading dimension ld; depth <= kDepth, rows and columns >= kSmallest.
/// `lower`: X is Y, and what lies above the diagonal need not be right.
template <Put kPut>
inline void inner_products(
    const double* X,
    int row_count,
    const double* Y,
    int columns,
    int depth,
    std::size_t ld,
    bool lower,
    double* C,
    std::size_t ld_c) {
  alignas(64) double strip[kDepth * kStrip];
  for_strips(0, row_count, [&]<int V>(const Rows<V>& rows) {
    pack_transposed(rows, X, ld, depth, strip);
    multiply_strip<kPut>(rows, strip, {Y, 1, ld}, depth, lower ? rows.end : columns, C, ld_c);
  });
}

/// As put, where rows and columns of C are counted alike: entries above the diagonal stay.
template <Put kPut, int V>
inline void put_lower(
    const Tile<V>& tile, const Rows<V>& rows, int j, int skip, double* C, std::size_t ld) {
  static_assert(kPut != Put::set);
  for (int c = skip; c < kColumns; ++c) {
    double* const column = C + (j + c) * ld;
    for (int v = 0; v < V; ++v) {
      double sums[kLanes];
      tile.at[c][v].store_unaligned(sums);
      const int fresh = v + 1 < V ? 0 : kLanes - rows.fresh();
      for (int i = std::max(fresh, j + c - rows.of(v)); i < kLanes; ++i)
        column[rows.of(v) + i] += kPut == Put::add ? sums[i] : -sums[i];
    }
  }
}

/// The part of multiply_strip on the diagonal: columns [rows.begin, rows.end), lower triangle.
template <Put kPut, int V>
inline void multiply_corner(
    const Rows<V>& rows,
    const double* strip,
    const Factor& b,
    int depth,
    double* C,
    std::size_t ld) {
  for (int c = rows.begin; c < rows.end; c += kColumns) {
    const int j = std::min(c, rows.end - kColumns);
    put_lower<kPut>(strip_product<V>(strip, b, j, depth), rows, j, c - j, C, ld);
  }
}

/// C [rows x columns] += or -= X Y', X [rows x depth], Y [columns x depth], both with leading
/// dimension ld; depth <= kDepth, rows and columns >= kSmallest. `lower`: X is Y, and the lower
/// triangle only.
template <Put kPut>
inline void outer_products(
    const double* X,
    int row_count,
    const double* Y,
    int columns,
    int depth,
    std::size_t ld,
    bool lower,
    double* C,
    std::size_t ld_c) {
  alignas(64) double strip[kDepth * kStrip];
  const Factor factor{Y, ld, 1};
  for_strips(0, row_count, [&]<int V>(const Rows<V>& rows) {
    pack(rows, X, ld, depth, strip);
    if (!lower) return multiply_strip<kPut>(rows, strip, factor, depth, columns, C, ld_c);
    if (rows.begin > 0) multiply_strip<kPut>(rows, strip, factor, depth, rows.begin, C, ld_c);
    multiply_corner<kPut>(rows, strip, factor, depth, C, ld_c);
  });
}

}  // namespace bpqp::cpu::micro
