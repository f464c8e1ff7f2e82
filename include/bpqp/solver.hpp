/// \file
/// The solver: made for a shape, a capacity and settings; then any number of batches up to that
/// capacity, and derivatives of the last one.
#pragma once

#include <cstddef>
#include <memory>

#include "bpqp/export.hpp"
#include "bpqp/problem.hpp"
#include "bpqp/settings.hpp"
#include "bpqp/solution.hpp"

namespace bpqp {

/// What differs from the last call of solve.
enum class Changed : int {
  everything = 0,
  vectors  ///< only q, l, u: scaling and factors of P and A are kept. The batch size must be that
           ///< of the last solve.
};

/// Solves batches and differentiates their solutions (BPQP, NeurIPS 2024: forward by any method,
/// backward one equality-constrained QP per problem on the verified active rows).
///
/// R is float or double, the type of the data. Owns all memory it needs: nothing is allocated after
/// construction. One Solver serves one thread of the caller at a time; several Solvers may be used
/// at once. Results do not depend on the number of threads, the batch size or the neighbours.
template <class R>
class BPQP_API Solver {
 public:
  /// Throws InvalidArgument for a shape, capacity or setting out of range, DeviceError if the
  /// device asked for is not there.
  Solver(const Shape& shape, int capacity, const Settings& settings = {});
  ~Solver();
  Solver(Solver&&) noexcept;
  Solver& operator=(Solver&&) noexcept;

  /// Solves problem.batch <= capacity problems. Throws InvalidArgument, before any work, for
  /// wrong sizes, strides or null pointers; every other trouble is a status of its problem.
  void solve(
      const Problem<R>& problem,
      const Solution<R>& solution,
      Changed changed = Changed::everything);

  /// The start of the next solve, per problem: x [n] and y [m], copied. Either may be null.
  /// `batch` problems get a start, the others start cold. A start with a NaN is ignored.
  void warm_start(int batch, const VectorBatch<R>& x, const VectorBatch<R>& y);

  /// Gradient of a loss with respect to the data of the last solve (or differentiate), given its
  /// gradient with respect to x and y. With K = [P A_A'; A_A 0] on the active rows and
  /// K [w; d] = [g_x; g_y]:  dq = -w, db = d, dP = -(w x' + x w')/2, dA = -(d x' + y w')
  /// (docs/math.md section 8). Problems without a solution get zeros.
  void backward(const SolutionGradient<R>& gradient, const ProblemGradient<R>& out);

  /// (w, d) of the system above for k right-hand sides per problem: g_x and w are [batch, k, n],
  /// g_y and d [batch, k, m]; g_x or g_y may be null (zero), w or d null (not wanted).
  void adjoint_solve(int k, const R* g_x, const R* g_y, R* w, R* d);

  /// The solution's directional derivative: K [dx; dy] = [-dP x - dq - dA'y; db - dA x].
  void jvp(const ProblemTangent<R>& tangent, const SolutionTangent<R>& out);

  /// Takes KKT points from elsewhere in place of a solve; backward, adjoint_solve and jvp then
  /// refer to them. `report` ([batch], may be null) gets status (solved, or numerical_error where
  /// K is singular), `differentiable`, and the norms of the KKT conditions as residuals: the
  /// gradient's error shrinks with them.
  void differentiate(const KktPoint<R>& point, Report* report);

  /// The reports of the last solve, with backward_residual filled in by the derivative calls.
  const Report* reports() const;

  /// Bytes that the Solver allocated at construction (docs/memory.md has the formula).
  std::size_t bytes() const;

  const Shape& shape() const;
  int capacity() const;
  const Settings& settings() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class Solver<float>;
extern template class Solver<double>;

}  // namespace bpqp
