/// \file
/// Whether the KKT matrix of the active rows is safely regular, so that derivatives exist
/// (docs/math.md M37). Pivots cannot tell: where S_WW is ill-conditioned that of a dependent row is
/// rounding of any size.
#pragma once

#include "core/forward_work.hpp"

namespace bpqp::core {

/// A multiplier below this times what it balances, or a slack below this times 1 + |side|: weakly
/// active.
constexpr double kStrict = 1e-7;
/// And what it balances counts as this much of P (scaled) at least.
constexpr double kBalance = 1e-9;

template <class W>
BPQP_HD Mask<W> near_side(W Ax, W l, W u) {
  return (has_lower(l) & !(Ax - l > kStrict * (W(1) + magnitude(l)))) |
         (has_upper(u) & !(u - Ax > kStrict * (W(1) + magnitude(u))));
}

/// A linear row at a point, in any units.
template <class W>
struct RowAtPoint {
  W l, u, Ax, y;
  Mask<W> held;  ///< in the working set
};

/// Whether every inequality of the first `rows` is clearly active or clearly inactive, and every
/// equality held. row(i) gives RowAtPoint; y_scale is what multipliers are measured by.
template <class W, Team T, class Row>
BPQP_STAGE Mask<W> strictly_complementary(const T& team, int rows, W y_scale, const Row& row) {
  W weak = 0;
  for (int i : team.items(rows)) {
    const RowAtPoint<W> r = row(i);
    const Mask<W> strict = select(
        r.l == r.u, r.held,
        select(r.held, magnitude(r.y) > kStrict * y_scale, !near_side(r.Ax, r.l, r.u)));
    weak = select(strict, weak, W(1));
  }
  return team.max(weak) == W(0);
}

/// Rows whose S_WW, its diagonal scaled to one, has a smaller eigenvalue (P positive definite: an
/// angle of 1e-5) count as dependent. Where P is singular sigma widens the spectrum, and regular()
/// asks more.
constexpr double kIndependent = 1e-10, kIndependentSingular = 1e-12;
/// Steps of inverse iteration that look for the smallest eigenvalue; two are enough where they find
/// none within a factor of kClearly of the limit (a start with less than 1e-8 of the eigenvector of
/// a smaller one would be needed to hide it).
constexpr int kInverseSteps = 4;
constexpr double kClearly = 1e-2;
/// Whether sigma widens the spectrum of S: not where the rows are part of H (M64).
BPQP_HD inline bool sigma_widens(const CondenseReport& report) {
  return report.singular && report.gamma == 0;
}
/// Where they are dependent the derivatives go without the rows whose pivot is below this part of
/// their S_ii: what is left then has derivatives of a size that means something.
BPQP_HD inline double nearly_dependent(const CondenseReport& report) {
  return sigma_widens(report) ? kIndependentSingular : 1e-8;
}
/// A right-hand side without structure must be solved for to this, where P is singular.
constexpr double kRegularResidual = 1e-8;

/// 1 over the smallest eigenvalue of S_WW, its diagonal scaled to one, by inverse iteration, or
/// less where it is clearly below `limit`; 1 for fewer than two rows. v is scratch [w.size].
template <class R, Team T>
BPQP_STAGE Wide<R> inverse_growth(
    const T& team,
    const Schur<R>& schur,
    const WorkingSet<R>& w,
    R* v,
    double limit = 0,
    int steps = kInverseSteps) {
  using W = Wide<R>;
  const int k = w.size;
  if (k < 2) return 1;
  const auto weight = [&](int j) {  // rows that this lane does not hold have no part
    return select(w.held(w.list[j]), root_of(W(schur.pivot(w.list[j]))), W(0));
  };
  for (int j : team.items(k))
    v[j] = select(w.held(w.list[j]), R(std::cos(1.0 + 2.0 * w.list[j])), R(0));
  W growth = 0;
  for (int step = 0; step < steps; ++step) {
    W squares = 0;
    for (int j : team.items(k)) squares += W(v[j]) * W(v[j]);
    squares = team.sum(squares);
    const W norm = root_of(select(squares > W(0), squares, W(1)));
    for (int j : team.items(k)) v[j] *= R(weight(j) / norm);
    team.sync();
    cholesky_solve(team, w.L, k, w.capacity, v);
    squares = 0;
    for (int j : team.items(k)) {
      v[j] *= R(weight(j));
      squares += W(v[j]) * W(v[j]);
    }
    growth = root_of(team.sum(squares));
    if (step == 1 && all(growth < W(kClearly * limit))) break;
  }
  return growth;
}

/// Whether the rows of the set are safely independent. Uses s.kkt.
template <class R, Team T>
BPQP_STAGE bool independent(
    const T& team,
    const Condensed<R>& c,
    const Schur<R>& schur,
    const WorkingSet<R>& w,
    const ForwardWork<R>& s) {
  const double least = sigma_widens(c.report) ? kIndependentSingular : kIndependent;
  return inverse_growth(team, schur, w, s.kkt.a, 1 / least) * least < 1;
}

/// Whether K is regular where its rows are independent. Uses s.x_best, s.h, s.c, s.v and s.kkt.
template <class D, class R, Team T>
BPQP_STAGE bool regular(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const WorkingSet<R>& w,
    const ForwardWork<R>& s) {
  if (!c.report.singular) return true;
  R *g = s.x_best, *x = s.h, *y = s.c;
  for (int j : team.items(p.n)) g[j] = R(std::cos(1.0 + 2.0 * j) / double(c.scaling.D[j]));
  team.sync();
  const DirectKkt<R> solve{&c, &w, p.n, p.m, s.v};
  const R* none = nullptr;
  return kkt_solve(team, p, c, w, solve, g, none, x, y, s.kkt).residual < kRegularResidual;
}

}  // namespace bpqp::core
