/// \file
/// A batch of convex problems of one shape, as views of the caller's memory.
///
///   minimise    1/2 x'P x + q'x
///   subject to  l <= A x <= u                      rows 0 ... m - 1 without the cones' rows
///               u_k - A_k x in SOC(d_k)            the last rows, one block per cone, t first
///
/// Multipliers: P x + q + A'y = 0 with y_i >= 0 where the upper side is active and y_i <= 0 at the
/// lower side. An equality is a row with l = u; a side at or beyond +-1e30 (also +-inf) is absent.
#pragma once

#include <cstdint>
#include <vector>

namespace bpqp {

/// Sides of rows at or beyond this magnitude are infinite.
inline constexpr double kInfinity = 1e30;

/// The sizes that a Solver is made for.
struct Shape {
  int n = 0;  ///< variables, >= 1
  int m = 0;  ///< rows of A (bounds on variables are rows with one entry), >= 0
  std::vector<int> cones =
      {};  ///< sizes (>= 1) of the second-order cones on the last rows, in order
};

/// How the entries of a matrix lie in memory. More will follow (diagonal, CSR with one pattern,
/// diagonal plus low rank) without a change of the calls.
enum class Structure : int { dense = 0 };

/// `batch` matrices [rows x cols], row-major, matrix b at data + b * stride (in elements).
/// stride 0: the whole batch shares the one matrix. data null: a matrix of zeros.
template <class R>
struct MatrixBatch {
  const R* data = nullptr;
  int rows = 0;
  int cols = 0;
  std::int64_t stride = 0;
  Structure structure = Structure::dense;
};

/// `batch` vectors of `size` entries, vector b at data + b * stride; stride 0: shared.
template <class R>
struct VectorBatch {
  const R* data = nullptr;
  int size = 0;
  std::int64_t stride = 0;
};

/// The data of one batch. Each array has a stride of its own, so that any of them may be shared;
/// where P and A both are, they are factored once for the batch. The arrays must stay valid and
/// unchanged until the last call of backward, adjoint_solve or jvp that refers to this solve: they
/// are read again there, not copied.
template <class R>
struct Problem {
  int batch = 0;     ///< 1 ... capacity of the Solver
  MatrixBatch<R> P;  ///< [n x n], positive semidefinite; (P + P')/2 is used; null: a linear program
  VectorBatch<R> q;  ///< [n]
  MatrixBatch<R> A;  ///< [m x n]; may be null if m = 0
  VectorBatch<R> l;  ///< [m]; lower sides; rows of cones are not read
  VectorBatch<R> u;  ///< [m]; upper sides; right-hand side u_k of cones
};

/// One call instead of nested braces: all matrices and vectors of a batch one after the other. What
/// the batch shares gets stride 0 afterwards; here there is one P, A, l and u for 64 vectors q:
///
///   Problem<double> problem = contiguous(shape, 64, P, q, A, l, u);
///   problem.P.stride = problem.A.stride = problem.l.stride = problem.u.stride = 0;
template <class R>
Problem<R> contiguous(
    const Shape& s, int batch, const R* P, const R* q, const R* A, const R* l, const R* u) {
  const auto n = std::int64_t(s.n), m = std::int64_t(s.m);
  return {batch, {P, s.n, s.n, n * n}, {q, s.n, n}, {A, s.m, s.n, m * n}, {l, s.m, m}, {u, s.m, m}};
}

}  // namespace bpqp
