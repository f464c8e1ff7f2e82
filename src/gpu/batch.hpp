/// \file
/// A batch as the kernels see it: plain pointers to device memory, passed by value.
#pragma once

#include <cstdint>

#include "core/answer.hpp"
#include "core/point_source.hpp"
#include "gpu/team.hpp"

namespace bpqp::gpu {

/// One array per problem, so many entries apart; 0: all share it. Null data: null for all.
template <class V>
struct Strided {
  V* data = nullptr;
  std::int64_t stride = 0;

  BPQP_HD V* at(int b) const { return data ? data + b * stride : nullptr; }
};

/// The same of float or double, whichever the batch has. (Not a template: a kernel that is compiled
/// for both would hold the algorithm twice.)
struct Reals {
  const void* data = nullptr;
  std::int64_t stride = 0;

  template <class D>
  BPQP_HD const D* at(int b) const {
    return data ? static_cast<const D*>(data) + b * stride : nullptr;
  }
};
struct RealsOut {
  void* data = nullptr;
  std::int64_t stride = 0;

  template <class D>
  BPQP_HD D* at(int b) const {
    return data ? static_cast<D*>(data) + b * stride : nullptr;
  }
};

/// body(D()) for the type of a batch's data.
template <class Body>
BPQP_HD void with_type(bool single, const Body& body) {
  if (single)
    body(float());
  else
    body(double());
}

/// What the teams of a kernel take their work from.
struct Queue {
  int* next = nullptr;         ///< [1] the next to be taken; 0 at the start
  int count = 0;               ///< how many there are,
  const int* size = nullptr;   ///< [1] or, if not null, where that number is
  const int* items = nullptr;  ///< [size] problems; null: 0 ... size - 1
  int each = 1;                ///< how many a block of several teams takes at a time
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
  double *wide_P = nullptr, *wide_A = nullptr;  ///< [n x n], [m x n] in double, of a batch that is
                                                ///< float and shares them
  std::size_t copy_bytes = 0;  ///< of shared memory, per block, for its BlockCopy; 0: it has none
  GridMemory grid;             ///< where the whole grid is one team
};

struct Batch {
  int n = 0, m = 0, count = 0;
  bool single = false;  ///< the caller's data are float
  core::ConeList cones;
  Reals P, q, A, l, u;
  core::ForwardOptions options;
  BatchMemory memory;
  bool shared = false;      ///< P and A are those of problem 0, factored in memory.shared
  bool factored = false;    ///< P and A are those of the solve before, and so are the factors
  bool derivatives = true;  ///< solutions will be differentiated
  bool last_point = false;  ///< as Settings::last_point
  const double* starts = nullptr;          ///< [count, n + m], or null
  const std::int8_t* has_start = nullptr;  ///< [count] nonzero: the problem has one
  RealsOut x, y;
  Strided<std::int8_t> active;
  Report* report = nullptr;  ///< [count]

  template <class D>
  BPQP_HD core::ProblemView<D> problem(int b) const {
    return {n, m, P.at<D>(b), q.at<D>(b), A.at<D>(b), l.at<D>(b), u.at<D>(b), cones};
  }
  BPQP_HD core::Slot& slot(int b, int team) const { return memory.slots[derivatives ? b : team]; }
  BPQP_HD const double* start(int b) const {
    return starts && has_start[b] ? starts + std::size_t(b) * std::size_t(n + m) : nullptr;
  }
};

/// How adjoints are found: from the active rows directly, as BackwardMethod::admm, or at the
/// relaxed points of Settings::kappa.
enum class AdjointBy : int { active_set = 0, admm, relaxed };

/// The right-hand sides of the problems' adjoints, and what is wanted of these; null: zero, not
/// wanted.
struct Adjoint {
  Reals g_x, g_y;        ///< the loss's gradients; or, of a forward derivative,
  bool forward = false;  ///< the change of the data:
  Reals tP, tq, tA, tl, tu;
  RealsOut P, q, A, l, u;  ///< gradients of each problem's data
  RealsOut w, d;           ///< the adjoint itself
};

/// KKT points from elsewhere; P and A are the batch's.
struct Points {
  Reals x, y, gradient, violation;
  Strided<const std::int8_t> active;

  template <class D>
  BPQP_HD core::PointSource<D> at(int b) const {
    return {x.at<D>(b), y.at<D>(b), active.at(b), gradient.at<D>(b), violation.at<D>(b)};
  }
};

/// Sums of the gradients over the batch; null: not wanted.
struct Sums {
  void *P = nullptr, *q = nullptr, *A = nullptr, *l = nullptr, *u = nullptr;
  bool relaxed = false;  ///< the gradients are those of the relaxed points
};

/// Starts of the next solve, by Solver::warm_start.
struct Starts {
  int count = 0;
  Reals x, y;
  double* starts = nullptr;          ///< [count, n + m]
  std::int8_t* has_start = nullptr;  ///< [count]
};

}  // namespace bpqp::gpu
