/// \file
/// Factoring and solving the system of barrier_system.hpp.
#pragma once

#include "core/barrier_system.hpp"

namespace bpqp::core {

/// Added to the diagonal where the factorisation fails, times its largest entry: from the first
/// value up by tens to the last.
constexpr double kBarrierRepairFirst = 1e-14, kBarrierRepairLast = 1e-2;

/// Assembles and factors; `repair` is the addition that the last factorisation needed, kept from
/// call to call. False: nothing helped.
template <class D, class R, Team T>
BPQP_HD bool factor_barrier(
    const T& team,
    const ProblemView<D>& p,
    const BarrierForm& f,
    const BarrierSystem<R>& s,
    double& repair) {
  repair = repair > kBarrierRepairFirst ? repair / 10 : 0;
  for (;;) {
    if (f.by_rows)
      assemble_by_rows(team, p, f, s);
    else
      assemble_by_columns(team, p, f, s);
    if (repair > 0) {
      double largest = 0;
      for (int j : team.items(f.order))
        largest = nan_max(largest, double(s.M[std::size_t(j) * f.order + j]));
      largest = team.max(largest);
      for (int j : team.items(f.order))
        s.M[std::size_t(j) * f.order + j] += R(repair * largest);
      team.sync();
    }
    if (cholesky(team, s.M, f.order, f.order).positive) return true;
    repair = repair > 0 ? 10 * repair : kBarrierRepairFirst;
    if (!(repair <= kBarrierRepairLast)) return false;
  }
}

/// d_x, d_y: the proximal system's solution for e_x, e_y.
template <class D, class R, Team T>
BPQP_HD void solve_by_columns(
    const T& team, const ProblemView<D>& p, const BarrierSystem<R>& s) {
  for (int i : team.items(p.m)) s.t_y[i] = s.e_y[i];
  for (int j : team.items(p.n)) s.d_x[j] = s.e_x[j];
  team.sync();
  divide_by_squares(team, s, s.t_y);
  add_scaled_columns(team, p, s, s.t_y, R(1), s.d_x);
  cholesky_solve(team, s.M, p.n, p.n, s.d_x);
  scaled_rows_product(team, p, s, s.d_x, s.d_y);
  divide_by_squares(team, s, s.d_y);
  for (int i : team.items(p.m)) s.d_y[i] -= s.t_y[i];
  team.sync();
}

/// The same by K: bounds are eliminated first, then x.
template <class D, class R, Team T>
BPQP_HD void solve_by_rows(
    const T& team, const ProblemView<D>& p, const BarrierForm& f, const BarrierSystem<R>& s) {
  // e_x + A_b'(W^2 + delta)^-1 e_b
  for (int i : team.items(p.m)) s.t_y[i] = s.column[i] < 0 ? R(0) : s.e_y[i] * s.weight(i);
  for (int j : team.items(p.n)) s.t_x[j] = s.e_x[j];
  team.sync();
  add_scaled_columns(team, p, s, s.t_y, R(1), s.t_x);
  for (int j : team.items(p.n)) s.d_x[j] = s.t_x[j] / s.H[j];
  team.sync();
  scaled_rows_product(team, p, s, s.d_x, s.d_y);
  for (int g : team.items(f.general)) s.g_y[g] = s.d_y[s.general[g]] - s.e_y[s.general[g]];
  team.sync();
  cholesky_solve(team, s.M, f.order, f.order, s.g_y);
  for (int i : team.items(p.m)) s.d_y[i] = 0;
  team.sync();
  for (int g : team.items(f.general)) s.d_y[s.general[g]] = s.g_y[g];
  team.sync();
  add_scaled_columns(team, p, s, s.d_y, R(-1), s.t_x);
  for (int j : team.items(p.n)) s.d_x[j] = s.t_x[j] / s.H[j];
  team.sync();
  for (int i : team.items(p.m)) {
    const int j = s.column[i];
    if (j < 0) continue;
    const R a = R(p.A[std::size_t(i) * p.n + j]) * s.scaling.D[j] * s.scaling.E[i];
    s.d_y[i] = a * s.d_x[j] * s.weight(i) - s.t_y[i];
  }
  team.sync();
}

/// e = r - [P A'; A -W^2] (x, y); returns its largest entry. A x goes to Ax.
template <class D, class R, Team T>
BPQP_HD double barrier_residual(
    const T& team,
    const ProblemView<D>& p,
    const BarrierForm& f,
    const BarrierSystem<R>& s,
    const R* r_x,
    const R* r_y,
    const R* x,
    const R* y,
    R* Ax) {
  scaled_hessian_product(team, p, f, s, x, s.e_x);
  for (int j : team.items(p.n)) s.e_x[j] = r_x[j] - s.e_x[j];
  team.sync();
  add_scaled_columns(team, p, s, y, R(-1), s.e_x);
  scaled_rows_product(team, p, s, x, Ax);
  for (int i : team.items(p.m)) {
    const R sum = s.kind[i] == RowKind::free ? R(0) : r_y[i] - Ax[i];
    s.e_y[i] = sum;
    s.t_y[i] = -y[i];
  }
  team.sync();
  subtract_squares(team, s, s.t_y, s.e_y);
  return nan_max(abs_max(team, s.e_x, p.n), abs_max(team, s.e_y, p.m));
}

/// (x, y) and Ax = A x for the right-hand side (r_x, r_y).
template <class D, class R, Team T>
BPQP_HD void solve_barrier(
    const T& team,
    const ProblemView<D>& p,
    const BarrierForm& f,
    const BarrierSystem<R>& s,
    const R* r_x,
    const R* r_y,
    R* x,
    R* y,
    R* Ax) {
  for (int j : team.items(p.n)) {
    x[j] = 0;
    s.e_x[j] = r_x[j];
  }
  for (int i : team.items(p.m)) {
    y[i] = 0;
    s.e_y[i] = s.kind[i] == RowKind::free ? R(0) : r_y[i];
  }
  team.sync();
  const double size = nan_max(abs_max(team, s.e_x, p.n), abs_max(team, s.e_y, p.m));
  double best = INFINITY;
  for (int pass = 0; pass <= kBarrierPasses; ++pass) {
    if (f.by_rows)
      solve_by_rows(team, p, f, s);
    else
      solve_by_columns(team, p, s);
    for (int j : team.items(p.n)) x[j] += s.d_x[j];
    for (int i : team.items(p.m)) y[i] += s.d_y[i];
    team.sync();
    // d survives in t_x and H's place is taken, so a worse pass is undone by subtracting it again.
    const double error = barrier_residual(team, p, f, s, r_x, r_y, x, y, Ax);
    if (!(error < best)) {
      for (int j : team.items(p.n)) x[j] -= s.d_x[j];
      for (int i : team.items(p.m)) y[i] -= s.d_y[i];
      team.sync();
      scaled_rows_product(team, p, s, x, Ax);
      return;
    }
    const bool slow = error > 0.2 * best;
    best = error;
    if (slow || error <= kBarrierTarget * size) return;
  }
}

}  // namespace bpqp::core
