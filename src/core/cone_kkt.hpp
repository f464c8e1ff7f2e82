/// \file
/// Problems with second-order cones as equality-constrained QPs at a point (docs/math.md section
/// 11).
///
/// With s = u - A x, v = s - y/rho and J the Jacobian of the projection at v, whose eigenvectors in
/// one cone are e1 = (1, a)/sqrt 2 (eigenvalue 1), e0 = (-1, a)/sqrt 2 (0) and the rest (mu = (1 +
/// t/r)/2), a = tail/r, the system
///
///   [P  A'; (I - J) A  -J/rho] [w; d] = [g; (I - J) g_y]
///
/// is that of an equality-constrained QP: a cone on its boundary gives the one row e0'A and adds
/// kappa A'Q A to the Hessian, kappa = rho (1 - mu)/mu, Q = I - e0 e0' - e1 e1'; one at its apex
/// gives all its rows, one inside none. So the machinery of linear rows (condense, WorkingSet,
/// kkt_solve) serves cones too, P singular included. Sources: Busseti, Moursi and Boyd 2019
/// (derivative of the projection); BPQP 2024 (curvature in P).
#pragma once

#include "core/cone_diagonal.hpp"

namespace bpqp::core {

/// What is left of an entry of A across the axis counts as rounding below this part of it.
constexpr double kCurvatureNoise = 1e-14;

/// k.A: the rows of the QP.
template <class D, class R, Team T>
BPQP_STAGE void load_cone_rows(const T& team, const ProblemView<D>& p, const ConeKkt<R>& k) {
  const int n = p.n;
  for (int i = 0; i < p.linear_rows(); ++i)
    for (int j : team.items(n)) k.A[std::size_t(i) * n + j] = R(p.A[std::size_t(i) * n + j]);
  const R root = R(std::sqrt(0.5));
  for (int c = 0; c < p.cones.count; ++c) {
    const int first = p.cones.first(c), d = p.cones.size(c);
    const ConeState state = k.state_of(first);
    for (int i = 0; i < d; ++i) {
      R* row = k.A + std::size_t(first + i) * n;
      const D* from = p.A + std::size_t(first + i) * n;
      for (int j : team.items(n)) row[j] = state == ConeState::apex ? R(from[j]) : R(0);
    }
    if (state != ConeState::boundary) continue;
    R* normal = k.A + std::size_t(first) * n;  // e0'A
    for (int i = 0; i < d; ++i) {
      const D* from = p.A + std::size_t(first + i) * n;
      const R factor = i == 0 ? -root : root * k.axis[first + i];
      for (int j : team.items(n)) normal[j] += factor * R(from[j]);
    }
  }
  team.sync();
}

/// k.P: (P + P')/2 + the sum of kappa A'Q A. packed is scratch [n x m], mean [n].
template <class D, class R, Team T>
BPQP_STAGE void load_cone_hessian(
    const T& team, const ProblemView<D>& p, const ConeKkt<R>& k, R* packed, R* mean) {
  const int n = p.n;
  load_hessian(team, p, k.P);
  for (int c = 0; c < p.cones.count; ++c) {
    const int first = p.cones.first(c), d = p.cones.size(c);
    if (k.state_of(first) != ConeState::boundary || d < 3) continue;
    const R root = R(std::sqrt(double(k.curvature[first])));
    const D* rows = p.A + std::size_t(first) * n;
    for (int j : team.items(n)) mean[j] = 0;  // a lane touches its own columns only
    for (int i = 1; i < d; ++i)
      for (int j : team.items(n)) mean[j] += k.axis[first + i] * R(rows[std::size_t(i) * n + j]);
    for (int i = 1; i < d; ++i)
      for (int j : team.items(n)) {
        const R entry = R(rows[std::size_t(i) * n + j]), along = k.axis[first + i] * mean[j];
        const R across = entry - along;  // rounding would pass for a tiny, definite Hessian
        const bool noise = std::fabs(across) <= R(kCurvatureNoise) * std::fabs(entry);
        packed[std::size_t(i - 1) * n + j] = noise ? R(0) : root * across;
      }
    team.sync();
    add_outer(team, packed, n, d - 1, n, k.P, n);
  }
  for (int j : team.items(n))
    for (int i = j + 1; i < n; ++i) k.P[std::size_t(i) * n + j] = k.P[std::size_t(j) * n + i];
  team.sync();
}

/// S of the QP's factors.
template <class D, class R>
BPQP_HD Schur<R> cone_schur(
    const ProblemView<D>& p, const Condensed<R>& c, const ForwardWork<R>& s) {
  return {p.n, p.m, c.Y, c.report.diagonal ? nullptr : c.S, s.diagonal, s.kkt.spare};
}

/// The QP at the states of k as dense matrices, condensed.
template <class D, class R, Team T>
BPQP_STAGE CondenseReport condense_cone_kkt(
    const T& team,
    const ProblemView<D>& p,
    int scaling_passes,
    const ConeKkt<R>& k,
    const Condensed<R>& c,
    const signed char* side,
    const ForwardWork<R>& s) {
  if (team.rank() == 0) k.form[0] = 0;
  load_cone_rows(team, p, k);
  load_cone_hessian(team, p, k, c.Y, s.t);
  const ProblemView<R> qp = k.view(p);
  const CondenseReport report = condense(team, qp, scaling_passes, c, s.v, s.h, side);
  team.sync();
  schur_diagonal(team, c.Y, c.S, p.n, p.m, s.diagonal);
  return report;
}

/// Builds and factors the QP at the states of k. Returns whether all rows held are independent.
template <class D, class R, Team T>
BPQP_STAGE bool factor_cone_kkt(
    const T& team,
    const ProblemView<D>& p,
    int scaling_passes,
    const ConeKkt<R>& k,
    Condensed<R>& c,
    WorkingSet<R>& set,
    const ForwardWork<R>& s) {
  const CondenseReport report = load_diagonal_qp(team, p, k, set.side)
                                    ? condense_diagonal(team, k.view(p), set.side, c, s.diagonal)
                                    : condense_cone_kkt(team, p, scaling_passes, k, c, set.side, s);
  team.sync();
  if (team.rank() == 0) c.report = report;
  team.sync();
  if (report.outcome != Condensing::done) return false;
  double wanted = 0;
  for (int i : team.items(p.m)) {
    s.l[i] = i < p.linear_rows() ? R(p.l[i]) : R(-INFINITY);  // only equality is asked of them
    s.u[i] = R(p.u[i]);
    if (set.side[i] != 0) wanted += 1;
  }
  wanted = team.sum(wanted);
  const Schur<R> schur = cone_schur(p, c, s);
  rebuild(team, schur, set, s.l, s.u, s.kkt.a);
  return set.size == wanted;
}

/// The right-hand side (g_x, g_y) of the problem becomes that of the QP, in place: g_x gains
/// kappa A'Q g_y (and, where its Hessian is diagonal, 2 kappa A'e0 e0'g_y: M61), g_y its component
/// along e0. `kept` [m] gets g_y in the rows of the boundary's
/// cones.
template <class D, class R, Team T>
BPQP_STAGE void to_cone_qp(
    const T& team,
    const ProblemView<D>& p,
    const ConeKkt<R>& k,
    R* g_x,
    R* g_y,
    R* kept,
    R* scratch_m,
    R* scratch_n) {
  for (int i : team.items(p.linear_rows())) scratch_m[i] = 0;
  for (int c : team.items(p.cones.count)) {
    const int first = p.cones.first(c), d = p.cones.size(c);
    const bool boundary = k.state_of(first) == ConeState::boundary;
    double along = 0;
    for (int i = 0; i < d; ++i) {
      kept[first + i] = boundary ? g_y[first + i] : R(0);
      along += double(k.axis[first + i]) * double(g_y[first + i]);
    }
    const R taken = k.diagonal() ? g_y[first] : R(along);
    for (int i = 0; i < d; ++i)
      scratch_m[first + i] = boundary && i > 0
                                 ? k.curvature[first] * (g_y[first + i] - taken * k.axis[first + i])
                                 : R(0);
    if (!boundary) continue;
    g_y[first] = R((along - double(g_y[first])) * std::sqrt(0.5));
    for (int i = 1; i < d; ++i) g_y[first + i] = 0;
  }
  team.sync();
  columns_product(team, p, scratch_m, scratch_n, k.diagonal() ? Rows::single : Rows::all);
  for (int j : team.items(p.n)) g_x[j] += scratch_n[j];
  team.sync();
}

/// d of the QP becomes that of the problem: in a boundary's cone e0 d_0 + kappa Q (A w - kept).
template <class D, class R, Team T>
BPQP_STAGE void from_cone_qp(
    const T& team,
    const ProblemView<D>& p,
    const ConeKkt<R>& k,
    const R* w,
    const R* kept,
    R* d,
    R* scratch_m) {
  rows_product(team, p, w, scratch_m, k.diagonal() ? Rows::single : Rows::all);
  for (int c : team.items(p.cones.count)) {
    const int first = p.cones.first(c), size = p.cones.size(c);
    if (k.state_of(first) != ConeState::boundary) continue;
    double along = 0;
    for (int i = 1; i < size; ++i)
      along += double(k.axis[first + i]) * (double(scratch_m[first + i]) - double(kept[first + i]));
    const double d0 = double(d[first]) * std::sqrt(0.5);
    d[first] = R(-d0);
    for (int i = 1; i < size; ++i) {
      const double a = double(k.axis[first + i]);
      const double across = double(scratch_m[first + i]) - double(kept[first + i]) - along * a;
      d[first + i] = R(d0 * a + double(k.curvature[first]) * across);
    }
  }
  team.sync();
}

}  // namespace bpqp::core
