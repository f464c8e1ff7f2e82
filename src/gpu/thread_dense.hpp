/// \file
/// The dense algebra of core/dense.hpp for one thread: what takes most of its time, four entries at
/// once in registers, since a thread waits for memory most of the time. Left-looking, so that an
/// entry is written once.
#pragma once

#include <cmath>

#include "core/dense.hpp"
#include "gpu/team.hpp"

namespace bpqp::gpu {

/// Neighbours computed together.
constexpr int kFour = 4;

/// sums[t] -= a(k) b(k, t) for k in order.
template <class R, class A, class B>
BPQP_HD void subtract_products(R (&sums)[kFour], int depth, const A& a, const B& b) {
  BPQP_UNROLL_BY(2)
  for (int k = 0; k < depth; ++k) {
    const R factor = a(k);
    BPQP_UNROLL_BY(4)
    for (int t = 0; t < kFour; ++t) sums[t] -= factor * b(k, t);
  }
}

/// Column j of the factor: root(j, pivot) gives 1 / L_jj, not positive to end it.
template <class R, Thread H, class Root>
BPQP_STAGE bool factor_columns(const ThreadTeam<H>&, R* A, int n, int ld, const Root& root) {
  for (int j = 0; j < n; ++j) {
    R inverse = 0;
    for (int i = j; i < n; i += kFour) {
      const auto row = [&](int t) { return i + t < n ? i + t : n - 1; };
      R* column = A + std::size_t(j) * ld;
      R sums[kFour];
      for (int t = 0; t < kFour; ++t) sums[t] = column[row(t)];
      subtract_products(
          sums, j, [&](int k) { return A[std::size_t(k) * ld + j]; },
          [&](int k, int t) { return A[std::size_t(k) * ld + row(t)]; });
      if (i == j) {
        R value;
        if (!root(j, sums[0], value, inverse)) return false;
        column[j] = value;
      }
      for (int t = i == j ? 1 : 0; t < kFour && i + t < n; ++t) column[i + t] = sums[t] * inverse;
    }
  }
  return true;
}

template <class R, Thread H>
BPQP_STAGE core::Pivots cholesky(const ThreadTeam<H>& team, R* A, int n, int ld) {
  core::Pivots pivots{true, INFINITY};
  pivots.positive = factor_columns(team, A, n, ld, [&](int, R pivot, R& value, R& inverse) {
    pivots.smallest = pivot > 0 ? core::nan_min(pivots.smallest, double(pivot)) : double(pivot);
    if (!(pivot > 0)) return false;
    value = std::sqrt(pivot), inverse = 1 / value;
    return true;
  });
  return pivots;
}

/// b becomes L^-1 b.
template <class R>
BPQP_STAGE void solve_one(const R* L, int n, int ld, R* b) {
  for (int i = 0; i < n; ++i) {
    R sum = b[i];
    BPQP_UNROLL_BY(4)
    for (int k = 0; k < i; ++k) sum -= L[std::size_t(k) * ld + i] * b[k];
    b[i] = sum / L[std::size_t(i) * ld + i];
  }
}

/// B becomes L^-1 B, four columns at a time.
template <class R, Thread H>
BPQP_STAGE void solve_lower(
    const ThreadTeam<H>&, const R* L, int n, int ld, R* B, int columns, int ld_b) {
  if (columns == 1) return solve_one(L, n, ld, B);
  for (int j = 0; j < columns; j += kFour) {
    const auto column = [&](int t) {
      return B + std::size_t(j + t < columns ? j + t : columns - 1) * ld_b;
    };
    for (int i = 0; i < n; ++i) {
      R sums[kFour];
      for (int t = 0; t < kFour; ++t) sums[t] = column(t)[i];
      subtract_products(
          sums, i, [&](int k) { return L[std::size_t(k) * ld + i]; },
          [&](int k, int t) { return column(t)[k]; });
      const R inverse = 1 / L[std::size_t(i) * ld + i];
      for (int t = 0; t < kFour && j + t < columns; ++t) column(t)[i] = sums[t] * inverse;
    }
  }
}

/// B becomes L'^-1 B.
template <class R, Thread H>
BPQP_STAGE void solve_lower_transposed(
    const ThreadTeam<H>&, const R* L, int n, int ld, R* B, int columns, int ld_b) {
  for (int j = 0; j < columns; ++j) {
    R* const b = B + std::size_t(j) * ld_b;
    for (int i = n - 1; i >= 0; --i) {
      const R* column = L + std::size_t(i) * ld;
      R sum = b[i];
      BPQP_UNROLL_BY(4)
      for (int k = i + 1; k < n; ++k) sum -= column[k] * b[k];
      b[i] = sum / column[i];
    }
  }
}

/// S = Y'Y, both triangles.
template <class R, Thread H>
BPQP_STAGE void gram(const ThreadTeam<H>&, const R* Y, int n, int m, int ld, R* S, int ld_s) {
  for (int j = 0; j < m; ++j) {
    for (int i = j; i < m; i += kFour) {
      const auto column = [&](int t) { return Y + std::size_t(i + t < m ? i + t : m - 1) * ld; };
      R sums[kFour] = {};
      subtract_products(
          sums, n, [&](int k) { return Y[std::size_t(j) * ld + k]; },
          [&](int k, int t) { return column(t)[k]; });
      for (int t = 0; t < kFour && i + t < m; ++t)
        S[std::size_t(j) * ld_s + i + t] = S[std::size_t(i + t) * ld_s + j] = -sums[t];
    }
  }
}

}  // namespace bpqp::gpu
