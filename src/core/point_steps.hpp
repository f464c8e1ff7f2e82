/// \file
/// The steps with a KKT point from elsewhere (differentiate.hpp), on one team: into its slot, and
/// its report.
#pragma once

#include "core/answer.hpp"
#include "core/point_source.hpp"
#include "core/steps.hpp"

namespace bpqp::core {

/// The point into the slot; false if x, or y on an active row, is not finite.
template <class D, Team T>
BPQP_STAGE bool load_point(
    const T& team, const PointSource<D>& point, int n, int m, const Slot& slot) {
  double broken = 0;
  for (int j : team.items(n)) {
    slot.x[j] = double(point.x[j]);
    if (!(magnitude(slot.x[j]) < INFINITY)) broken = 1;
  }
  for (int i : team.items(m)) {
    const double y = double(point.y[i]);
    const bool active = point.active ? point.active[i] != 0 : y != 0;
    slot.set.side[i] = (signed char)(!active ? 0 : y < 0 ? -1 : 1);
    slot.y[i] = active ? y : 0;
    if (!(magnitude(slot.y[i]) < INFINITY)) broken = 1;
  }
  return team.max(broken) == 0;
}

/// Factors the point in the slot, if load_point() found it `finite`.
template <class D, Team T>
BPQP_STAGE void attach_slot(
    const T& team,
    const ProblemView<D>& p,
    int scaling,
    bool finite,
    Slot& slot,
    const Work& work) {
  ForwardReport report;
  report.status = Status::invalid_input;
  WorkingSet<double> set = slot.set;
  if (finite) report = attach_point(team, p, scaling, slot.own, set, work.forward);
  keep(team, false, slot.smoothed);
  keep(team, report, slot.report);
  keep(team, set, slot.set);
  keep(team, slot.own, slot.used);
  keep(team, report.status == Status::solved, slot.has_gradient);
}

/// The KKT conditions' norms: gradient of f + A'y, and the distance of the active rows; NaN where
/// what they are made of was not given. scratch [n].
template <class D, class E, Team T>
BPQP_STAGE Report report_of_point(
    const T& team,
    const ProblemView<D>& p,
    const PointSource<E>& point,
    const Slot& slot,
    double* scratch) {
  constexpr double nan = NAN;
  Report r = report_of(team, slot, p.m);
  r.method = Method::automatic;
  const bool valid = slot.report.status != Status::invalid_input;
  double dual = valid && point.gradient ? 0 : nan;
  double primal = valid && (point.violation || p.m == 0) ? 0 : nan;
  if (dual == dual) {
    product(team, p.A, p.n, p.m, p.n, slot.y, scratch);
    for (int j : team.items(p.n))
      dual = nan_max(dual, magnitude(double(point.gradient[j]) + scratch[j]));
  }
  for (int i : team.items(primal == primal ? p.m : 0))
    if (slot.set.side[i] != 0) primal = nan_max(primal, magnitude(double(point.violation[i])));
  r.objective = r.gap = r.gap_relative = nan;
  r.primal_residual = r.primal_residual_relative = team.max(primal);
  r.dual_residual = r.dual_residual_relative = team.max(dual);
  return r;
}

}  // namespace bpqp::core
