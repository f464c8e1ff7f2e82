/// \file
/// The KKT system of the active rows, in the user's units (docs/math.md M25-M28):
///
///   [P A_W'; A_W 0] [w; d] = [r_x; r_y]
///
/// One approximate solve by the factors of the scaled, proximal system, then refinement against the
/// residual of this one, which is that of the user's data: where P is singular, refinement is the
/// proximal point method and converges to the solution of least change.
/// Used by the adjoint and the JVP, and by the forward pass to find out whether K is regular.
/// Reads: Condensed, WorkingSet. Next: gradient.hpp.
#pragma once

#include "core/active_set.hpp"
#include "core/admm.hpp"
#include "core/condense.hpp"
#include "core/residuals.hpp"

namespace bpqp::core {

/// Refinement ends at this residual relative to the right-hand side, at so many times what rounding
/// of (w, d) makes of it (not before the second pass: where rows are nearly parallel the residual
/// does not show the first one's error), when two passes in turn have not halved it, or after so
/// many passes, P positive definite or singular.
constexpr double kKktTarget = 1e-12;
constexpr double kKktRounding = 4;
constexpr int kKktPasses = 6;
constexpr int kKktPassesSingular = 60;

template <class R>
struct KktScratch {
  R* r_x = nullptr;     ///< [n] residual
  R* r_y = nullptr;     ///< [m] residual, zero off the set
  R* t = nullptr;       ///< [n]
  R* a = nullptr;       ///< [m]
  R* best_w = nullptr;  ///< [n]
  R* best_d = nullptr;  ///< [m]
  R* spare = nullptr;   ///< [n]
  R* image = nullptr;   ///< [n] of least_norm.hpp

  BPQP_HD static KktScratch lay_out(Arena& arena, int n, int m) {
    KktScratch s;
    s.r_x = arena.take<R>(n);
    s.r_y = arena.take<R>(m);
    s.t = arena.take<R>(n);
    s.a = arena.take<R>(m);
    s.best_w = arena.take<R>(n);
    s.best_d = arena.take<R>(m);
    s.spare = arena.take<R>(n);
    s.image = arena.take<R>(n);
    return s;
  }
};

/// The direct approximate solve, scaled units: t [n] in: L^-1 r_x, out: w; d [m] in: r_y on W, out:
/// d on W (zero off W). S_WW d = Y_W't - r_y,  w = L'^-1 (t - Y_W d).
template <class R>
struct DirectKkt {
  const Condensed<R>* c = nullptr;
  const WorkingSet<R>* w = nullptr;
  int n = 0, m = 0;
  R* scratch = nullptr;  ///< [m]

  template <Team T>
  BPQP_STAGE void operator()(const T& team, R* t, R* d) const {
    const int k = w->size;
    for (int j : team.items(k)) {
      const int row = w->list[j];
      scratch[j] = select(w->held(row), dot(c->Y + std::size_t(row) * n, t, n) - d[row], R(0));
    }
    team.sync();
    cholesky_solve(team, w->L, k, w->capacity, scratch);
    for (int j : team.items(k)) d[w->list[j]] = scratch[j];
    Schur<R>::subtract_columns(team, c->Y, n, w->list, k, scratch, t);
    if (!c->report.diagonal) solve_lower_transposed(team, c->L, n, n, t, 1, n);
  }
};

struct KktReport {
  double residual = 0;  ///< relative to the right-hand side
  int passes = 0;
};

/// Residual of (w, d) against (g_x, g_y) into s.r_x, s.r_y (user units); returns its norm.
template <class D, class R, Team T>
BPQP_STAGE Wide<R> kkt_residual(
    const T& team,
    const ProblemView<D>& p,
    bool symmetric,
    const WorkingSet<R>& set,
    const R* g_x,
    const R* g_y,
    const R* w,
    const R* d,
    const KktScratch<R>& s) {
  hessian_product(team, p, symmetric, w, s.r_x, s.t);
  columns_product(team, p, d, s.t);
  Wide<R> norm = 0;
  for (int j : team.items(p.n)) {
    s.r_x[j] = (g_x ? g_x[j] : R(0)) - s.r_x[j] - s.t[j];
    norm = nan_max(norm, magnitude(Wide<R>(s.r_x[j])));
  }
  for (int i : team.items(p.m)) s.r_y[i] = 0;
  team.sync();
  for (int j : team.items(set.size)) {
    const int i = set.list[j];
    s.r_y[i] = select(set.held(i), (g_y ? g_y[i] : R(0)) - row_product(p, i, w), R(0));
    norm = nan_max(norm, magnitude(Wide<R>(s.r_y[i])));
  }
  return team.max(norm);
}

/// What a relative change of (w, d) by the machine's precision may change in the residual: no
/// further pass makes it smaller. The scaled data count as one, so that row i's entries are
/// 1 / (E_i D_j).
template <class R, Team T>
BPQP_STAGE Wide<R> kkt_rounding(
    const T& team,
    const Scaling<R>& scale,
    const WorkingSet<R>& set,
    int n,
    const R* w,
    const R* d) {
  constexpr double kPrecision = 0x1p-52;
  using W = Wide<R>;
  W primal = 0, dual = 0, largest_d = 0, largest_e = 0;
  for (int j : team.items(n)) {
    primal = nan_max(primal, magnitude(W(w[j]) / W(scale.D[j])));
    largest_d = nan_max(largest_d, W(1) / W(scale.D[j]));
  }
  for (int k : team.items(set.size)) {
    const int i = set.list[k];
    dual = nan_max(dual, magnitude(W(d[i]) / W(scale.E[i])));
    largest_e = nan_max(largest_e, select(set.held(i), W(1) / W(scale.E[i]), W(0)));
  }
  primal = team.max(primal), dual = team.max(dual);
  const W columns = team.max(largest_d), rows = team.max(largest_e);
  return W(kPrecision) * nan_max(nan_max(primal, dual) * columns, primal * rows);
}

/// (w, d) = 0, whose residual is the right-hand side; returns its norm.
template <class D, class R, Team T>
BPQP_STAGE Wide<R> kkt_start(
    const T& team,
    const ProblemView<D>& p,
    const WorkingSet<R>& set,
    const R* g_x,
    const R* g_y,
    R* w,
    R* d,
    const KktScratch<R>& s) {
  Wide<R> norm = 0;
  for (int j : team.items(p.n)) {
    w[j] = 0;
    s.r_x[j] = g_x ? g_x[j] : R(0);
    norm = nan_max(norm, magnitude(Wide<R>(s.r_x[j])));
  }
  for (int i : team.items(p.m)) {
    d[i] = 0;
    s.r_y[i] = g_y ? select(set.held(i), g_y[i], R(0)) : R(0);
    norm = nan_max(norm, magnitude(Wide<R>(s.r_y[i])));
  }
  return team.max(norm);
}

/// Adds the approximate solution for the residual in s to (w, d).
template <class D, class R, Team T, class Solve>
BPQP_STAGE void kkt_correct(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const WorkingSet<R>& set,
    const Solve& solve,
    R* w,
    R* d,
    const KktScratch<R>& s) {
  const Scaling<R>& scale = c.scaling;
  for (int i : team.items(p.m)) s.a[i] = scale.E[i] * s.r_y[i];
  for (int j : team.items(p.n)) s.t[j] = scale.D[j] * s.r_x[j];
  team.sync();
  if (c.report.gamma > 0) {  // H holds gamma A_W'A_W more than P: so must the right-hand side
    for (int i : team.items(p.m)) s.r_y[i] = scale.E[i] * s.a[i];
    team.sync();
    product(team, p.A, p.n, p.m, p.n, s.r_y, s.spare);
    for (int j : team.items(p.n)) s.t[j] += R(c.report.gamma) * scale.D[j] * s.spare[j];
    team.sync();
  }
  if (!c.report.diagonal) solve_lower(team, c.L, p.n, p.n, s.t, 1, p.n);
  solve(team, s.t, s.a);
  for (int j : team.items(p.n)) w[j] += scale.D[j] * s.t[j];
  for (int j : team.items(set.size)) {
    const int i = set.list[j];
    d[i] += scale.E[i] * s.a[i];
  }
  team.sync();
}

/// Everything that kkt_solve() is given, passed on by reference.
template <class D, class R, Team T, class Solve>
struct KktTask {
  const T& team;
  const ProblemView<D>& p;
  const Condensed<R>& c;
  const WorkingSet<R>& set;
  const Solve& solve;
  const R *g_x, *g_y;  ///< [n], [m]; null: zero; g_y off the set is ignored
  R *w, *d;            ///< [n], [m]
  const KktScratch<R>& s;

  BPQP_HD double start() const { return kkt_start(team, p, set, g_x, g_y, w, d, s); }
  BPQP_HD void correct() const { kkt_correct(team, p, c, set, solve, w, d, s); }
  BPQP_HD double residual() const {
    return kkt_residual(team, p, c.report.symmetric, set, g_x, g_y, w, d, s);
  }
  BPQP_HD double rounding() const { return kkt_rounding(team, c.scaling, set, p.n, w, d); }
  BPQP_HD void copy(const R* w_from, const R* d_from, R* w_to, R* d_to) const {
    for (int j : team.items(p.n)) w_to[j] = w_from[j];
    for (int i : team.items(p.m)) d_to[i] = d_from[i];
    team.sync();
  }
};

/// Solves for (w, d) from zero.
template <class D, class R, Team T, class Solve>
BPQP_STAGE KktReport kkt_solve(const KktTask<D, R, T, Solve>& t) {
  const double scale = t.start();
  if (scale == 0) return {0, 0};
  double best = INFINITY;
  int pass = 1;
  for (int worse = 0;; ++pass) {
    const int most = t.c.report.singular ? kKktPassesSingular : kKktPasses;
    t.correct();
    const double residual = t.residual() / scale;
    worse = residual < 0.5 * best ? 0 : worse + 1;
    if (residual < best) {
      best = residual;
      if (best <= kKktTarget || pass == most) return {best, pass};
      if (pass > 1 && best <= kKktRounding * (t.rounding() / scale)) return {best, pass};
      t.copy(t.w, t.d, t.s.best_w, t.s.best_d);
    }
    if (worse == 2 || pass == most || !(residual < INFINITY)) break;
  }
  if (best < INFINITY) t.copy(t.s.best_w, t.s.best_d, t.w, t.d);
  return {best, pass};
}

template <class D, class R, Team T, class Solve>
BPQP_HD KktReport kkt_solve(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const WorkingSet<R>& set,
    const Solve& solve,
    const R* g_x,
    const R* g_y,
    R* w,
    R* d,
    const KktScratch<R>& s) {
  return kkt_solve(KktTask<D, R, T, Solve>{team, p, c, set, solve, g_x, g_y, w, d, s});
}

}  // namespace bpqp::core
