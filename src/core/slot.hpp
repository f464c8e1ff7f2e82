/// \file
/// The memory of one problem, from solve to the derivatives (steps.hpp), on any device.
#pragma once

#include "core/cone_kkt.hpp"
#include "core/relaxed.hpp"

namespace bpqp::core {

/// What is kept of one problem from solve to the derivatives.
struct Slot {
  /// The part of row i's db that is du, the rest being dl: that of the side that a row is held at,
  /// all of it in cones. Negative: the row is not held.
  BPQP_HD double upper(int i) const {
    if (smoothed) return relaxed.upper[i];
    return i >= linear_rows || set.side[i] > 0 ? 1 : set.side[i] < 0 ? 0 : -1;
  }
  BPQP_HD double du(int i) const { return upper(i) > 0 ? upper(i) * d[i] : 0; }
  BPQP_HD double dl(int i) const {
    return upper(i) >= 0 && upper(i) < 1 ? (1 - upper(i)) * d[i] : 0;
  }
  /// Where the derivatives are taken.
  BPQP_HD const double* at_x() const { return smoothed ? relaxed.x : x; }
  BPQP_HD const double* at_y() const { return smoothed ? relaxed.y : y; }

  Condensed<double> own;   ///< its own factors
  Condensed<double> used;  ///< these, or those of the problem it shares P and A with
  WorkingSet<double> set;
  ConeKkt<double> cones;  ///< where the shape has cones: the QP behind the derivatives
  StructureMemory structure;
  Structure known;  ///< what of P and A is zero, with cones
  int linear_rows = 0;
  double* x = nullptr;           ///< [n] solution
  double* y = nullptr;           ///< [m]
  double* w = nullptr;           ///< [n] last adjoint
  double* d = nullptr;           ///< [m]
  RelaxedPoint<double> relaxed;  ///< with Settings::kappa
  bool smoothed = false;         ///< and it is what the derivatives belong to
  long solves = 0;               ///< how many there were: the relaxed point of which
  ForwardReport report;
  bool has_gradient = false;
  bool packed = false;  ///< the factors of the last solve are its pack's (PackKernels)
  bool warm = false;    ///< x and y hold a start for the next solve
  double backward_residual = 0;
  double seconds = 0;

  BPQP_HD static Slot lay_out(Arena& arena, int n, int m, int linear_rows, bool relaxed) {
    Slot s;
    s.linear_rows = linear_rows;
    if (linear_rows < m) s.cones = ConeKkt<double>::lay_out(arena, n, m);
    if (linear_rows < m) s.structure = StructureMemory::lay_out(arena, n, m);
    if (relaxed) s.relaxed = RelaxedPoint<double>::lay_out(arena, n, m);
    s.own = Condensed<double>::lay_out(arena, n, m);
    s.set = WorkingSet<double>::lay_out(arena, n, m);
    s.x = arena.take<double>(n);
    s.y = arena.take<double>(m);
    s.w = arena.take<double>(n);
    s.d = arena.take<double>(m);
    return s;
  }
};

/// Scratch of one thread.
struct Work {
  ForwardWork<double> forward;
  double* g_x = nullptr;              ///< [n] right-hand sides in double
  double* g_y = nullptr;              ///< [m]
  BarrierForm form;                   ///< of the relaxed point whose system the barrier holds:
  const Slot* factored_of = nullptr;  ///< that of this slot,
  long factored_solves = 0;           ///< after so many solves; null: none

  BPQP_HD static Work lay_out(Arena& arena, int n, int m, bool interior, bool iterates = true) {
    Work w;
    w.forward = ForwardWork<double>::lay_out(arena, n, m, interior, iterates);
    w.g_x = arena.take<double>(n);
    w.g_y = arena.take<double>(m);
    return w;
  }
};

/// Where the gradients of one problem go; null: not wanted.
template <class D>
struct GradientTargets {
  D *P = nullptr, *q = nullptr, *A = nullptr, *l = nullptr, *u = nullptr;
};

/// A direction in the data of one problem; null: zero.
template <class D>
struct TangentSource {
  const D *P = nullptr, *q = nullptr, *A = nullptr, *l = nullptr, *u = nullptr;
};

}  // namespace bpqp::core
