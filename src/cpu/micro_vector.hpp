/// \file
/// What is done with one vector: triangular solves four columns at a time, in which no unknown
/// waits for a division, and the search for the largest entry.
#pragma once

#include "cpu/micro_kernel.hpp"

namespace bpqp::cpu::micro {

/// The first of four neighbouring columns.
struct FourColumns {
  const double* first;
  std::size_t stride;

  const double* operator[](int c) const { return first + std::size_t(c) * stride; }
  FourColumns below(int rows) const { return {first + rows, stride}; }
};

/// sums[c] = column c'x, over n rows.
inline void four_dots(const FourColumns& columns, const double* x, int n, double* sums) {
  for (int c = 0; c < 4; ++c) sums[c] = 0;
  int i = 0;
  if (n >= kLanes) {
    Pack partial[4] = {Pack(0.0), Pack(0.0), Pack(0.0), Pack(0.0)};
    for (; i + kLanes <= n; i += kLanes) {
      const Pack at = Pack::load_unaligned(x + i);
      for (int c = 0; c < 4; ++c)
        partial[c] = xsimd::fma(Pack::load_unaligned(columns[c] + i), at, partial[c]);
    }
    for (int c = 0; c < 4; ++c) sums[c] = xsimd::hadd(partial[c]);
  }
  for (; i < n; ++i)
    for (int c = 0; c < 4; ++c) sums[c] += columns[c][i] * x[i];
}

/// b = L^-1 b.
inline void forward_solve(const double* L, int n, std::size_t ld, double* __restrict b) {
  int k = 0;
  for (; k + 4 <= n; k += 4) {
    const FourColumns l{L + std::size_t(k) * ld + k, ld};
    const double r0 = 1 / l[0][0], r1 = 1 / l[1][1], r2 = 1 / l[2][2], r3 = 1 / l[3][3];
    double* x = b + k;
    const double x0 = x[0] * r0, x1 = (x[1] - l[0][1] * x0) * r1;
    const double x2 = (x[2] - l[0][2] * x0 - l[1][2] * x1) * r2;
    const double x3 = (x[3] - l[0][3] * x0 - l[1][3] * x1 - l[2][3] * x2) * r3;
    x[0] = x0, x[1] = x1, x[2] = x2, x[3] = x3;
    const double *c0 = l[0], *c1 = l[1], *c2 = l[2], *c3 = l[3];
    for (int i = 4; i < n - k; ++i) x[i] -= (c0[i] * x0 + c1[i] * x1) + (c2[i] * x2 + c3[i] * x3);
  }
  for (; k < n; ++k) {
    const double* column = L + std::size_t(k) * ld;
    b[k] *= 1 / column[k];
    for (int i = k + 1; i < n; ++i) b[i] -= column[i] * b[k];
  }
}

/// b = L'^-1 b.
inline void backward_solve(const double* L, int n, std::size_t ld, double* __restrict b) {
  int k = n;
  for (; k % 4 != 0; --k) {
    const double* column = L + std::size_t(k - 1) * ld;
    double sum = 0;
    for (int i = k; i < n; ++i) sum += column[i] * b[i];
    b[k - 1] = (b[k - 1] - sum) * (1 / column[k - 1]);
  }
  for (k -= 4; k >= 0; k -= 4) {
    const FourColumns l{L + std::size_t(k) * ld + k, ld};
    const double r0 = 1 / l[0][0], r1 = 1 / l[1][1], r2 = 1 / l[2][2], r3 = 1 / l[3][3];
    double* x = b + k;
    double s[4];
    four_dots(l.below(4), x + 4, n - k - 4, s);
    const double x3 = (x[3] - s[3]) * r3, x2 = (x[2] - s[2] - l[2][3] * x3) * r2;
    const double x1 = (x[1] - s[1] - l[1][3] * x3 - l[1][2] * x2) * r1;
    x[0] = (x[0] - s[0] - l[0][3] * x3 - l[0][2] * x2 - l[0][1] * x1) * r0;
    x[1] = x1, x[2] = x2, x[3] = x3;
  }
}

/// The largest of v [n] >= 0 and the first index that has it; {0, -1} if all are zero.
inline core::Pick largest_of(const double* v, int n) {
  double largest = 0;
  int i = 0;
  if (n >= kLanes) {
    Pack best(0.0);
    for (; i + kLanes <= n; i += kLanes) best = xsimd::max(best, Pack::load_unaligned(v + i));
    alignas(Pack::arch_type::alignment()) double lanes[kLanes];
    best.store_aligned(lanes);
    for (double lane : lanes) largest = lane > largest ? lane : largest;
  }
  for (; i < n; ++i) largest = v[i] > largest ? v[i] : largest;
  if (largest == 0) return {0, -1};
  const Pack wanted(largest);
  for (i = 0; i + kLanes <= n; i += kLanes)
    if (xsimd::any(Pack::load_unaligned(v + i) == wanted)) break;
  while (v[i] != largest) ++i;
  return {largest, i};
}

}  // namespace bpqp::cpu::micro
