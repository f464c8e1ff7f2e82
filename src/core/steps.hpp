/// \file
/// The steps that a solver takes with one problem on one team, from its data and its slot:
///
///   condense_slot - load_start - solve_slot - finish_slot [- relax_slot]
///   [tangent_rhs_of -] adjoint_slot, or factor_relaxed - solve_relaxed - write_gradients
///
/// A slot is one for the whole team; what changes in it is written by one lane.
#pragma once

#include "core/differentiate.hpp"
#include "core/gradient.hpp"
#include "core/slot.hpp"
#include "core/solve_one.hpp"

namespace bpqp::core {

/// What every lane has alike into the slot.
template <Team T, class V>
BPQP_HD void keep(const T& team, const V& value, V& place) {
  team.sync();
  if (team.rank() == 0) place = value;
  team.sync();
}

/// The problem with what is known of its structure.
template <class D>
BPQP_HD ProblemView<D> structured(ProblemView<D> p, const Slot& slot) {
  p.known = slot.known;
  return p;
}

BPQP_HD inline Status status_of(Condensing outcome) {
  switch (outcome) {
    case Condensing::done:
      return Status::solved;
    case Condensing::not_finite:
      return Status::invalid_input;
    case Condensing::non_convex:
      return Status::non_convex;
    case Condensing::failed:
      break;
  }
  return Status::numerical_error;
}

/// Factors P and A into slot.own, whose report says how that ended.
template <class D, Team T>
BPQP_STAGE void condense_slot(
    const T& team, const ProblemView<D>& p, int scaling, Slot& slot, const Work& work) {
  const auto& s = work.forward;
  if (p.cones.count > 0) keep(team, find_structure(team, p, slot.structure), slot.known);
  const bool look = slot.known.diagonal && p.cones.count > 0;  // the factors are the solution's
  const ProblemView<D> known = structured(p, slot);
  keep(
      team,
      look ? look_at_diagonal(team, known, scaling, slot.own, s.v, s.h)
           : condense(team, known, scaling, slot.own, s.v, s.h),
      slot.own.report);
}

/// The start [n + m] of a solve into the slot; null: what stands there where a problem ends without
/// a point, 0 or NaN.
template <Team T>
BPQP_STAGE void load_start(
    const T& team, Slot& slot, int n, int m, const double* start, bool last_point) {
  const double none = last_point ? 0 : double(NAN);
  for (int j : team.items(n)) slot.x[j] = start ? start[j] : none;
  for (int i : team.items(m)) {
    slot.y[i] = start ? start[n + i] : none;
    slot.set.side[i] = 0;
  }
  keep(team, start != nullptr, slot.warm);
}

/// What follows the solve of a problem: whether it has derivatives.
template <Team T>
BPQP_HD void finish_slot(const T& team, Slot& slot, bool derivatives) {
  const bool answered =
      slot.report.status == Status::solved || slot.report.status == Status::solved_inaccurate;
  keep(team, false, slot.warm);
  keep(team, derivatives && answered, slot.has_gradient);
}

/// The report of a problem that could not start.
BPQP_HD inline ForwardReport never_started(Status status) {
  constexpr double nan = NAN;
  ForwardReport report;
  report.status = status;
  report.residuals = {nan, nan, nan, nan, nan, nan, nan};
  return report;
}

/// Solves a problem without cones with the factors in slot.used, from slot.x and y if slot.warm.
template <class D, Team T>
BPQP_STAGE void solve_slot_rows(
    const T& team,
    const ProblemView<D>& p,
    const ForwardOptions& options,
    Slot& slot,
    const Work& work) {
  WorkingSet<double> set = slot.set;
  const ForwardReport report =
      solve_one(team, p, options, slot.used, set, work.forward, slot.warm, slot.x, slot.y);
  keep(team, report, slot.report);
  keep(team, set, slot.set);
}

/// The same of a problem with cones, whose factors in slot.own end as its point's, and slot.used as
/// these.
template <class D, Team T>
BPQP_STAGE void solve_slot_cones(
    const T& team,
    const ProblemView<D>& p,
    const ForwardOptions& options,
    Slot& slot,
    const Work& work) {
  WorkingSet<double> set = slot.set;
  const ForwardReport report = solve_one_with_cones(
      team, structured(p, slot), options, slot.cones, slot.own, set, work.forward, slot.warm,
      slot.x, slot.y);
  keep(team, slot.own, slot.used);
  keep(team, report, slot.report);
  keep(team, set, slot.set);
}

template <class D, Team T>
BPQP_HD void solve_slot(
    const T& team,
    const ProblemView<D>& p,
    const ForwardOptions& options,
    Slot& slot,
    const Work& work) {
  if (p.cones.count > 0)
    solve_slot_cones(team, p, options, slot, work);
  else
    solve_slot_rows(team, p, options, slot, work);
}

/// Finds the barrier-relaxed point of a solved problem (slot.smoothed), which has a gradient if it
/// has one.
template <class D, Team T>
BPQP_STAGE void relax_slot(
    const T& team, const ProblemView<D>& p, double kappa, Slot& slot, const Work& work) {
  Relaxed<D, double, T> relaxed(team, p, work.forward.barrier, slot.relaxed);
  bool regular = false;
  const bool found = relaxed.find(kappa, regular);
  keep(team, found, slot.smoothed);
  keep(team, found && regular && slot.report.status == Status::solved, slot.report.differentiable);
  keep(team, found, slot.has_gradient);
}

/// Factors the system at the relaxed point, for solve_relaxed() as long as the scratch is not used
/// otherwise; false if that failed. `form`: the caller's, the same on every lane.
template <class D, Team T>
BPQP_STAGE bool factor_relaxed(
    const T& team, const ProblemView<D>& p, const Slot& slot, const Work& work, BarrierForm& form) {
  Relaxed<D, double, T> relaxed(team, p, work.forward.barrier, slot.relaxed);
  return relaxed.factor(form);
}

/// (slot.w, slot.d) for the right-hand side in work.g_x, work.g_y, at the relaxed point.
template <class D, Team T>
BPQP_STAGE void solve_relaxed(
    const T& team, const ProblemView<D>& p, const BarrierForm& form, Slot& slot, const Work& work) {
  Relaxed<D, double, T> relaxed(team, p, work.forward.barrier, slot.relaxed);
  const double residual = relaxed.solve(form, work.g_x, work.g_y, slot.w, slot.d);
  keep(team, residual, slot.backward_residual);
}

/// (slot.w, slot.d) for the right-hand side in work.g_x, work.g_y, of a solution that is not
/// relaxed. kByAdmm: as BackwardMethod::admm; else directly.
template <bool kByAdmm, class D, Team T>
BPQP_STAGE void adjoint_slot(
    const T& team, const ProblemView<D>& plain, Slot& slot, const Work& work) {
  const auto& s = work.forward;
  const ProblemView<D> p = structured(plain, slot);
  const WorkingSet<double> set = slot.set;
  const auto solve = [&](const auto& qp) {
    return solve_active_kkt<kByAdmm>(
        team, qp, slot.used, set, s, work.g_x, work.g_y, slot.w, slot.d);
  };
  KktReport report;
  if (p.cones.count == 0) {
    report = solve(p);
  } else {
    double* kept = s.y_best;
    to_cone_qp(team, p, slot.cones, work.g_x, work.g_y, kept, s.v, s.t);
    report = solve(slot.cones.view(p));
    from_cone_qp(team, p, slot.cones, slot.w, kept, slot.d, s.v);
  }
  keep(team, report.residual, slot.backward_residual);
}

/// Right-hand side of the forward derivative into work.g_x, work.g_y.
template <class D, Team T>
BPQP_STAGE void tangent_rhs_of(
    const T& team, int n, int m, const TangentSource<D>& t, const Slot& slot, const Work& work) {
  tangent_rhs(
      team, n, m, [&slot](int i) { return slot.upper(i); }, slot.at_x(), slot.at_y(), t.P, t.q, t.A,
      t.l, t.u, work.g_x, work.g_y, work.forward.t);
}

/// The gradients of one problem from (slot.w, slot.d); zeros if it has none.
template <class D, Team T>
BPQP_STAGE void write_gradients(
    const T& team, int n, int m, const Slot& s, const GradientTargets<D>& out) {
  const bool some = s.has_gradient;
  const auto row = [n](D* matrix, int i) { return matrix + std::size_t(n) * i; };
  for (int i : team_rows(team, out.P ? n : 0)) {
    if (some)
      gradient_P_row(team, s.w, s.at_x(), n, i, false, row(out.P, i));
    else
      zero_row(team, n, row(out.P, i));
  }
  for (int i : team_rows(team, out.A ? m : 0)) {
    if (some)
      gradient_A_row(team, s.w, s.d, s.at_x(), s.at_y(), n, i, false, row(out.A, i));
    else
      zero_row(team, n, row(out.A, i));
  }
  for (int j : team.items(out.q ? n : 0)) out.q[j] = some ? D(-s.w[j]) : D(0);
  for (int i : team.items(m)) {
    if (out.l) out.l[i] = some ? D(s.dl(i)) : D(0);
    if (out.u) out.u[i] = some ? D(s.du(i)) : D(0);
  }
}

}  // namespace bpqp::core
