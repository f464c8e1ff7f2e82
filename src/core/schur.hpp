/// \file
/// S = A H^-1 A' as the active-set methods see it: from memory in z-form, from Y in x-form.
/// All in scaled units; docs/math.md M10.
#pragma once

#include "core/dense.hpp"

namespace bpqp::core {

template <class R>
struct Schur {
  int n = 0, m = 0;
  const R* Y = nullptr;         ///< [n x m]
  const R* S = nullptr;         ///< [m x m] or null
  const R* diagonal = nullptr;  ///< [m] diagonal of S
  R* scratch_n = nullptr;       ///< [n], used in x-form only
  double mu = 0;  ///< S + mu I in place of S: no row then depends on others (docs/math.md M23)

  /// Diagonal entry `row` of S + mu I.
  BPQP_HD R pivot(int row) const { return diagonal[row] + R(mu); }

  /// out[j] = (S + mu I)(list[j], row) for j < k.
  template <Team T>
  BPQP_STAGE void column(const T& team, int row, const int* list, int k, R* out) const {
    const R* y_row = Y + std::size_t(row) * n;
    for (int j : team.items(k))
      out[j] = S ? S[std::size_t(row) * m + list[j]] : dot(Y + std::size_t(list[j]) * n, y_row, n);
    if (mu > 0)
      for (int j : team.items(k))
        if (list[j] == row) out[j] += R(mu);
    team.sync();
  }

  /// The activities' answer to a change of multipliers: v [m] -= (S + mu I)(:, list) d, d [k] by
  /// position.
  template <Team T>
  BPQP_STAGE void move(const T& team, const int* list, int k, const R* d, R* v) const {
    if (mu > 0) {
      for (int j : team.items(k)) v[list[j]] -= R(mu) * d[j];
      team.sync();
    }
    if (S) {
      subtract_columns(team, S, m, list, k, d, v);
      return;
    }
    for (int j : team.items(n)) scratch_n[j] = 0;
    team.sync();
    subtract_columns(team, Y, n, list, k, d, scratch_n);
    for (int i : team.items(m)) v[i] += dot(Y + std::size_t(i) * n, scratch_n, n);
    team.sync();
  }

  /// out [rows] -= M(:, list) d, one after the other: columns with d = 0 change no bit.
  template <Team T>
  BPQP_STAGE static void subtract_columns(
      const T& team, const R* M, int rows, const int* list, int k, const R* d, R* out) {
    int j = 0;
    for (; j + 4 <= k; j += 4) {  // four columns at a time: out is read and written once for them
      const R *a = M + std::size_t(list[j]) * rows, *b = M + std::size_t(list[j + 1]) * rows;
      const R *e = M + std::size_t(list[j + 2]) * rows, *f = M + std::size_t(list[j + 3]) * rows;
      const R d0 = d[j], d1 = d[j + 1], d2 = d[j + 2], d3 = d[j + 3];
      for (int i : team.items(rows))
        out[i] = (((out[i] - a[i] * d0) - b[i] * d1) - e[i] * d2) - f[i] * d3;
    }
    for (; j < k; ++j) {
      const R* column = M + std::size_t(list[j]) * rows;
      for (int i : team.items(rows)) out[i] -= column[i] * d[j];
    }
    team.sync();
  }
};

/// diagonal [m] of S = Y'Y, from S where it is formed (may be null).
template <class R, Team T>
BPQP_STAGE void schur_diagonal(const T& team, const R* Y, const R* S, int n, int m, R* diagonal) {
  for (int i : team.items(m)) {
    const R* row = Y + std::size_t(i) * n;
    diagonal[i] = S ? S[std::size_t(i) * m + i] : dot(row, row, n);
  }
  team.sync();
}

/// The step size that ADMM starts from: 1 over the mean of S's diagonal (docs/math.md section 4).
template <class R, Team T>
BPQP_STAGE double starting_rho(const T& team, const R* diagonal, int m) {
  double trace = 0;
  for (int i : team.items(m)) trace += double(diagonal[i]);
  trace = team.sum(trace);
  return trace > 0 ? m / trace : 1;
}

}  // namespace bpqp::core
