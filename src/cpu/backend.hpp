/// \file
/// What the rest of the library calls of a CPU backend: the numerics, compiled once per instruction
/// level behind one table of functions (cmake/CpuLevels.cmake). Plain data and pointers only.
#pragma once

#include <cstdint>

#include "core/point_source.hpp"
#include "core/slot.hpp"
#include "cpu/cpu_team.hpp"

namespace bpqp::cpu {

using core::GradientTargets;
using core::Slot;
using core::TangentSource;
using core::Work;

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
  /// Factors a KKT point from elsewhere into the slot; returns its report.
  Report (*attach)(
      const CpuTeam&,
      const core::ProblemView<D>&,
      const core::PointSource<D>&,
      int scaling,
      Slot&,
      Work&);
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
