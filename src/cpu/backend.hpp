/// \file
/// What the rest of the library calls of a CPU backend: the numerics, compiled once per instruction
/// level behind one table of functions (cmake/CpuLevels.cmake). Plain data and pointers only.
#pragma once

#include <cstdint>

#include "core/cone_kkt.hpp"
#include "core/relaxed.hpp"
#include "cpu/cpu_team.hpp"

namespace bpqp::cpu {

/// What is kept of one problem from solve to the derivatives.
struct Slot {
  /// The part of row i's db that is du, the rest being dl: that of the side that a row is held at,
  /// all of it in cones. Negative: the row is not held.
  double upper(int i) const {
    if (smoothed) return relaxed.upper[i];
    return i >= linear_rows || set.side[i] > 0 ? 1 : set.side[i] < 0 ? 0 : -1;
  }
  double du(int i) const { return upper(i) > 0 ? upper(i) * d[i] : 0; }
  double dl(int i) const { return upper(i) >= 0 && upper(i) < 1 ? (1 - upper(i)) * d[i] : 0; }
  /// Where the derivatives are taken.
  const double* at_x() const { return smoothed ? relaxed.x : x; }
  const double* at_y() const { return smoothed ? relaxed.y : y; }

  core::Condensed<double> own;   ///< its own factors
  core::Condensed<double> used;  ///< these, or those of the problem it shares P and A with
  core::WorkingSet<double> set;
  core::ConeKkt<double> cones;  ///< where the shape has cones: the QP behind the derivatives
  core::StructureMemory structure;
  core::Structure known;  ///< what of P and A is zero, with cones
  int linear_rows = 0;
  double* x = nullptr;                 ///< [n] solution
  double* y = nullptr;                 ///< [m]
  double* w = nullptr;                 ///< [n] last adjoint
  double* d = nullptr;                 ///< [m]
  core::RelaxedPoint<double> relaxed;  ///< with Settings::kappa
  bool smoothed = false;               ///< and it is what the derivatives belong to
  long solves = 0;                     ///< how many there were: the relaxed point of which
  core::ForwardReport report;
  bool has_gradient = false;
  bool packed = false;  ///< the factors of the last solve are its pack's (PackKernels)
  bool warm = false;    ///< x and y hold a start for the next solve
  double backward_residual = 0;
  double seconds = 0;

  static Slot lay_out(core::Arena& arena, int n, int m, int linear_rows, bool relaxed) {
    Slot s;
    s.linear_rows = linear_rows;
    if (linear_rows < m) s.cones = core::ConeKkt<double>::lay_out(arena, n, m);
    if (linear_rows < m) s.structure = core::StructureMemory::lay_out(arena, n, m);
    if (relaxed) s.relaxed = core::RelaxedPoint<double>::lay_out(arena, n, m);
    s.own = core::Condensed<double>::lay_out(arena, n, m);
    s.set = core::WorkingSet<double>::lay_out(arena, n, m);
    s.x = arena.take<double>(n);
    s.y = arena.take<double>(m);
    s.w = arena.take<double>(n);
    s.d = arena.take<double>(m);
    return s;
  }
};

/// Scratch of one thread.
struct Work {
  core::ForwardWork<double> forward;
  double* g_x = nullptr;              ///< [n] right-hand sides in double
  double* g_y = nullptr;              ///< [m]
  core::BarrierForm form;             ///< of the relaxed point whose system the barrier holds:
  const Slot* factored_of = nullptr;  ///< that of this slot,
  long factored_solves = 0;           ///< after so many solves; null: none

  static Work lay_out(core::Arena& arena, int n, int m, bool interior) {
    Work w;
    w.forward = core::ForwardWork<double>::lay_out(arena, n, m, interior);
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

template <class D>
struct Kernels {
  /// Factors P and A into slot.own; false leaves the reason in slot.report.status.
  bool (*condense)(const CpuTeam&, const core::ProblemView<D>&, int scaling, Slot&, Work&);
  /// Solves with the factors in slot.used.
  void (*forward)(
      const CpuTeam&, const core::ProblemView<D>&, const core::ForwardOptions&, Slot&, Work&);
  /// Finds the barrier-relaxed point of a solved problem (slot.smoothed).
  void (*relax)(const CpuTeam&, const core::ProblemView<D>&, double kappa, Slot&, Work&);
  /// (slot.w, slot.d) for the right-hand side in work.g_x, work.g_y.
  void (*adjoint)(const CpuTeam&, const core::ProblemView<D>&, bool by_admm, Slot&, Work&);
  /// Right-hand side of the forward derivative into work.g_x, work.g_y.
  void (*tangent)(
      const CpuTeam&, const core::ProblemView<D>&, const TangentSource<D>&, const Slot&, Work&);
  /// The gradients of one problem from (slot.w, slot.d); zeros if it has none.
  void (*gradients)(int n, int m, const Slot&, const GradientTargets<D>&);
  /// Row i of the batch's summed dP ([n x n]) or dA ([m x n]), problems in order.
  void (*sum_P_row)(int n, const Slot* slots, int batch, int i, D* out);
  void (*sum_A_row)(int n, const Slot* slots, int batch, int i, D* out);
  /// Factors a KKT point from elsewhere (slot.x, slot.y, slot.set.side given).
  void (*attach)(const CpuTeam&, const core::ProblemView<D>&, int scaling, Slot&, Work&);
};

/// Problems up to this size are solved in packs; with more variables SIMD inside of one problem
/// does as well, with more rows the lanes' sets differ too much. The rows are 3/2 n at most
/// besides. (Measured, bench/profile.md.)
inline constexpr int kMostPackedVariables = 56, kMostPackedRows = 28;

/// Small problems in packs, one to a SIMD lane (core/lockstep.hpp). A pack has memory of its own,
/// as the slots do, and a thread has scratch for one; both are pieces of so many bytes. Lanes are
/// bits of a mask; problems and slots are given per lane, null where a lane has none.
template <class D>
struct PackKernels {
  int lanes;
  std::size_t (*pack_bytes)(int n, int m);
  std::size_t (*work_bytes)(int n, int m);
  /// Solves the problems of the lanes; returns those that it could (slot.report, x, y and sides are
  /// theirs then). `factored`: P and A are those of the solve before.
  unsigned (*solve)(
      const core::ProblemView<D>* problems,
      Slot* const* slots,
      unsigned lanes,
      bool factored,
      const core::ForwardOptions&,
      void* pack,
      void* work);
  /// slot.w and slot.d of the lanes, and the residual, for the right-hand sides g_x [n] and g_y [m]
  /// per lane (null: zero); returns the lanes where it succeeded.
  unsigned (*adjoint)(
      const core::ProblemView<D>* problems,
      Slot* const* slots,
      unsigned lanes,
      const D* const* g_x,
      const D* const* g_y,
      void* pack,
      void* work);
  /// Copies a lane's factors and working set into its slot.
  void (*unpack)(int n, int m, int lane, void* pack, Slot&);
};

struct Backend {
  const char* level;  ///< "x86-64-v3", or "base"
  Kernels<float> for_float;
  Kernels<double> for_double;
  PackKernels<float> packs_of_float;
  PackKernels<double> packs_of_double;

  const Kernels<float>& kernels(float) const { return for_float; }
  const Kernels<double>& kernels(double) const { return for_double; }
  const PackKernels<float>& packs(float) const { return packs_of_float; }
  const PackKernels<double>& packs(double) const { return packs_of_double; }
};

/// The backend of the best level that this processor has.
const Backend& backend();
/// The levels in this build, best last.
const char* const* backend_levels(int& count);

}  // namespace bpqp::cpu
