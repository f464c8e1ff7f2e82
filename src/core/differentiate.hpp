/// \file
/// A KKT point from elsewhere made ready for the derivatives (docs/math.md section 9): the Hessian
/// of the Lagrangian and the Jacobian of the active rows, factored as if a solve had ended there.
///
/// The Hessian need only be positive definite on the null space of the active rows. Where it is not
/// positive definite itself, H = P + gamma A_W'A_W is factored with gamma large enough: on the
/// active rows A_W w is prescribed, so that the solution (w, d) stays the same once gamma A_W'r_y
/// is added to the right-hand side (kkt.hpp does).
#pragma once

#include "core/forward_work.hpp"

namespace bpqp::core {

/// gamma in scaled units: tried from the first to the last, kAugmentFactor apart. (An array would
/// not exist in device code.)
constexpr double kAugmentFirst = 1, kAugmentLast = 1e6, kAugmentFactor = 1e2;

/// H = D P D + gamma (rows of the set)'(rows of the set), factored; Y and S as in condense().
template <class D, class R, Team T>
BPQP_STAGE bool condense_augmented(
    const T& team,
    const ProblemView<D>& p,
    double gamma,
    const Condensed<R>& c,
    const WorkingSet<R>& set) {
  const Pivots pivots = factor_augmented(team, p, c, set.side, 0.0, gamma);
  if (!pivots.positive || !(pivots.smallest > kSingularPivot * (1 + gamma))) return false;
  condense_rows(team, p, c);
  return true;
}

/// Factors c and the set's rows (set.side given; +-1 where active). Returns status solved, or why
/// there is no derivative: invalid_input; numerical_error where K is singular (the active rows
/// depend on one another, or P is semidefinite and no gamma makes H positive definite); non_convex
/// where P is not semidefinite and no gamma does.
template <class D, class R, Team T>
BPQP_STAGE ForwardReport attach_point(
    const T& team,
    const ProblemView<D>& p,
    int scaling_passes,
    Condensed<R>& c,
    WorkingSet<R>& set,
    const ForwardWork<R>& s) {
  ForwardReport report;
  set.least_norm = false;
  CondenseReport condensed = condense(team, p, scaling_passes, c, s.v, s.h);
  if (condensed.outcome == Condensing::not_finite) {
    report.status = Status::invalid_input;
    return report;
  }
  const bool semidefinite = condensed.outcome == Condensing::done;
  if (!semidefinite || condensed.singular) {
    condensed.singular = false;
    condensed.sigma = 0;
    condensed.outcome = Condensing::non_convex;
    for (double gamma = kAugmentFirst; gamma <= kAugmentLast; gamma *= kAugmentFactor) {
      if (!condense_augmented(team, p, gamma, c, set)) continue;
      condensed.gamma = gamma;
      condensed.outcome = Condensing::done;
      break;
    }
  }
  team.sync();
  if (team.rank() == 0) c.report = condensed;
  team.sync();
  if (condensed.outcome != Condensing::done) {
    report.status = semidefinite ? Status::numerical_error : Status::non_convex;
    return report;
  }
  double active = 0, kept = 0;
  schur_diagonal(team, c.Y, c.S, p.n, p.m, s.diagonal);
  for (int i : team.items(p.m)) {
    s.l[i] = s.u[i] = 0;
    if (set.side[i] != 0) active += 1;
  }
  active = team.sum(active);
  const Schur<R> schur{p.n, p.m, c.Y, c.S, s.diagonal, s.kkt.spare};
  rebuild(team, schur, set, s.l, s.u, s.kkt.a);
  kept = set.size;
  report.status = kept == active ? Status::solved : Status::numerical_error;
  report.verified = report.differentiable = kept == active;
  return report;
}

}  // namespace bpqp::core
