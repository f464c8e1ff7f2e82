/// \file
/// Factoring and solving the system of barrier_system.hpp.
#pragma once

#include "core/barrier_schur.hpp"
#include "core/residuals.hpp"

namespace bpqp::core {

/// Every diagonal entry grows by this fraction of itself where the factorisation fails: from the
/// first value up by tens to the last. (Of itself: near the end the entries differ by 1e16, and
/// Cholesky's rounding on each is relative to that entry.)
constexpr double kBarrierRepairFirst = 1e-14, kBarrierRepairLast = 1e-2;

/// Assembles and factors; `repair` is the addition that the last factorisation needed, kept from
/// call to call. False: nothing helped.
template <class D, class R, Team T>
BPQP_STAGE bool factor_barrier(
    const T& team,
    const ProblemView<D>& p,
    const BarrierForm& f,
    const BarrierSystem<R>& s,
    double& repair) {
  repair = repair > kBarrierRepairFirst ? repair / 10 : 0;
  for (;;) {
    switch (f.way) {
      case BarrierWay::columns:
        assemble_by_columns(team, p, f, s);
        break;
      case BarrierWay::rows:
        assemble_by_rows(team, p, f, s);
        break;
      case BarrierWay::schur:
        assemble_schur(team, s);
    }
    R* M = s.factored(f);
    if (repair > 0) {
      for (int j : team.items(f.order)) M[std::size_t(j) * f.order + j] *= R(1 + repair);
      team.sync();
    }
    if (cholesky(team, M, f.order, f.order).positive) return true;
    repair = repair > 0 ? 10 * repair : kBarrierRepairFirst;
    if (!(repair <= kBarrierRepairLast)) return false;
  }
}

/// d_x, d_y: the proximal system's solution for e_x, e_y.
template <class D, class R, Team T>
BPQP_STAGE void solve_by_columns(
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

/// The same by K: bounds and single cones are eliminated first, then x.
template <class D, class R, Team T>
BPQP_STAGE void solve_by_rows(
    const T& team, const ProblemView<D>& p, const BarrierForm& f, const BarrierSystem<R>& s) {
  // e_x + A_b'(W^2 + delta)^-1 e_b, b: the rows that are not general
  for (int i : team.items(p.m)) s.t_y[i] = s.e_y[i];
  for (int j : team.items(p.n)) s.t_x[j] = s.e_x[j];
  team.sync();
  divide_by_squares(team, s, s.t_y, true);
  add_scaled_columns(team, p, s, s.t_y, R(1), s.t_x, Rows::single);
  for (int j : team.items(p.n)) s.d_x[j] = s.t_x[j] / s.H[j];
  team.sync();
  scaled_rows_product(team, p, s, s.d_x, s.d_y);
  for (int g : team.items(f.general)) s.g_y[g] = s.d_y[s.general[g]] - s.e_y[s.general[g]];
  single_cone_products(team, f, s, s.d_y, s.g_y);
  team.sync();
  cholesky_solve(team, s.M, f.order, f.order, s.g_y);
  for (int i : team.items(p.m)) s.d_y[i] = 0;
  team.sync();
  for (int g : team.items(f.general)) s.d_y[s.general[g]] = s.g_y[g];
  spread_single_cones(team, f, s, s.g_y, s.d_y);
  team.sync();
  add_scaled_columns(team, p, s, s.d_y, R(-1), s.t_x);
  for (int j : team.items(p.n)) s.d_x[j] = s.t_x[j] / s.H[j];
  team.sync();
  for (int i : team.items(p.m)) {
    const int j = s.column[i];
    if (j < 0) continue;
    s.d_y[i] = s.entry(p, i, j) * s.d_x[j];
    if (s.is_linear(i)) s.d_y[i] = s.d_y[i] * s.weight(i) - s.t_y[i];
  }
  team.sync();
  divide_single_cones(team, s, s.t_y, s.d_y);
}

/// e = r - [P A'; A -W^2] (x, y); returns its largest entry. A x goes to Ax.
template <class D, class R, Team T>
BPQP_STAGE double barrier_residual(
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
BPQP_STAGE void solve_proximal(
    const T& team, const ProblemView<D>& p, const BarrierForm& f, const BarrierSystem<R>& s) {
  switch (f.way) {
    case BarrierWay::columns:
      return solve_by_columns(team, p, s);
    case BarrierWay::rows:
      return solve_by_rows(team, p, f, s);
    case BarrierWay::schur:
      return solve_by_schur(team, p, s);
  }
}

/// a'b over x and y parts.
template <class R, Team T>
BPQP_STAGE double pair_dot(
    const T& team, int n, int m, const R* a_x, const R* a_y, const R* b_x, const R* b_y) {
  double sum = 0;
  for (int j : team.items(n)) sum += double(a_x[j]) * double(b_x[j]);
  for (int i : team.items(m)) sum += double(a_y[i]) * double(b_y[i]);
  return team.sum(sum);
}

/// A right-hand side (r_x, r_y) of the system, and where its answer goes: (x, y) and A x. By
/// reference, so that the stages hand on one pointer.
template <class D, class R, Team T>
struct BarrierTask {
  const T& team;
  const ProblemView<D>& p;
  const BarrierForm& f;
  const BarrierSystem<R>& s;
  const R *r_x, *r_y;
  R *x, *y, *Ax;
};

/// The residual of the task's answer, as barrier_residual().
template <class D, class R, Team T>
BPQP_HD double residual_of(const BarrierTask<D, R, T>& t) {
  return barrier_residual(t.team, t.p, t.f, t.s, t.r_x, t.r_y, t.x, t.y, t.Ax);
}

/// c, the image of direction k, and the direction u itself, lose what lies along those before them;
/// returns the length of what is left of c.
template <class R, Team T>
BPQP_STAGE double make_orthogonal(const T& team, const BarrierSystem<R>& s, int k) {
  const int n = s.n, m = s.m, length = n + m;
  R *u = s.basis + std::size_t(k) * length, *c = s.image + std::size_t(k) * length;
  for (int q = 0; q < k; ++q) {
    const R *v = s.basis + std::size_t(q) * length, *b = s.image + std::size_t(q) * length;
    const R along = R(pair_dot(team, n, m, c, c + n, b, b + n));
    for (int i : team.items(length)) u[i] -= along * v[i], c[i] -= along * b[i];
    team.sync();
  }
  return std::sqrt(pair_dot(team, n, m, c, c + n, c, c + n));
}

/// Direction k of krylov_refine() into basis and image: the proximal answer to the residual f, its
/// image orthogonal to those before and of length 1. Uses e and Ax. False: nothing new.
template <class D, class R, Team T>
BPQP_STAGE bool krylov_direction(const BarrierTask<D, R, T>& t, int k) {
  const T& team = t.team;
  const BarrierSystem<R>& s = t.s;
  const int n = s.n, m = s.m, length = n + m;
  copy_point(team, n, m, s.f_x, s.f_y, s.e_x, s.e_y);
  solve_proximal(team, t.p, t.f, s);
  R *u = s.basis + std::size_t(k) * length, *c = s.image + std::size_t(k) * length;
  copy_point(team, n, m, s.d_x, s.d_y, u, u + n);
  for (int i : team.items(length)) c[i] = 0;
  team.sync();
  barrier_residual(team, t.p, t.f, s, c, c + n, u, u + n, t.Ax);  // e = -K u
  for (int j : team.items(n)) c[j] = -s.e_x[j];
  for (int i : team.items(m)) c[n + i] = -s.e_y[i];
  team.sync();
  // What is left of it, and of K u for a u in the null space, may be rounding: no direction then.
  const double terms = std::sqrt(
      nan_max(pair_dot(team, n, m, c, c + n, c, c + n), pair_dot(team, n, m, u, u + n, u, u + n)));
  const double norm = make_orthogonal(team, s, k);
  if (!(norm > kBarrierNew * terms && norm < INFINITY)) return false;
  const R scale = R(1 / norm);
  for (int i : team.items(length)) u[i] *= scale, c[i] *= scale;
  team.sync();
  return true;
}

/// Adds to (x, y) until the residual e_x, e_y is small: generalised conjugate residuals (Eisenstat,
/// Elman and Schultz 1983) with the proximal system as preconditioner. Where refinement contracts
/// slowly (free variables, nearly dependent rows) few directions are to blame, and these find them.
/// Where they gain little the system is inconsistent, and its huge proximal answer, which stays, is
/// the ray along which the problem is unbounded or infeasible.
template <class D, class R, Team T>
BPQP_STAGE void krylov_refine(const BarrierTask<D, R, T>& t, double size, double error) {
  const BarrierSystem<R>& s = t.s;
  const int n = s.n, m = s.m, length = n + m;
  R steps[kBarrierKrylov];
  int count = 0;
  double left = error;
  copy_point(t.team, n, m, s.e_x, s.e_y, s.f_x, s.f_y);
  BPQP_UNROLL_BY(1)
  while (count < kBarrierKrylov && left > kBarrierLoose * t.f.accuracy * size &&
         krylov_direction(t, count)) {
    const R* c = s.image + std::size_t(count) * length;
    const R step = steps[count++] = R(pair_dot(t.team, n, m, c, c + n, s.f_x, s.f_y));
    for (int j : t.team.items(n)) s.f_x[j] -= step * c[j];
    for (int i : t.team.items(m)) s.f_y[i] -= step * c[n + i];
    t.team.sync();
    left = nan_max(abs_max(t.team, s.f_x, n), abs_max(t.team, s.f_y, m));
  }
  if (left <= kBarrierKrylovGain * error) {
    BPQP_UNROLL_BY(1)
    for (int k = 0; k < count; ++k) {
      const R* u = s.basis + std::size_t(k) * length;
      for (int j : t.team.items(n)) t.x[j] += steps[k] * u[j];
      for (int i : t.team.items(m)) t.y[i] += steps[k] * u[n + i];
    }
    t.team.sync();
  }
  scaled_rows_product(t.team, t.p, s, t.x, t.Ax);
}

/// One pass of refinement, for the residual in e, which it renews; undone where it does not better
/// the residual `best`. Returns the residual's size; `slow`: it is not worth another.
template <class D, class R, Team T>
BPQP_STAGE double refine_barrier(const BarrierTask<D, R, T>& t, double best, bool& slow) {
  solve_proximal(t.team, t.p, t.f, t.s);
  for (int j : t.team.items(t.p.n)) t.x[j] += t.s.d_x[j];
  for (int i : t.team.items(t.p.m)) t.y[i] += t.s.d_y[i];
  t.team.sync();
  const double error = residual_of(t);
  slow = !(error < best) || error > 0.2 * best;
  if (error < best) return error;
  for (int j : t.team.items(t.p.n)) t.x[j] -= t.s.d_x[j];
  for (int i : t.team.items(t.p.m)) t.y[i] -= t.s.d_y[i];
  t.team.sync();
  return residual_of(t);
}

/// (x, y) and Ax = A x for the right-hand side (r_x, r_y). Refinement that leaves as much as
/// `inconsistent` of it ends there: the system has no solution then, no least-squares answer is
/// wanted, and the huge proximal one is the ray of an unbounded or infeasible problem.
template <class D, class R, Team T>
BPQP_STAGE void solve_barrier(
    const T& team,
    const ProblemView<D>& p,
    const BarrierForm& f,
    const BarrierSystem<R>& s,
    const R* r_x,
    const R* r_y,
    R* x,
    R* y,
    R* Ax,
    double inconsistent = INFINITY) {
  for (int j : team.items(p.n)) {
    x[j] = 0;
    s.e_x[j] = r_x[j];
  }
  for (int i : team.items(p.m)) {
    y[i] = 0;
    s.e_y[i] = s.kind[i] == RowKind::free ? R(0) : r_y[i];
  }
  team.sync();
  const BarrierTask<D, R, T> t{team, p, f, s, r_x, r_y, x, y, Ax};
  const double size = nan_max(abs_max(team, s.e_x, p.n), abs_max(team, s.e_y, p.m));
  double best = INFINITY;
  bool slow = false;
  for (int pass = 0; pass <= kBarrierPasses && !slow; ++pass) {
    best = refine_barrier(t, best, slow);
    if (best <= t.f.accuracy * size) break;
  }
  if (best > kBarrierLoose * t.f.accuracy * size && best < inconsistent * size)
    krylov_refine(t, size, best);
}

}  // namespace bpqp::core
