/// \file
/// Batches of problems of different shapes.
///
/// The arrays of all problems are concatenated, in an order of the solver's choice in which those
/// of one shape are neighbours: ragged_places() says where each problem has its own. So every group
/// of one shape is a batch that is solved where it lies, on a GPU too: nothing is gathered, copied
/// or padded. (A padded problem would be a larger one, with other bits.)
///
///   const std::vector<Shape> shapes = ...;  // of problems 0, 1, ... in the caller's order
///   RaggedSolver<double> solver(shapes);
///   const RaggedPlace& end = solver.end();
///   std::vector<double> P(end.P), q(end.x), A(end.A), l(end.y), u(end.y), x(end.x), dq(end.x);
///   for (int i = 0; i < solver.size(); ++i)
///     fill(i, &P[solver.place(i).P], &q[solver.place(i).x], ...);
///   solver.solve({P.data(), q.data(), A.data(), l.data(), u.data()}, {.x = x.data()});
///   solver.backward({.x = dx.data()}, {.q = dq.data()});
///
/// On a GPU the groups run one after the other in one stream, two kernels each or more, so that
/// many shapes of few problems each leave it idle; on the CPU all threads serve all groups.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bpqp/export.hpp"
#include "bpqp/problem.hpp"
#include "bpqp/settings.hpp"
#include "bpqp/solution.hpp"
#include "bpqp/solver.hpp"

namespace bpqp {

/// Where a problem's arrays begin in the concatenated ones, in elements.
struct RaggedPlace {
  int index = 0;       ///< its number in their order; also of its Report
  std::int64_t P = 0;  ///< [n x n]
  std::int64_t A = 0;  ///< [m x n]
  std::int64_t x = 0;  ///< [n]: of q, x and their gradients
  std::int64_t y = 0;  ///< [m]: of l, u, y, active and their gradients
};

/// The places of problems of these shapes, and behind them the arrays' sizes. Shapes that are
/// grouped already keep their order. Throws InvalidArgument for a shape out of range.
BPQP_API std::vector<RaggedPlace> ragged_places(const std::vector<Shape>& shapes);

/// Data, or for jvp a direction in them; concatenated. P null: linear programs; A, l and u may be
/// null if no problem has rows. In a direction null means zero.
template <class R>
struct RaggedProblem {
  const R* P = nullptr;
  const R* q = nullptr;
  const R* A = nullptr;
  const R* l = nullptr;
  const R* u = nullptr;
};

/// The loss's gradient with respect to the solutions; null means zero.
template <class R>
struct RaggedSolutionGradient {
  const R* x = nullptr;
  const R* y = nullptr;
};

/// The loss's gradient with respect to the data; null: not computed.
template <class R>
struct RaggedProblemGradient {
  R* P = nullptr;
  R* q = nullptr;
  R* A = nullptr;
  R* l = nullptr;
  R* u = nullptr;
};

/// Solver for such a batch. What is said of Solver holds, problem by problem: statuses,
/// derivatives, no allocation after construction, arrays of the host or the device, CUDA graphs,
/// and the same bits as by a Solver of its shape. Settings::time_limit, progress and log are
/// refused.
template <class R>
class BPQP_API RaggedSolver {
 public:
  /// For problems of these shapes, at least one; of another list, another RaggedSolver. Throws as
  /// Solver does; messages name the shape by its number.
  explicit RaggedSolver(const std::vector<Shape>& shapes, const Settings& settings = {});
  ~RaggedSolver();
  RaggedSolver(RaggedSolver&&) noexcept;
  RaggedSolver& operator=(RaggedSolver&&) noexcept;

  /// Solves all problems. Solution's arrays are concatenated too, `report` is by
  /// RaggedPlace::index.
  void solve(
      const RaggedProblem<R>& problem,
      const Solution<R>& solution,
      Changed changed = Changed::everything);

  /// Starts of all problems for the next solve; x or y may be null (zero).
  void warm_start(const R* x, const R* y);

  /// Each problem's gradients at its place; there are no sums over a ragged batch.
  void backward(const RaggedSolutionGradient<R>& gradient, const RaggedProblemGradient<R>& out);

  /// (w, d) of one right-hand side per problem; any may be null.
  void adjoint_solve(const R* g_x, const R* g_y, R* w, R* d);

  void jvp(const RaggedProblem<R>& tangent, const SolutionTangent<R>& out);

  /// [size()], by RaggedPlace::index.
  const Report* reports() const;

  int size() const;
  const RaggedPlace& place(int problem) const;  ///< 0 ... size() - 1, not checked
  const RaggedPlace& end() const;               ///< sizes of the arrays

  std::size_t bytes() const;
  /// The same of one that is not made; as Solver::bytes_needed.
  static std::size_t bytes_needed(const std::vector<Shape>& shapes, const Settings& settings = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

extern template class RaggedSolver<float>;
extern template class RaggedSolver<double>;

}  // namespace bpqp
