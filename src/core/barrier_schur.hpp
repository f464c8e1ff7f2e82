/// \file
/// The system of barrier_system.hpp by its Schur complement in the rows (docs/math.md M59), where P
/// is positive definite and there are fewer rows than variables: P and A are factored once,
///
///   P + rho I = L L',   Y = L^-1 A',   S = Y'Y,
///
/// and every iteration factors S + W^2 + delta I [m x m] instead of an n x n matrix.
#pragma once

#include "core/barrier_assemble.hpp"

namespace bpqp::core {

/// Below this part of the largest, a pivot of P makes S too rough: N is factored then.
constexpr double kBarrierDefinite = 1e-6;

/// L, Y and S; false if P is not safely positive definite.
template <class D, class R, Team T>
BPQP_STAGE bool condense_barrier(
    const T& team, const ProblemView<D>& p, const BarrierForm& f, const BarrierSystem<R>& s) {
  const int n = p.n;
  for (int j : team.items(n)) s.H[j] = R(kBarrierRho);
  team.sync();
  load_scaled_hessian(team, p, f, s);
  double largest = 0;
  for (int j : team.items(n)) largest = nan_max(largest, double(s.M[std::size_t(j) * n + j]));
  largest = team.max(largest);
  team.sync();
  const Pivots pivots = cholesky(team, s.M, n, n);
  if (!pivots.positive || !(pivots.smallest > kBarrierDefinite * largest)) return false;
  for (int i = 0; i < p.m; ++i) {
    const R E = s.kind[i] == RowKind::free ? R(0) : s.scaling.E[i];
    const D* row = p.A + std::size_t(i) * n;
    for (int j : team.items(n)) s.Y[std::size_t(i) * n + j] = R(row[j]) * E * s.scaling.D[j];
  }
  team.sync();
  solve_lower(team, s.M, n, n, s.Y, p.m, n);
  gram(team, s.Y, n, p.m, n, s.S, p.m);
  return true;
}

/// S + W^2 + delta into K, lower triangle; free rows, whose row of S is zero, get 1.
template <class R, Team T>
BPQP_STAGE void assemble_schur(const T& team, const BarrierSystem<R>& s) {
  const int m = s.m;
  for (int c : team.items(m)) {
    for (int r = c; r < m; ++r) s.K[std::size_t(c) * m + r] = s.S[std::size_t(c) * m + r];
    if (s.is_linear(c))
      s.K[std::size_t(c) * m + c] += s.kind[c] == RowKind::free ? R(1) : s.w2[c] + R(kBarrierDelta);
  }
  team.sync();
  add_cone_squares(
      team, s, [&](int k) { return s.cones.first(k); }, s.K, m);
}

/// d_x, d_y for e_x, e_y: (S + W^2) d_y = Y't - e_y, d_x = L'^-1 (t - Y d_y), t = L^-1 e_x.
template <class D, class R, Team T>
BPQP_STAGE void solve_by_schur(const T& team, const ProblemView<D>& p, const BarrierSystem<R>& s) {
  const int n = p.n, m = p.m;
  for (int j : team.items(n)) s.t_x[j] = s.e_x[j];
  team.sync();
  solve_lower(team, s.M, n, n, s.t_x, 1, n);
  transposed_product(team, s.Y, n, m, n, s.t_x, s.d_y);
  for (int i : team.items(m)) s.d_y[i] -= s.e_y[i];
  team.sync();
  cholesky_solve(team, s.K, m, m, s.d_y);
  product(team, s.Y, n, m, n, s.d_y, s.d_x);
  for (int j : team.items(n)) s.d_x[j] = s.t_x[j] - s.d_x[j];
  team.sync();
  solve_lower_transposed(team, s.M, n, n, s.d_x, 1, n);
}

}  // namespace bpqp::core
