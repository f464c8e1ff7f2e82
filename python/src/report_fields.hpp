// bpqp::Report's fields by name, in the one order that all of Python's views of it have.
#pragma once

#include "bpqp/solution.hpp"
#include "core/team.hpp"

namespace bpqp::python {

/// add(name, field) for every field.
template <class Add>
BPQP_HD void each_field(const Report& report, const Add& add) {
  add("status", report.status);
  add("method", report.method);
  add("iterations", report.iterations);
  add("exchanges", report.exchanges);
  add("active", report.active);
  add("differentiable", report.differentiable);
  add("verified", report.verified);
  add("objective", report.objective);
  add("primal_residual", report.primal_residual);
  add("dual_residual", report.dual_residual);
  add("gap", report.gap);
  add("primal_residual_relative", report.primal_residual_relative);
  add("dual_residual_relative", report.dual_residual_relative);
  add("gap_relative", report.gap_relative);
  add("backward_residual", report.backward_residual);
  add("seconds", report.seconds);
}

}  // namespace bpqp::python
