/// \file
/// The numerics on the CPU: src/core over CpuTeam, Eigen behind it. Compiled once per instruction
/// level; BPQP_LEVEL names it.
#include "cpu/backend.hpp"

#include "cpu/cpu_data.hpp"
#include "cpu/cpu_dense.hpp"
#include "cpu/pack_dense.hpp"
// After the team's own dense algebra, which the templates find by argument-dependent lookup.
#include "core/point_steps.hpp"
#include "cpu/pack_kernels.hpp"

namespace bpqp::cpu {
namespace {

using core::Condensing;
using core::ProblemView;

template <class D>
bool condense(const CpuTeam& team, const ProblemView<D>& p, int scaling, Slot& slot, Work& work) {
  core::condense_slot(team, p, scaling, slot, work);
  slot.report = {};
  if (slot.own.report.outcome == Condensing::done) return true;
  slot.report.status = core::status_of(slot.own.report.outcome);
  return false;
}

template <class D>
void forward(
    const CpuTeam& team,
    const ProblemView<D>& p,
    const core::ForwardOptions& options,
    Slot& slot,
    Work& work) {
  work.factored_of = nullptr;
  slot.smoothed = false;
  ++slot.solves;
  core::solve_slot(team, p, options, slot, work);
}

template <class D>
void relax(const CpuTeam& team, const ProblemView<D>& p, double kappa, Slot& slot, Work& work) {
  core::relax_slot(team, p, kappa, slot, work);
  work.factored_of = nullptr;
}

/// The system at the relaxed point is factored once for all right-hand sides that follow.
template <class D>
void relaxed_adjoint(const CpuTeam& team, const ProblemView<D>& p, Slot& slot, Work& work) {
  if (work.factored_of != &slot || work.factored_solves != slot.solves) {
    work.factored_of = nullptr;
    slot.backward_residual = INFINITY;
    if (!core::factor_relaxed(team, p, slot, work, work.form)) return;
    work.factored_of = &slot;
    work.factored_solves = slot.solves;
  }
  core::solve_relaxed(team, p, work.form, slot, work);
}

template <class D>
void adjoint(const CpuTeam& team, const ProblemView<D>& p, bool by_admm, Slot& slot, Work& work) {
  if (slot.smoothed)
    relaxed_adjoint(team, p, slot, work);
  else if (by_admm)
    core::adjoint_slot<true>(team, p, slot, work);
  else
    core::adjoint_slot<false>(team, p, slot, work);
}

template <class D>
void tangent(
    const CpuTeam& team,
    const ProblemView<D>& p,
    const TangentSource<D>& t,
    const Slot& slot,
    Work& work) {
  core::tangent_rhs_of(team, p.n, p.m, t, slot, work);
}

template <class D>
void gradients(int n, int m, const Slot& s, const GradientTargets<D>& out) {
  core::write_gradients(CpuTeam(), n, m, s, out);
}

template <class D>
void sum_P_row(int n, const Slot* slots, int batch, int i, D* out) {
  for (int j = 0; j < n; ++j) out[j] = 0;
  for (int b = 0; b < batch; ++b)
    if (slots[b].has_gradient)
      core::gradient_P_row(CpuTeam(), slots[b].w, slots[b].at_x(), n, i, true, out);
}

template <class D>
void sum_A_row(int n, const Slot* slots, int batch, int i, D* out) {
  for (int j = 0; j < n; ++j) out[j] = 0;
  for (int b = 0; b < batch; ++b) {
    const Slot& s = slots[b];
    if (s.has_gradient)
      core::gradient_A_row(CpuTeam(), s.w, s.d, s.at_x(), s.at_y(), n, i, true, out);
  }
}

template <class D>
Report attach(
    const CpuTeam& team,
    const ProblemView<D>& p,
    const core::PointSource<D>& point,
    int scaling,
    Slot& slot,
    Work& work) {
  const bool finite = core::load_point(team, point, p.n, p.m, slot);
  core::attach_slot(team, p, scaling, finite, slot, work);
  return core::report_of_point(team, p, point, slot, work.forward.t);
}

template <class D>
constexpr Kernels<D> kKernels = {condense<D>,  forward<D>,   relax<D>,     adjoint<D>, tangent<D>,
                                 gradients<D>, sum_P_row<D>, sum_A_row<D>, attach<D>};

#define BPQP_STRING_(x) #x
#define BPQP_STRING(x) BPQP_STRING_(x)
#define BPQP_JOIN_(a, b) a##b
#define BPQP_JOIN(a, b) BPQP_JOIN_(a, b)

constexpr Backend kBackend = {
    BPQP_STRING(BPQP_LEVEL), kKernels<float>, kKernels<double>, kPackKernels<float>,
    kPackKernels<double>};

}  // namespace
}  // namespace bpqp::cpu

extern "C" const void* BPQP_JOIN(bpqp_backend_, BPQP_LEVEL)() {
  return &bpqp::cpu::kBackend;
}
