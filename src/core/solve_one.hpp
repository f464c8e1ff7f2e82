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
/// With cones Newton's method is tried from here, from kInteriorTarget if that did not do, and from
/// kInteriorLast if it did not converge.
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

BPQP_STAGE inline ForwardReport report_of(const BarrierReport& barrier, const ForwardOptions& o) {
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

/// The active sets alone.
template <class D, class R, Team T>
BPQP_STAGE void solve_by_sets(const ForwardTask<D, R, T>& t, Start from, ForwardReport& report) {
  Forward<D, R, T> sets(t);
  report = sets.run(from);
}

/// The interior point method, then active sets from its end.
template <class D, class R, Team T>
BPQP_STAGE void solve_from_inside(const ForwardTask<D, R, T>& t, ForwardReport& report) {
  const bool polish_early = t.options.polish && !t.c.report.singular;
  double target = polish_early ? kInteriorFirst : kInteriorTarget;
  const double last = polish_early ? kInteriorLast : kInteriorTarget;
  const BarrierOptions options = barrier_options(t.options, target);
  InteriorPoint<D, R, T> method(
      t.team, t.p, options, t.s.barrier, t.s.products, t.s.x_best, t.s.y_best, t.x, t.y,
      t.set.side);
  method.run();
  for (;;) {
    report = report_of(method.report(), t.options);
    if (report.certified || !t.options.polish) return;
    solve_by_sets(t, Start::interior, report);
    report.method = Method::interior_point;
    report.iterations = method.report().iterations;
    if (report.verified || target == last || t.options.out_of_time()) return;
    target = target == kInteriorFirst ? kInteriorTarget : kInteriorLast;
    method.resume(target);
  }
}

/// By the methods that the options leave, in turn.
template <class D, class R, Team T>
BPQP_STAGE void solve_task(const ForwardTask<D, R, T>& t, bool warm, ForwardReport& report) {
  const bool interior_first =
      t.options.method == Method::interior_point ||
      (t.options.method == Method::automatic && t.c.report.singular && !warm);
  if (!interior_first) {
    solve_by_sets(t, warm ? Start::warm : Start::cold, report);
    if (settled(report.status) || t.options.method == Method::admm || t.options.out_of_time())
      return;
  }
  solve_from_inside(t, report);
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
  solve_task(ForwardTask<D, R, T>{team, p, o, c, set, s, x, y}, warm, report);
  return report;
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

/// Newton's method from (x, y), the end of the method that `report` is of; the report is then that
/// of both. `trial` as in ConePolish.
template <class D, class R, Team T>
BPQP_STAGE void polish_cones(const ConeTask<D, R, T>& t, bool trial, ForwardReport& report) {
  const bool point = !report.certified && report.status != Status::numerical_error;
  if (!t.options.polish || !point) return;
  const Method method = report.method;
  const int iterations = report.iterations;
  ConePolish<D, R, T> polish(t);
  report = polish.run(trial);
  report.method = method;
  report.iterations = iterations;
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
/// does not exchange, on trial as soon as it may converge; from the method's end where that has not
/// led to a regular solution; and once more where it does not converge, since the set was wrong.
template <class D, class R, Team T>
BPQP_STAGE void solve_cones_from_inside(const ConeTask<D, R, T>& t, ForwardReport& report) {
  double target =
      t.options.polish && !has_inequalities(t.team, t.p) ? kInteriorCones : kInteriorTarget;
  const BarrierOptions options = barrier_options(t.options, target);
  InteriorPoint<D, R, T> method(
      t.team, t.p, options, t.s.barrier, t.s.products, t.s.x_best, t.s.y_best, t.x, t.y,
      t.set.side);
  method.run();
  for (;;) {
    report = report_of(method.report(), t.options);
    set_cone_rho(t.team, t.p, t.k, t.s.barrier.system.scaling.E, method.report().units);
    const bool trial = target == kInteriorCones && method.report().worst <= target;
    polish_cones(t, trial, report);
    const bool again = t.options.polish && target == kInteriorTarget &&
                       method.report().worst <= target &&
                       !(report.residuals.worst_relative() <= kConeConverged);
    if (report.differentiable || report.certified || !(trial || again) || t.options.out_of_time())
      return;
    target = trial ? kInteriorTarget : kInteriorLast;
    method.resume(target);
  }
}

/// ADMM, then Newton's method.
template <class D, class R, Team T>
BPQP_STAGE void solve_cones_by_admm(const ConeTask<D, R, T>& t, bool warm, ForwardReport& report) {
  if (t.qp.report.looked_at) {
    const CondenseReport full = condense(t.team, t.p, t.options.scaling, t.qp, t.s.v, t.s.h);
    t.team.sync();
    if (t.team.rank() == 0) t.qp.report = full;
    t.team.sync();
  }
  ForwardOptions plain = t.options;
  plain.polish = false;
  const ForwardTask<D, R, T> task{t.team, t.p, plain, t.c, t.set, t.s, t.x, t.y};
  solve_by_sets(task, warm ? Start::warm : Start::cold, report);
  set_cone_rho(t.team, t.p, t.k, t.c.scaling.E, double(t.s.admm.rho[t.p.m - 1]));
  polish_cones(t, false, report);
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
  const ConeTask<D, R, T> task{{team, p, o, c, set, s, x, y}, k, c};
  if (o.method == Method::admm)
    solve_cones_by_admm(task, warm, report);
  else
    solve_cones_from_inside(task, report);
  return report;
}

}  // namespace bpqp::core
