/// \file
/// Dense linear algebra that the algorithm needs of a team: the contract, and a portable version
/// for any team. A team may overload a function (found by argument-dependent lookup on the team) as
/// long as it computes the same thing in a fixed order: src/cpu/cpu_dense.hpp does for CpuTeam.
///
/// Matrices are column-major with leading dimension ld; a row-major A [m x n] is A' [n x m] here.
/// Every function begins with its inputs visible to all lanes and ends in a sync.
#pragma once

#include <cmath>

#include "core/lanes.hpp"

namespace bpqp::core {

/// Index and value of the smallest (or largest) candidate of all lanes; ties go to the lower index.
struct Pick {
  double value;
  int index;
};

template <Team T>
BPQP_STAGE Pick pick_largest(const T& team, Pick mine) {
  const double value = team.max(mine.value);
  const double index = team.min(mine.value == value ? double(mine.index) : 1e300);
  return {value, index < 1e300 ? int(index) : -1};
}

/// a'b in a fixed order: eight partial sums, so that one lane can use SIMD.
template <class D, class R>
BPQP_STAGE R dot(const D* a, const R* b, int n) {
  constexpr int kLanes = 8;
  R sums[kLanes] = {};
  int i = 0;
  BPQP_UNROLL_BY(1)
  for (; i + kLanes <= n; i += kLanes)
    for (int k = 0; k < kLanes; ++k) sums[k] += R(a[i + k]) * b[i + k];
  R tail = 0;
  BPQP_UNROLL_BY(1)
  for (; i < n; ++i) tail += R(a[i]) * b[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) +
         tail;
}

/// out [m] = A'x for A [n x m].
template <class D, class R, Team T>
BPQP_STAGE void transposed_product(
    const T& team, const D* A, int n, int m, int ld, const R* x, R* out) {
  for (int i : team.items(m)) out[i] = dot(A + std::size_t(i) * ld, x, n);
  team.sync();
}

/// out [n] = A y for A [n x m].
template <class D, class R, Team T>
BPQP_STAGE void product(const T& team, const D* A, int n, int m, int ld, const R* y, R* out) {
  for (int j : team.items(n)) {
    R sum = 0;
    BPQP_UNROLL_BY(8)
    for (int i = 0; i < m; ++i) sum += R(A[std::size_t(i) * ld + j]) * y[i];
    out[j] = sum;
  }
  team.sync();
}

/// What cholesky() met: the smallest pivot, and whether it went through. W: double, or a pack.
template <class W>
struct PivotsOf {
  Mask<W> positive = Mask<W>(true);  ///< every pivot exceeded 0
  W smallest = 0;                    ///< smallest pivot met (the failing one if not positive)
};
using Pivots = PivotsOf<double>;

/// Column k of the factor, whose diagonal entry is `root`, and what it takes from those behind it.
template <class R, Team T>
BPQP_STAGE void eliminate(const T& team, R* A, int n, int ld, int k, R root) {
  R* column = A + std::size_t(k) * ld;
  for (int i : team.items(n - k)) column[k + i] = i == 0 ? root : column[k + i] / root;
  team.sync();
  for (int j : team.items(n - k - 1)) {  // column k + 1 + j of the trailing matrix
    R* target = A + std::size_t(k + 1 + j) * ld;
    const R factor = column[k + 1 + j];
    for (int i = k + 1 + j; i < n; ++i) target[i] -= factor * column[i];
  }
  team.sync();
}

/// Lower triangle of A [n x n] becomes L with A = L L'; the strict upper triangle is not touched.
/// Stops at the first pivot that is not positive (NaN included).
template <class R, Team T>
BPQP_STAGE Pivots cholesky(const T& team, R* A, int n, int ld) {
  Pivots pivots{true, INFINITY};
  for (int k = 0; k < n; ++k) {
    const R pivot = A[std::size_t(k) * ld + k];
    team.sync();  // everybody has read the pivot before it is overwritten
    pivots.smallest = nan_min(pivots.smallest, double(pivot));
    if (!(pivot > 0)) return {false, double(pivot)};
    eliminate(team, A, n, ld, k, std::sqrt(pivot));
  }
  return pivots;
}

/// cholesky() of the rows that do not depend on those before them: a row whose pivot does not
/// exceed least [n] is left out. L_ii is infinite there and L_ji zero below, so that the other rows
/// are what they would be without it.
template <class R, Team T>
BPQP_STAGE void cholesky_of_independent(const T& team, R* A, int n, int ld, const R* least) {
  for (int k = 0; k < n; ++k) {
    const R pivot = A[std::size_t(k) * ld + k];
    team.sync();  // everybody has read the pivot before it is overwritten
    eliminate(team, A, n, ld, k, pivot > least[k] ? std::sqrt(pivot) : R(INFINITY));
  }
}

/// B [n x columns] becomes L^-1 B.
template <class R, Team T>
BPQP_STAGE void solve_lower(const T& team, const R* L, int n, int ld, R* B, int columns, int ld_b) {
  for (int k = 0; k < n; ++k) {
    const R* l = L + std::size_t(k) * ld;
    for (int j : team.items(columns)) B[std::size_t(j) * ld_b + k] /= l[k];
    team.sync();
    for (int t : team.items((n - k - 1) * columns)) {
      const int j = t / (n - k - 1), i = k + 1 + t % (n - k - 1);
      B[std::size_t(j) * ld_b + i] -= l[i] * B[std::size_t(j) * ld_b + k];
    }
    team.sync();
  }
}

/// B [n x columns] becomes L'^-1 B.
template <class R, Team T>
BPQP_STAGE void solve_lower_transposed(
    const T& team, const R* L, int n, int ld, R* B, int columns, int ld_b) {
  for (int k = n - 1; k >= 0; --k) {
    for (int j : team.items(columns)) B[std::size_t(j) * ld_b + k] /= L[std::size_t(k) * ld + k];
    team.sync();
    for (int t : team.items(k * columns)) {
      const int j = t / k, i = t % k;
      B[std::size_t(j) * ld_b + i] -= L[std::size_t(i) * ld + k] * B[std::size_t(j) * ld_b + k];
    }
    team.sync();
  }
}

/// S [m x m] = Y'Y for Y [n x m], both triangles.
template <class R, Team T>
BPQP_STAGE void gram(const T& team, const R* Y, int n, int m, int ld, R* S, int ld_s) {
  for (int t : team.items(m * m)) {
    const int i = t % m, j = t / m;
    if (i < j) continue;
    const R value = dot(Y + std::size_t(i) * ld, Y + std::size_t(j) * ld, n);
    S[std::size_t(j) * ld_s + i] = S[std::size_t(i) * ld_s + j] = value;
  }
  team.sync();
}

/// N [n x n], lower triangle, += Y Y' for Y [n x m].
template <class R, Team T>
BPQP_STAGE void add_outer(const T& team, const R* Y, int n, int m, int ld, R* N, int ld_n) {
  for (int t : team.items(n * n)) {
    const int i = t % n, j = t / n;
    if (i < j) continue;
    R sum = 0;
    for (int k = 0; k < m; ++k) sum += Y[std::size_t(k) * ld + i] * Y[std::size_t(k) * ld + j];
    N[std::size_t(j) * ld_n + i] += sum;
  }
  team.sync();
}

/// Lower triangle of H [n x n] = (P + P')/2; whether P is symmetric to the last bit.
template <class D, class R, Team T>
BPQP_STAGE bool symmetric_part(const T& team, const D* P, int n, R* H) {
  int asymmetric = 0;
  for (int j : team.items(n)) {
    for (int i = j; i < n; ++i) {
      const D a = P[std::size_t(j) * n + i], b = P[std::size_t(i) * n + j];
      H[std::size_t(j) * n + i] = (R(a) + R(b)) / 2;
      asymmetric |= !(a == b);
    }
  }
  return team.max(double(asymmetric)) == 0;
}

/// Largest |M_ij| of every row and column of M [rows x cols], each entry weighted by
/// row_scale[i] col_scale[j]; maxima are taken with what row_max and col_max hold. NaN is kept.
/// `lower`: only i >= j is read, and M stands for a symmetric matrix (row_max is col_max).
template <class D, class R, Team T>
BPQP_STAGE void scaled_maxima(
    const T& team,
    const D* M,
    int rows,
    int cols,
    int ld,
    const R* row_scale,
    const R* col_scale,
    bool lower,
    R* row_max,
    R* col_max) {
  const auto entry = [&](int i, int j) {
    return magnitude(R(M[std::size_t(j) * ld + i])) * (row_scale[i] * col_scale[j]);
  };
  for (int j : team.items(cols)) {
    R largest = col_max[j];
    for (int i = lower ? j : 0; i < rows; ++i) largest = nan_max(largest, entry(i, j));
    if (lower)
      for (int k = 0; k < j; ++k) largest = nan_max(largest, entry(j, k));
    col_max[j] = largest;
  }
  if (!lower) {
    for (int i : team.items(rows)) {
      R largest = row_max[i];
      for (int j = 0; j < cols; ++j) largest = nan_max(largest, entry(i, j));
      row_max[i] = largest;
    }
  }
  team.sync();
}

/// Solves L L' x = b in place.
template <class R, Team T>
BPQP_STAGE void cholesky_solve(const T& team, const R* L, int n, int ld, R* b) {
  solve_lower(team, L, n, ld, b, 1, n);
  solve_lower_transposed(team, L, n, ld, b, 1, n);
}

/// The largest of v [n] >= 0 (no NaN) and the first index that has it; index -1 if all are zero.
template <class R, Team T>
BPQP_STAGE Pick largest_of(const T& team, const R* v, int n) {
  Pick mine{0, -1};
  for (int i : team.items(n))
    if (double(v[i]) > mine.value) mine = {double(v[i]), i};
  if (mine.index < 0) mine.index = n;  // no candidate; another lane's comes first
  const Pick best = pick_largest(team, mine);
  return {best.value, best.index < n ? best.index : -1};
}

/// Largest |v_i|, on every lane; NaN is kept.
template <class D, Team T>
BPQP_STAGE Wide<D> abs_max(const T& team, const D* v, int n) {
  Wide<D> largest = 0;
  for (int i : team.items(n)) largest = nan_max(largest, magnitude(Wide<D>(v[i])));
  return team.max(largest);
}

}  // namespace bpqp::core
