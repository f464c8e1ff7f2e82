/// \file
/// From the adjoint (w, d) of one problem to the gradients of its data, and from a change of the
/// data to the right-hand side of the forward derivative (docs/math.md M31-M36). User's units.
///
///   K [w; d] = [g_x; g_y]:  dq = -w, db = d, dP = -(w x' + x w')/2, dA = -(d x' + y w')
///   K [dx; dy] = [-dP x - dq - dA'y; db - dA x]
///
/// Source: Amos and Kolter 2017, section 3 (differentiating KKT conditions); BPQP (2024),
/// theorem 1.
#pragma once

#include "core/forward_work.hpp"
#include "core/least_norm.hpp"

namespace bpqp::core {

/// ADMM of the backward pass: over-relaxation (as in Settings), accuracy, and iterations per pass
/// of refinement, which reaches the rest.
constexpr double kBackwardAlpha = 1.6;
constexpr double kBackwardEps = 1e-8;
constexpr int kBackwardIterations = 200;

/// What the factors of cone_diagonal.hpp leave out and ADMM reads: the rows off the set, as zero,
/// and S.
template <class R, Team T>
BPQP_STAGE void complete_diagonal(
    const T& team, const Condensed<R>& c, const WorkingSet<R>& w, int n, int m) {
  for (int i : team.items(m))
    for (int j = 0; j < n && w.side[i] == 0; ++j) c.Y[std::size_t(i) * n + j] = 0;
  team.sync();
  if (c.S) gram(team, c.Y, n, m, n, c.S, m);
}

/// ADMM as the approximate solve of kkt_solve, as the BPQP paper solves its backward problem: the
/// rows of the set are equalities, the others free. Same contract as DirectKkt.
template <class R>
struct AdmmKkt {
  const Condensed<R>* c = nullptr;
  const WorkingSet<R>* w = nullptr;
  const ForwardWork<R>* s = nullptr;
  int n = 0, m = 0;

  template <Team T>
  BPQP_STAGE void operator()(const T& team, R* t, R* d) const {
    if (c->report.diagonal) complete_diagonal(team, *c, *w, n, m);
    schur_diagonal(team, c->Y, c->S, n, m, s->diagonal);
    double rho = starting_rho(team, s->diagonal, m);
    for (int i : team.items(m)) {
      const bool active = w->side[i] != 0;
      s->l[i] = active ? d[i] : R(-INFINITY);
      s->u[i] = active ? d[i] : R(INFINITY);
      s->admm.z[i] = active ? d[i] : R(0);
      s->admm.y[i] = 0;
    }
    team.sync();
    const auto solve = [&](const auto& op) {
      admm(
          team, op, s->admm, s->l, s->u, m, rho, kBackwardAlpha, true, kBackwardEps,
          kBackwardIterations);
    };
    if (c->S) {
      transposed_product(team, c->Y, n, m, n, t, s->c);
      solve(ZForm<R>{m, c->S, s->c, s->admm_factor, s->admm_operator, s->v, s->diagonal});
    } else {
      solve(XForm<R>{n, m, c->Y, t, s->admm_operator, s->admm_factor, s->v, s->h});
    }
    for (int i : team.items(m)) {
      d[i] = w->side[i] != 0 ? s->admm.y[i] : R(0);
      s->v[i] = -d[i];
    }
    team.sync();
    product(team, c->Y, n, m, n, s->v, s->h);
    for (int j : team.items(n)) t[j] += s->h[j];
    team.sync();
    if (!c->report.diagonal) solve_lower_transposed(team, c->L, n, n, t, 1, n);
  }
};

/// Solves K [w; d] = [g_x; g_y]. kByAdmm: as BackwardMethod::admm; else directly.
template <bool kByAdmm, class D, class R, Team T>
BPQP_HD KktReport solve_active_kkt(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const WorkingSet<R>& set,
    const ForwardWork<R>& s,
    const R* g_x,
    const R* g_y,
    R* w,
    R* d) {
  const auto by = [&](const auto& solve) {
    const KktTask<D, R, T, std::remove_cvref_t<decltype(solve)>> task{team, p,   c, set, solve,
                                                                      g_x,  g_y, w, d,   s.kkt};
    return set.least_norm ? kkt_solve_least_norm(task) : kkt_solve(task);
  };
  if constexpr (kByAdmm)
    if (p.m > 0) return by(AdmmKkt<R>{&c, &set, &s, p.n, p.m});
  return by(DirectKkt<R>{&c, &set, p.n, p.m, s.v});
}

template <class D, Team T>
BPQP_HD void zero_row(const T& team, int n, D* out) {
  for (int j : row_entries(team, n)) out[j] = 0;
}

/// dP, row `i` of [n x n]: -(w_i x + x_i w)/2 is written to `out`, or added to it with `add`.
template <class D, class R, Team T>
BPQP_HD void gradient_P_row(const T& team, const R* w, const R* x, int n, int i, bool add, D* out) {
  const R a = -w[i] / 2, b = -x[i] / 2;
  for (int j : row_entries(team, n)) out[j] = D((add ? R(out[j]) : R(0)) + (a * x[j] + b * w[j]));
}

/// dA, row `i` of [m x n]: -(d_i x + y_i w), likewise; zero where the row is not active.
template <class D, class R, Team T>
BPQP_HD void gradient_A_row(
    const T& team, const R* w, const R* d, const R* x, const R* y, int n, int i, bool add, D* out) {
  const R a = -d[i], b = -y[i];
  if (a == 0 && b == 0) {
    if (!add) zero_row(team, n, out);
    return;
  }
  for (int j : row_entries(team, n)) out[j] = D((add ? R(out[j]) : R(0)) + (a * x[j] + b * w[j]));
}

/// Right-hand side of the forward derivative, out_x [n] and out_y [m]; null inputs are zero.
/// upper(i): the part of row i's db that is du, the rest being dl; negative: the row is not held.
template <class D, class R, Team T, class Upper>
BPQP_STAGE void tangent_rhs(
    const T& team,
    int n,
    int m,
    const Upper& upper,
    const R* x,
    const R* y,
    const D* dP,
    const D* dq,
    const D* dA,
    const D* dl,
    const D* du,
    R* out_x,
    R* out_y,
    R* scratch) {
  for (int j : team.items(n)) out_x[j] = dq ? -R(dq[j]) : R(0);
  for (int i : team.items(m)) {
    const double up = upper(i);
    out_y[i] = 0;
    if (up > 0 && du) out_y[i] += R(up) * R(du[i]);
    if (up >= 0 && up < 1 && dl) out_y[i] += R(1 - up) * R(dl[i]);
    if (up >= 0 && dA) out_y[i] -= dot(dA + std::size_t(i) * n, x, n);
  }
  team.sync();
  if (dP) {
    for (int side = 0; side < 2; ++side) {  // (dP + dP')/2
      if (side == 0)
        transposed_product(team, dP, n, n, n, x, scratch);
      else
        product(team, dP, n, n, n, x, scratch);
      for (int j : team.items(n)) out_x[j] -= scratch[j] / 2;
      team.sync();
    }
  }
  if (dA) {
    product(team, dA, n, m, n, y, scratch);
    for (int j : team.items(n)) out_x[j] -= scratch[j];
    team.sync();
  }
}

}  // namespace bpqp::core
