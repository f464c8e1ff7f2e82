/// \file
/// What `solve` and the derivative calls write: views of the caller's memory.
///
/// | status                                 | x, y                             | gradient     |
/// |----------------------------------------|----------------------------------|--------------|
/// | solved                                 | the solution                     | yes (*)      |
/// | solved_inaccurate                      | the last point                   | yes, flagged |
/// | iteration_limit, numerical_error       | the last point                   | 0            |
/// | primal_infeasible                      | x NaN, y the certificate         | 0            |
/// | dual_infeasible                        | x the certificate, y NaN         | 0            |
/// | non_convex, invalid_input              | NaN                              | 0            |
///
/// (*) With Settings::kappa 0 where no barrier-relaxed point exists. Where Report::differentiable
/// is false the gradient is one element of a generalised derivative, on the active set that was
/// found; of least norm where the solution is not unique (docs/math.md section 8).
///
/// Certificates, in the user's units. primal_infeasible: y with A'y = 0 (1e-8, infinity norm) and
/// sum_i u_i max(y_i, 0) + l_i min(y_i, 0) = -1; where some l_i > u_i there is no such y, the rows
/// contradict themselves, and y is NaN. dual_infeasible: d with P d = 0, (A d)_i <= 0 where u_i is
/// finite, >= 0 where l_i is (1e-8), q'd = -1. With Settings::last_point the last point replaces
/// the NaN of non_convex and of the infeasible statuses (certificates stay, invalid_input stays
/// NaN).
///
/// A problem that never started (time_limit was over before, or P could not be factored) has no
/// last point: x and y are its start if it had one (Solver::warm_start), else 0 with
/// Settings::last_point, else NaN; objective and residuals are NaN.
#pragma once

#include <cstdint>

#include "bpqp/problem.hpp"
#include "bpqp/settings.hpp"
#include "bpqp/status.hpp"

namespace bpqp {

/// One problem's account. Residuals are recomputed in fp64 from the user's data, in the user's
/// units, infinity norm (docs/math.md section 2); the relative ones are divided by max(1, scale).
/// NaN where there is no point to compute them at: the infeasible statuses, non_convex,
/// invalid_input, and problems that never started.
struct Report {
  Status status = Status::invalid_input;
  Method method = Method::automatic;  ///< the one that finished; automatic: none was needed (no
                                      ///< rows) or reached (bad data, not convex, out of time)
  int iterations = 0;                 ///< of `method`
  int exchanges = 0;                  ///< rows exchanged after the first guess of the active set
  int active = 0;                     ///< active rows
  bool differentiable = false;        ///< strictly complementary and independent active rows, and a
                                      ///< regular K (docs/math.md M37); with Settings::kappa: the
                                      ///< barrier-relaxed point was found, else all gradients are 0
  bool verified = false;              ///< the KKT conditions hold on the reported active set
  double objective = 0;               ///< 1/2 x'Px + q'x at the point given; NaN without one
  double primal_residual = 0, dual_residual = 0, gap = 0;
  double primal_residual_relative = 0, dual_residual_relative = 0, gap_relative = 0;
  double backward_residual = 0;  ///< relative residual of the last derivative system solved;
                                 ///< infinite: it could not be (a NaN in the loss's gradient);
                                 ///< 1e-3 or more where not differentiable: gradients are 0
  double seconds = 0;            ///< wall time of this problem in solve
};

/// Outputs of solve; every pointer may be null (not wanted). Problem b at + b * size.
template <class R>
struct Solution {
  R* x = nullptr;                 ///< [batch, n]
  R* y = nullptr;                 ///< [batch, m]
  std::int8_t* active = nullptr;  ///< [batch, m]: 1 upper side active, -1 lower side, 0 inactive;
                                  ///< equalities are +-1 by the sign of y (1 if y = 0)
  Report* report = nullptr;       ///< [batch]
};

/// The loss's gradient with respect to the solution; null means zero. Problem b at + b * stride.
/// A NaN or infinite entry makes its problem's gradient zero, with an infinite backward_residual:
/// it could not be kept out of sums over the batch otherwise.
template <class R>
struct SolutionGradient {
  VectorBatch<R> x = {};  ///< [n]
  VectorBatch<R> y = {};  ///< [m]
};

/// One output of backward. stride 0 with batch > 1: summed over the batch in a fixed order.
template <class R>
struct GradientOut {
  R* data = nullptr;  ///< null: not computed
  std::int64_t stride = 0;
};

/// The loss's gradient with respect to the data, dense, in the shapes of Problem. dP is symmetric.
/// For a row with l = u, dl + du is the gradient of moving both; it is written to the side of the
/// multiplier's sign, the other gets 0.
template <class R>
struct ProblemGradient {
  GradientOut<R> P = {};  ///< [n x n]
  GradientOut<R> q = {};  ///< [n]
  GradientOut<R> A = {};  ///< [m x n]
  GradientOut<R> l = {};  ///< [m]
  GradientOut<R> u = {};  ///< [m]
};

/// A direction in the data, for jvp; null means zero. dP need not be symmetric, (dP + dP')/2 acts.
template <class R>
struct ProblemTangent {
  MatrixBatch<R> P = {};
  VectorBatch<R> q = {};
  MatrixBatch<R> A = {};
  VectorBatch<R> l = {};
  VectorBatch<R> u = {};
};

/// The solution's change along a ProblemTangent. Problem b at + b * size.
template <class R>
struct SolutionTangent {
  R* x = nullptr;  ///< [batch, n]
  R* y = nullptr;  ///< [batch, m]
};

/// A KKT point found elsewhere, by any solver, of a problem that need not be a QP, nor convex:
///   minimise f(x)  subject to  l <= c(x) <= u.
///
/// x is required, and with m > 0 also A and y; the rest may be null. A NaN or infinite entry in x,
/// or in y on an active row, is the invalid_input of its problem.
template <class R>
struct KktPoint {
  int batch = 0;
  MatrixBatch<R> P;  ///< [n x n] Hessian of the Lagrangian at (x, y), positive definite on the
                     ///< directions that leave the active rows unchanged; null: zero
  MatrixBatch<R> A;  ///< [m x n] Jacobian of the rows c at x
  VectorBatch<R> x;  ///< [n]
  VectorBatch<R> y;  ///< [m] multipliers; those of rows that are not active count as 0
  /// [batch, m] nonzero: active; null: active where y != 0. A row marked active with y = 0 is taken
  /// for an equality, whose multiplier may be 0: whether the rows are strictly complementary is the
  /// caller's to know, and not part of Report::differentiable here.
  const std::int8_t* active = nullptr;
  VectorBatch<R> gradient;   ///< [n] gradient of f at x, for the reported KKT norm; null: skipped
  VectorBatch<R> violation;  ///< [m] distance of c(x) from its active side; null: skipped
};

}  // namespace bpqp
