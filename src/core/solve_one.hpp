/// \file
/// START HERE: the forward pass of one problem on one team (docs/math.md section 6).
///
///   check vectors - active sets (forward.hpp) - interior point (interior_point.hpp) - active sets
///
/// P and A are condensed already (condense.hpp), except where there are cones and P is diagonal.
/// Where P is positive definite the active-set method goes first and nearly always ends it. Linear
/// programs, singular P and what is left go through the interior point method, from whose end the
/// active-set method verifies, polishes and factors.
#pragma once

#include "core/cone_polish.hpp"
#include "core/forward.hpp"
#include "core/vectors.hpp"

namespace bpqp::core {

/// The interior point method ends at this relative residual: the right set is then nearly always
/// known, and the polish does the rest. Where P is positive definite few exchanges make it right
/// from the first, and the method goes on to the second only if the set could not be verified, and
/// to the last where many rows are nearly active (discretised constraints).
constexpr double kInteriorFirst = 1e-3, kInteriorTarget = 1e-9, kInteriorLast = 1e-12;
/// With cones Newton's method is tried from here, and from kInteriorTarget if that did not do.
constexpr double kInteriorCones = 1e-2;

/// What the vectors alone say: `solved` if nothing is wrong with them.
template <class D, Team T>
BPQP_STAGE Status check_vectors(const T& team, const ProblemView<D>& p) {
  const auto faults = find_faults(team, p);
  return faults.invalid   ? Status::invalid_input
         : faults.crossed ? Status::primal_infeasible
                          : Status::solved;
}

/// Nothing more to find out.
BPQP_HD inline bool settled(Status status) {
  return status != Status::solved_inaccurate && status != Status::iteration_limit &&
         status != Status::numerical_error;
}

BPQP_HD inline BarrierOptions barrier_options(const ForwardOptions& o, double target) {
  BarrierOptions options;
  options.target = target;
  options.eps_abs = o.eps_abs, options.eps_rel = o.eps_rel;
  options.max_iter = o.max_iter < options.max_iter ? o.max_iter : options.max_iter;
  options.expired = o.expired, options.clock = o.clock;
  return options;
}

BPQP_HD inline ForwardReport report_of(const BarrierReport& barrier, const ForwardOptions& o) {
  ForwardReport report;
  report.method = Method::interior_point;
  report.iterations = barrier.iterations;
  report.residuals = barrier.residuals;
  report.status = status_of(barrier.residuals, o.eps_abs, o.eps_rel);
  if (!(barrier.worst < INFINITY)) report.status = Status::numerical_error;
  if (barrier.outcome == BarrierOutcome::primal_infeasible)
    report.status = Status::primal_infeasible;
  if (barrier.outcome == BarrierOutcome::dual_infeasible) report.status = Status::dual_infeasible;
  report.certified = barrier.outcome == BarrierOutcome::primal_infeasible ||
                     barrier.outcome == BarrierOutcome::dual_infeasible;
  return report;
}

/// The interior point method, then active sets from its end.
template <class D, class R, Team T>
BPQP_STAGE ForwardReport solve_from_inside(
    const T& team,
    const ProblemView<D>& p,
    const ForwardOptions& o,
    const Condensed<R>& c,
    WorkingSet<R>& set,
    const ForwardWork<R>& s,
    R* x,
    R* y) {
  const bool polish_early = o.polish && !c.report.singular;
  double target = polish_early ? kInteriorFirst : kInteriorTarget;
  const double last = polish_early ? kInteriorLast : kInteriorTarget;
  const BarrierOptions options = barrier_options(o, target);
  InteriorPoint<D, R, T> method(
      team, p, options, s.barrier, s.products, s.x_best, s.y_best, x, y, set.side);
  ForwardReport interior = report_of(method.run(), o);
  for (;;) {
    if (interior.certified || !o.polish) return interior;
    Forward<D, R, T> finish(team, p, o, c, set, s, x, y);
    ForwardReport report = finish.run(Start::interior);
    report.method = Method::interior_point;
    report.iterations = interior.iterations;
    if (report.verified || target == last || o.out_of_time()) return report;
    target = target == kInteriorFirst ? kInteriorTarget : kInteriorLast;
    interior = report_of(method.resume(target), o);
  }
}

/// x, y: in: the start if `warm`, out: the solution, the last point or the certificate, as the
/// status says. The working set is left factored for the derivatives.
template <class D, class R, Team T>
BPQP_STAGE ForwardReport solve_one(
    const T& team,
    const ProblemView<D>& p,
    const ForwardOptions& o,
    const Condensed<R>& c,
    WorkingSet<R>& set,
    const ForwardWork<R>& s,
    bool warm,
    R* x,
    R* y) {
  ForwardReport report;
  report.status = check_vectors(team, p);
  if (report.status != Status::solved) return report;
  const bool interior_first = o.method == Method::interior_point ||
                              (o.method == Method::automatic && c.report.singular && !warm);
  if (!interior_first) {
    Forward<D, R, T> active_sets(team, p, o, c, set, s, x, y);
    report = active_sets.run(warm ? Start::warm : Start::cold);
    if (settled(report.status) || o.method == Method::admm || o.out_of_time()) return report;
  }
  return solve_from_inside(team, p, o, c, set, s, x, y);
}

/// k.rho in the user's units, from the row scales and the ratio of the scaled units.
template <class D, class R, Team T>
BPQP_STAGE void set_cone_rho(
    const T& team, const ProblemView<D>& p, const ConeKkt<R>& k, const R* E, double units) {
  for (int c : team.items(p.cones.count)) {
    const int first = p.cones.first(c);
    k.rho[first] = R(double(E[first]) * double(E[first]) * units);
  }
  team.sync();
}

/// Newton's method from (x, y), the end of the method that `report` is of; `trial` as in
/// ConePolish.
template <class D, class R, Team T>
BPQP_STAGE ForwardReport polish_cones(
    const T& team,
    const ProblemView<D>& p,
    const ForwardOptions& o,
    const ConeKkt<R>& k,
    Condensed<R>& c,
    WorkingSet<R>& set,
    const ForwardWork<R>& s,
    const ForwardReport& report,
    bool trial,
    R* x,
    R* y) {
  const bool point = !report.certified && report.status != Status::numerical_error;
  if (!o.polish || !point) return report;
  ConePolish<D, R, T> polish(team, p, o, k, c, set, s, x, y);
  ForwardReport polished = polish.run(trial);
  polished.method = report.method;
  polished.iterations = report.iterations;
  return polished;
}

/// Whether a linear row is an inequality.
template <class D, Team T>
BPQP_STAGE bool has_inequalities(const T& team, const ProblemView<D>& p) {
  double some = 0;
  for (int i : team.items(p.linear_rows()))
    if (p.l[i] != p.u[i]) some = 1;
  return team.max(some) > 0;
}

/// The interior point method, then Newton's: where there are no linear inequalities, whose set it
/// does not exchange, on trial as soon as it may converge; and from the method's end where that has
/// not led to a regular solution.
template <class D, class R, Team T>
BPQP_STAGE ForwardReport solve_cones_from_inside(
    const T& team,
    const ProblemView<D>& p,
    const ForwardOptions& o,
    const ConeKkt<R>& k,
    Condensed<R>& c,
    WorkingSet<R>& set,
    const ForwardWork<R>& s,
    R* x,
    R* y) {
  double target = o.polish && !has_inequalities(team, p) ? kInteriorCones : kInteriorTarget;
  const BarrierOptions options = barrier_options(o, target);
  InteriorPoint<D, R, T> method(
      team, p, options, s.barrier, s.products, s.x_best, s.y_best, x, y, set.side);
  BarrierReport barrier = method.run();
  for (;;) {
    const ForwardReport interior = report_of(barrier, o);
    set_cone_rho(team, p, k, s.barrier.system.scaling.E, barrier.units);
    const bool trial = target != kInteriorTarget && barrier.worst <= target;
    const ForwardReport report = polish_cones(team, p, o, k, c, set, s, interior, trial, x, y);
    if (!trial || report.differentiable || interior.certified || o.out_of_time()) return report;
    target = kInteriorTarget;
    barrier = method.resume(target);
  }
}

/// The same for a problem with cones: interior point method or ADMM, then Newton's method. `c` ends
/// as the factors of the QP that the derivatives solve (cone_kkt.hpp), k as its data.
template <class D, class R, Team T>
BPQP_STAGE ForwardReport solve_one_with_cones(
    const T& team,
    const ProblemView<D>& p,
    const ForwardOptions& o,
    const ConeKkt<R>& k,
    Condensed<R>& c,
    WorkingSet<R>& set,
    const ForwardWork<R>& s,
    bool warm,
    R* x,
    R* y) {
  ForwardReport report;
  report.status = check_vectors(team, p);
  if (report.status != Status::solved) return report;
  if (o.method != Method::admm) return solve_cones_from_inside(team, p, o, k, c, set, s, x, y);
  ForwardOptions plain = o;
  plain.polish = false;
  if (c.report.looked_at) {
    const CondenseReport full = condense(team, p, o.scaling, c, s.v, s.h);
    team.sync();
    if (team.rank() == 0) c.report = full;
    team.sync();
  }
  Forward<D, R, T> admm(team, p, plain, c, set, s, x, y);
  report = admm.run(warm ? Start::warm : Start::cold);
  set_cone_rho(team, p, k, c.scaling.E, double(s.admm.rho[p.m - 1]));
  return polish_cones(team, p, o, k, c, set, s, report, false, x, y);
}

}  // namespace bpqp::core
