/// \file
/// What a problem tells once it is solved (include/bpqp/solution.hpp): its report, and x, y and the
/// active rows as its status lets them be seen. User's units.
#pragma once

#include "bpqp/solution.hpp"
#include "core/slot.hpp"

namespace bpqp::core {

/// Whether a problem with this status has a point, whose residuals mean something.
BPQP_HD inline bool has_point(Status status) {
  return status <= Status::numerical_error;
}

template <Team T>
BPQP_HD Report report_of(const T& team, const Slot& s, int m) {
  const ForwardReport& f = s.report;
  const Residuals& r = f.residuals;
  double active = 0;
  for (int i : team.items(has_point(f.status) ? m : 0)) active += s.set.side[i] != 0;
  active = team.sum(active);
  Report out;
  out.status = f.status;
  // ADMM has nothing to do without rows.
  out.method = m > 0 || f.method != Method::admm ? f.method : Method::automatic;
  out.iterations = f.iterations;
  out.exchanges = f.exchanges;
  out.active = int(active);
  out.differentiable = f.differentiable;
  out.verified = f.verified;
  out.seconds = s.seconds;
  const auto shown = [&](double v) { return has_point(f.status) ? v : double(NAN); };
  out.objective = shown(r.objective);
  out.primal_residual = shown(r.primal);
  out.dual_residual = shown(r.dual);
  out.gap = shown(r.gap);
  out.primal_residual_relative = shown(r.relative(r.primal, r.primal_scale));
  out.dual_residual_relative = shown(r.relative(r.dual, r.dual_scale));
  out.gap_relative = shown(r.relative(r.gap, r.gap_scale));
  return out;
}

/// Where the answer of one problem goes; null: not wanted.
template <class D>
struct AnswerTargets {
  D *x = nullptr, *y = nullptr;   ///< [n], [m]
  std::int8_t* active = nullptr;  ///< [m]
};

/// `last_point`: as Settings::last_point.
template <class D, Team T>
BPQP_STAGE void write_answer(
    const T& team, const Slot& s, int n, int m, bool last_point, const AnswerTargets<D>& out) {
  const Status status = s.report.status;
  const bool last = has_point(status) || (last_point && status != Status::invalid_input);
  const bool keep_x = last || (status == Status::dual_infeasible && s.report.certified);
  const bool keep_y = last || (status == Status::primal_infeasible && s.report.certified);
  for (int j : team.items(out.x ? n : 0)) out.x[j] = keep_x ? D(s.x[j]) : D(NAN);
  for (int i : team.items(out.y ? m : 0)) out.y[i] = keep_y ? D(s.y[i]) : D(NAN);
  for (int i : team.items(out.active ? m : 0))
    out.active[i] = has_point(status) ? s.set.side[i] : std::int8_t(0);
}

/// Where the solution is not differentiable the system may have no solution; what leaves more than
/// this of the right-hand side is none.
constexpr double kUnsolved = 1e-3;

/// Zeros in place of an adjoint that the problem does not have.
template <Team T>
BPQP_STAGE void settle_adjoint(const T& team, const Slot& s, int n, int m) {
  const double most = s.report.differentiable ? double(INFINITY) : kUnsolved;
  if (s.has_gradient && s.backward_residual < most) return;
  for (int j : team.items(n)) s.w[j] = 0;
  for (int i : team.items(m)) s.d[i] = 0;
  team.sync();
}

}  // namespace bpqp::core
