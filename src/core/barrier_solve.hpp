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
      for (int j : team.items(f.order)) s.M[std::size_t(j) * f.order + j] += R(repair * largest);
      team.sync();
    }
    if (cholesky(team, s.M, f.order, f.order).positive) return true;
    repair = repair > 0 ? 10 * repair : kBarrierRepairFirst;
    if (!(repair <= kBarrierRepairLast)) return false;
  }
}

/// d_x, d_y: the proximal system's solution for e_x, e_y.
template <class D, class R, Team T>
BPQP_HD void solve_by_columns(const T& team, const ProblemView<D>& p, const BarrierSystem<R>& s) {
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
    s.d_y[i] = s.entry(p, i, j) * s.d_x[j] * s.weight(i) - s.t_y[i];
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
  for (int i : team.items(p.m)) s.e_y[i] = s.kind[i] == RowKind::free ? R(0) : r_y[i] - Ax[i];
  team.sync();
  add_squares(team, s, y, s.e_y);
  return nan_max(abs_max(team, s.e_x, p.n), abs_max(team, s.e_y, p.m));
}

/// d_x, d_y: the proximal system's solution for e_x, e_y, by the form's way.
template <class D, class R, Team T>
BPQP_HD void solve_proximal(
    const T& team, const ProblemView<D>& p, const BarrierForm& f, const BarrierSystem<R>& s) {
  if (f.by_rows)
    solve_by_rows(team, p, f, s);
  else
    solve_by_columns(team, p, s);
}

/// a'b over x and y parts.
template <class R, Team T>
BPQP_HD double pair_dot(
    const T& team, int n, int m, const R* a_x, const R* a_y, const R* b_x, const R* b_y) {
  double sum = 0;
  for (int j : team.items(n)) sum += double(a_x[j]) * double(b_x[j]);
  for (int i : team.items(m)) sum += double(a_y[i]) * double(b_y[i]);
  return team.sum(sum);
}

/// Adds to (x, y) until the residual e_x, e_y is small: generalised conjugate residuals (Eisenstat,
/// Elman and Schultz 1983) with the proximal system as preconditioner. Where refinement contracts
/// slowly (free variables, nearly dependent rows) few directions are to blame, and these find them.
template <class D, class R, Team T>
BPQP_HD void krylov_refine(
    const T& team,
    const ProblemView<D>& p,
    const BarrierForm& f,
    const BarrierSystem<R>& s,
    double size,
    R* x,
    R* y,
    R* Ax) {
  const int n = p.n, m = p.m, length = n + m;
  for (int j : team.items(n)) s.f_x[j] = s.e_x[j];
  for (int i : team.items(m)) s.f_y[i] = s.e_y[i];
  team.sync();
  for (int k = 0; k < kBarrierKrylov; ++k) {
    for (int j : team.items(n)) s.e_x[j] = s.f_x[j];
    for (int i : team.items(m)) s.e_y[i] = s.f_y[i];
    team.sync();
    solve_proximal(team, p, f, s);
    R *u_x = s.basis + std::size_t(k) * length, *u_y = u_x + n;
    R *c_x = s.image + std::size_t(k) * length, *c_y = c_x + n;
    for (int j : team.items(n)) u_x[j] = s.d_x[j], c_x[j] = 0;
    for (int i : team.items(m)) u_y[i] = s.d_y[i], c_y[i] = 0;
    team.sync();
    barrier_residual(team, p, f, s, c_x, c_y, u_x, u_y, Ax);  // e = -K u
    for (int j : team.items(n)) c_x[j] = -s.e_x[j];
    for (int i : team.items(m)) c_y[i] = -s.e_y[i];
    team.sync();
    for (int q = 0; q < k; ++q) {
      const R *v_x = s.basis + std::size_t(q) * length, *b_x = s.image + std::size_t(q) * length;
      const R along = R(pair_dot(team, n, m, c_x, c_y, b_x, b_x + n));
      for (int j : team.items(n)) u_x[j] -= along * v_x[j], c_x[j] -= along * b_x[j];
      for (int i : team.items(m)) u_y[i] -= along * v_x[n + i], c_y[i] -= along * b_x[n + i];
      team.sync();
    }
    const double norm = std::sqrt(pair_dot(team, n, m, c_x, c_y, c_x, c_y));
    if (!(norm > 0 && norm < INFINITY)) break;
    const R scale = R(1 / norm);
    for (int j : team.items(n)) u_x[j] *= scale, c_x[j] *= scale;
    for (int i : team.items(m)) u_y[i] *= scale, c_y[i] *= scale;
    team.sync();
    const R step = R(pair_dot(team, n, m, c_x, c_y, s.f_x, s.f_y));
    for (int j : team.items(n)) x[j] += step * u_x[j], s.f_x[j] -= step * c_x[j];
    for (int i : team.items(m)) y[i] += step * u_y[i], s.f_y[i] -= step * c_y[i];
    team.sync();
    if (nan_max(abs_max(team, s.f_x, n), abs_max(team, s.f_y, m)) <= kBarrierLoose * size) break;
  }
  scaled_rows_product(team, p, s, x, Ax);
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
    solve_proximal(team, p, f, s);
    for (int j : team.items(p.n)) x[j] += s.d_x[j];
    for (int i : team.items(p.m)) y[i] += s.d_y[i];
    team.sync();
    double error = barrier_residual(team, p, f, s, r_x, r_y, x, y, Ax);
    const bool worse = !(error < best), slow = worse || error > 0.2 * best;
    if (worse) {  // undone
      for (int j : team.items(p.n)) x[j] -= s.d_x[j];
      for (int i : team.items(p.m)) y[i] -= s.d_y[i];
      team.sync();
      error = barrier_residual(team, p, f, s, r_x, r_y, x, y, Ax);
    }
    best = error;
    if (slow || error <= kBarrierTarget * size) break;
  }
  if (best > kBarrierLoose * size && best < INFINITY) krylov_refine(team, p, f, s, size, x, y, Ax);
}

}  // namespace bpqp::core
