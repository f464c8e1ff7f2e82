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
  vectors  ///< only q, l, u (their strides may change too): scaling and factors of P and A are
           ///< kept. Batch size, P and A (which are passed all the same), and whether the batch
           ///< shares P and A, must be those of the last solve; calls of differentiate in between
           ///< do not count. Needs Settings::gradients.
};

/// Solves batches and differentiates their solutions (BPQP, NeurIPS 2024: forward by any method,
/// backward one equality-constrained QP per problem on the verified active rows).
///
/// R is float or double, the type of the data. Owns all memory it needs, from Settings::allocator:
/// nothing is allocated after construction (but copies of host arrays on a GPU). One Solver serves
/// one thread of the caller at a time; several Solvers may be used at once. Results do not depend
/// on the number of threads, the batch size or the neighbours.
template <class R>
class BPQP_API Solver {
 public:
  /// Throws InvalidArgument for a shape, capacity or setting out of range, DeviceError if the
  /// device asked for is not there or its memory is not given.
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

  /// The start of the next solve, per problem: x [n] and y [m], copied. Either may be null (zero).
  /// `batch` problems get a start, the others start cold; a start with a NaN or infinite entry is
  /// ignored. The next solve uses the starts up, whatever its batch, and the next call of
  /// warm_start replaces all of them. The active sets and ADMM use it; Method::interior_point, and
  /// what goes to the interior point method, start cold. Derivatives of the last solve are not
  /// touched. Needs Settings::gradients (without, the Solver keeps nothing per problem).
  void warm_start(int batch, const VectorBatch<R>& x, const VectorBatch<R>& y);

  /// Gradient of a loss with respect to the data of the last solve (or differentiate), given its
  /// gradient with respect to x and y. With K = [P A_W'; A_W 0] on the active rows W,
  /// K [w; d] = [g_x; g_y]:  dq = -w, db = d, dP = -(w x' + x w')/2, dA = -(d x' + y w')
  /// (docs/math.md section 8). Problems without a solution get zeros, and add nothing to sums.
  /// With Settings::kappa this and the next two are derivatives of the barrier-relaxed point
  /// (section 12); the loss's gradient is still taken at the solution that solve wrote.
  void backward(const SolutionGradient<R>& gradient, const ProblemGradient<R>& out);

  /// (w, d) of the system above for k right-hand sides per problem: g_x and w are [batch, k, n],
  /// g_y and d [batch, k, m]; g_x or g_y may be null (zero), w or d null (not wanted).
  void adjoint_solve(int k, const R* g_x, const R* g_y, R* w, R* d);

  /// The solution's directional derivative: K [dx; dy] = [-dP x - dq - dA'y; db - dA x].
  void jvp(const ProblemTangent<R>& tangent, const SolutionTangent<R>& out);

  /// Takes KKT points from elsewhere in place of a solve; backward, adjoint_solve and jvp then
  /// refer to them, without Settings::kappa. `report` ([batch], may be null) gets
  ///   status          solved; numerical_error where K is singular (dependent active rows, or a
  ///                   semidefinite P that is singular on the directions they leave); non_convex
  ///                   where P has a negative eigenvalue and is not positive definite on those
  ///                   directions; invalid_input for NaN and infinities. Only solved has gradients.
  ///   differentiable  K is regular
  ///   residuals       norms of the KKT conditions, with which the gradient's error shrinks (the
  ///                   relative ones are the same numbers); NaN where KktPoint::gradient or
  ///                   ::violation is not given, and always the objective and the gap
  void differentiate(const KktPoint<R>& point, Report* report);

  /// The reports of the last solve, with backward_residual filled in by the derivative calls.
  const Report* reports() const;

  /// Bytes that the Solver allocated at construction (docs/memory.md has the formula).
  std::size_t bytes() const;

  /// The same of a Solver that is not made, by its layout: nothing large is allocated. Throws as
  /// the constructor does; with Device::cuda it depends on the device that is current. Of a Solver
  /// on the CPU, some hundred bytes per problem are on the heap, the rest is asked for in one
  /// block; on a GPU all of it.
  static std::size_t bytes_needed(const Shape& shape, int capacity, const Settings& settings = {});

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
