/// \file
/// The passes over the user's data of core/dense.hpp for CpuTeam, in SIMD registers: the symmetric
/// part of P, and the maxima that the scaling wants.
#pragma once

#include "cpu/cpu_team.hpp"
#include "cpu/micro_kernel.hpp"

namespace bpqp::cpu {

/// Edge of the blocks in which P is turned: two of them and their pages stay in the first caches.
inline constexpr int kTurn = 32;

/// H's tile at (i0, j0) below the diagonal, edge the width of a SIMD register: P's tile and the one
/// opposite, turned in registers. Adds |P - P'|, 0 only if they agree to the last bit.
inline void symmetric_tile(
    const double* P, int n, int i0, int j0, double* H, micro::Pack& difference) {
  using micro::Pack;
  Pack opposite[micro::kLanes];
  for (int k = 0; k < micro::kLanes; ++k)
    opposite[k] = Pack::load_unaligned(P + std::size_t(i0 + k) * n + j0);
  micro::transpose(opposite);
  for (int k = 0; k < micro::kLanes; ++k) {
    const std::size_t at = std::size_t(j0 + k) * n + i0;
    const Pack a = Pack::load_unaligned(P + at), b = opposite[k];
    difference += xsimd::abs(a - b);
    ((a + b) * Pack(0.5)).store_unaligned(H + at);
  }
}

/// On the diagonal's tiles the upper half of H is written too.
template <class D>
bool symmetric_part(const CpuTeam&, const D* P, int n, double* H) {
  const int whole = std::is_same_v<D, double> ? n - n % micro::kLanes : 0;
  bool symmetric = true;
  if constexpr (std::is_same_v<D, double>) {
    micro::Pack difference(0.0);
    for (int block_j = 0; block_j < whole; block_j += kTurn)
      for (int block_i = block_j; block_i < whole; block_i += kTurn)
        for (int j = block_j; j < std::min(whole, block_j + kTurn); j += micro::kLanes)
          for (int i = std::max(block_i, j); i < std::min(whole, block_i + kTurn);
               i += micro::kLanes)
            symmetric_tile(P, n, i, j, H, difference);
    symmetric = xsimd::hadd(difference) == 0;
  }
  for (int j = 0; j < n; ++j)
    for (int i = std::max(j, whole); i < n; ++i) {
      const D a = P[std::size_t(j) * n + i], b = P[std::size_t(i) * n + j];
      symmetric = symmetric && a == b;
      H[std::size_t(j) * n + i] = (double(a) + double(b)) / 2;
    }
  return symmetric;
}

inline micro::Pack load_doubles(const double* v) {
  return micro::Pack::load_unaligned(v);
}
inline micro::Pack load_doubles(const float* v) {
  double lanes[micro::kLanes];
  for (int k = 0; k < micro::kLanes; ++k) lanes[k] = v[k];
  return micro::Pack::load_unaligned(lanes);
}

/// Column by column, row maxima accumulated on the way: one pass over M. The comparisons would lose
/// a NaN; a sum of 0 * entry, which only a NaN or an infinity makes anything but 0, keeps it.
template <class D>
void scaled_maxima(
    const CpuTeam&,
    const D* M,
    int rows,
    int cols,
    int ld,
    const double* row_scale,
    const double* col_scale,
    bool lower,
    double* row_max,
    double* col_max) {
  using micro::kLanes;
  using micro::Pack;
  for (int j = 0; j < cols; ++j) {
    const D* const column = M + std::size_t(j) * ld;
    const Pack scale(col_scale[j]);
    Pack largest(0.0), trap(0.0);
    int i = lower ? j : 0;
    for (; i + kLanes <= rows; i += kLanes) {
      const Pack entry =
          xsimd::abs(load_doubles(column + i)) * (Pack::load_unaligned(row_scale + i) * scale);
      const Pack before = Pack::load_unaligned(row_max + i);  // may be NaN, which it must stay
      xsimd::select(before < entry, entry, before).store_unaligned(row_max + i);
      largest = xsimd::max(largest, entry);
      trap = xsimd::fma(entry, Pack(0.0), trap);
    }
    double maximum = 0, sum = xsimd::hadd(trap);
    double lanes[kLanes];
    largest.store_unaligned(lanes);
    for (const double v : lanes) maximum = std::max(maximum, v);
    for (; i < rows; ++i) {
      const double entry = std::fabs(double(column[i])) * (row_scale[i] * col_scale[j]);
      row_max[i] = std::max(row_max[i], entry);
      maximum = std::max(maximum, entry);
      sum += 0 * entry;
    }
    col_max[j] = sum == 0 ? std::max(col_max[j], maximum) : sum;
  }
}

}  // namespace bpqp::cpu
