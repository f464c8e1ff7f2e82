/// \file
/// A batch as the kernels see it: plain pointers to device memory, passed by value.
#pragma once

#include <cstdint>

#include "core/answer.hpp"
#include "core/point_source.hpp"

namespace bpqp::gpu {

/// One array per problem, so many entries apart; 0: all share it. Null data: null for all.
template <class D>
struct Strided {
  D* data = nullptr;
  std::int64_t stride = 0;

  BPQP_HD D* at(int b) const { return data ? data + b * stride : nullptr; }
};

/// What the teams of a kernel take their work from.
struct Queue {
  int* next = nullptr;         ///< [1] the next to be taken; 0 at the start
  int count = 0;               ///< how many there are,
  const int* size = nullptr;   ///< [1] or, if not null, where that number is
  const int* items = nullptr;  ///< [size] problems; null: 0 ... size - 1
};

/// A list that teams append to, in any order.
struct List {
  int* size = nullptr;   ///< [1]; 0 at the start
  int* items = nullptr;  ///< [capacity]
};

/// Device memory of problems and teams.
struct BatchMemory {
  core::Slot* slots = nullptr;   ///< one per problem, or, if there will be no derivatives, per team
  std::int64_t slot_stride = 0;  ///< doubles from an array of one slot to that of the next
  char* scratch = nullptr;       ///< of the teams of the grid,
  std::size_t scratch_bytes = 0;  ///< so many bytes for each
  std::size_t fast_bytes = 0;     ///< of shared memory, per team, for a problem's arrays
  core::Condensed<double>* shared = nullptr;  ///< [1] the factors of the batch, if it shares them;
                                              ///< the arrays are those of slot 0
};

template <class D>
struct Batch {
  int n = 0, m = 0, count = 0;
  core::ConeList cones;
  Strided<const D> P, q, A, l, u;
  core::ForwardOptions options;
  BatchMemory memory;
  bool shared = false;    ///< P and A are those of problem 0, factored in memory.shared; only with
                          ///< derivatives
  bool factored = false;  ///< P and A are those of the solve before, and so are the factors
  bool derivatives = true;                 ///< solutions will be differentiated
  bool last_point = false;                 ///< as Settings::last_point
  const double* starts = nullptr;          ///< [count, n + m], or null
  const std::int8_t* has_start = nullptr;  ///< [count] nonzero: the problem has one
  Strided<D> x, y;
  Strided<std::int8_t> active;
  Report* report = nullptr;  ///< [count]

  BPQP_HD core::ProblemView<D> problem(int b) const {
    return {n, m, P.at(b), q.at(b), A.at(b), l.at(b), u.at(b), cones};
  }
  BPQP_HD core::Slot& slot(int b, int team) const { return memory.slots[derivatives ? b : team]; }
  BPQP_HD const double* start(int b) const {
    return starts && has_start[b] ? starts + std::size_t(b) * std::size_t(n + m) : nullptr;
  }
};

/// The right-hand sides of the problems' adjoints, and what is wanted of these; null: zero, not
/// wanted.
template <class D>
struct Adjoint {
  Strided<const D> g_x, g_y;  ///< the loss's gradients; or, of a forward derivative,
  bool forward = false;       ///< the change of the data:
  Strided<const D> tP, tq, tA, tl, tu;
  Strided<D> P, q, A, l, u;  ///< gradients of each problem's data
  Strided<D> w, d;           ///< the adjoint itself
  bool by_admm = false;
};

/// KKT points from elsewhere; P and A are the batch's.
template <class D>
struct Points {
  Strided<const D> x, y, gradient, violation;
  Strided<const std::int8_t> active;

  BPQP_HD core::PointSource<D> at(int b) const {
    return {x.at(b), y.at(b), active.at(b), gradient.at(b), violation.at(b)};
  }
};

/// Sums of the gradients over the batch; null: not wanted.
template <class D>
struct Sums {
  D *P = nullptr, *q = nullptr, *A = nullptr, *l = nullptr, *u = nullptr;
};

/// Starts of the next solve, by Solver::warm_start.
template <class D>
struct Starts {
  int count = 0;
  Strided<const D> x, y;
  double* starts = nullptr;          ///< [count, n + m]
  std::int8_t* has_start = nullptr;  ///< [count]
};

}  // namespace bpqp::gpu
