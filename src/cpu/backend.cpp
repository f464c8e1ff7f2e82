/// \file
/// The numerics on the CPU: src/core over CpuTeam, Eigen behind it. Compiled once per instruction
/// level; BPQP_LEVEL names it.
#include "cpu/backend.hpp"

#include "cpu/cpu_data.hpp"
#include "cpu/cpu_dense.hpp"
#include "cpu/pack_dense.hpp"
// After the team's own dense algebra, which the templates find by argument-dependent lookup.
#include "core/differentiate.hpp"
#include "core/gradient.hpp"
#include "core/solve_one.hpp"
#include "cpu/pack_kernels.hpp"

namespace bpqp::cpu {
namespace {

using core::Condensing;
using core::ProblemView;

/// The problem with what is known of its structure.
template <class D>
ProblemView<D> structured(ProblemView<D> p, const Slot& slot) {
  p.known = slot.known;
  return p;
}

template <class D>
bool condense(const CpuTeam& team, const ProblemView<D>& p, int scaling, Slot& slot, Work& work) {
  const auto& s = work.forward;
  if (p.cones.count > 0) slot.known = core::find_structure(team, p, slot.structure);
  const bool look = slot.known.diagonal && p.cones.count > 0;  // the factors are the solution's
  slot.own.report =
      look ? core::look_at_diagonal(team, structured(p, slot), scaling, slot.own, s.v, s.h)
           : core::condense(team, structured(p, slot), scaling, slot.own, s.v, s.h);
  slot.report = {};
  switch (slot.own.report.outcome) {
    case Condensing::done:
      return true;
    case Condensing::not_finite:
      slot.report.status = Status::invalid_input;
      break;
    case Condensing::non_convex:
      slot.report.status = Status::non_convex;
      break;
    case Condensing::failed:
      slot.report.status = Status::numerical_error;
      break;
  }
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
  if (p.cones.count > 0) {
    slot.report = core::solve_one_with_cones(
        team, structured(p, slot), options, slot.cones, slot.own, slot.set, work.forward, slot.warm,
        slot.x, slot.y);
    slot.used = slot.own;
    return;
  }
  slot.report = core::solve_one(
      team, p, options, slot.used, slot.set, work.forward, slot.warm, slot.x, slot.y);
}

template <class D>
void relax(const CpuTeam& team, const ProblemView<D>& p, double kappa, Slot& slot, Work& work) {
  core::Relaxed<D, double, CpuTeam> relaxed(team, p, work.forward.barrier, slot.relaxed);
  bool regular = false;
  slot.smoothed = relaxed.find(kappa, regular);
  slot.report.differentiable = slot.smoothed && regular && slot.report.status == Status::solved;
  work.factored_of = nullptr;
}

/// The system at the relaxed point is factored once for all right-hand sides that follow.
template <class D>
void relaxed_adjoint(const CpuTeam& team, const ProblemView<D>& p, Slot& slot, Work& work) {
  core::Relaxed<D, double, CpuTeam> relaxed(team, p, work.forward.barrier, slot.relaxed);
  if (work.factored_of != &slot || work.factored_solves != slot.solves) {
    work.factored_of = nullptr;
    slot.backward_residual = INFINITY;
    if (!relaxed.factor(work.form)) return;
    work.factored_of = &slot;
    work.factored_solves = slot.solves;
  }
  slot.backward_residual = relaxed.solve(work.form, work.g_x, work.g_y, slot.w, slot.d);
}

template <class D>
void adjoint(
    const CpuTeam& team, const ProblemView<D>& plain, bool by_admm, Slot& slot, Work& work) {
  const auto& s = work.forward;
  const ProblemView<D> p = structured(plain, slot);
  if (slot.smoothed) {
    relaxed_adjoint(team, plain, slot, work);
    return;
  }
  if (p.cones.count == 0) {
    slot.backward_residual =
        core::solve_active_kkt(
            team, p, slot.used, slot.set, s, by_admm, work.g_x, work.g_y, slot.w, slot.d)
            .residual;
    return;
  }
  double* kept = s.y_best;
  core::to_cone_qp(team, p, slot.cones, work.g_x, work.g_y, kept, s.v, s.t);
  slot.backward_residual = core::solve_active_kkt(
                               team, slot.cones.view(p), slot.used, slot.set, s, by_admm, work.g_x,
                               work.g_y, slot.w, slot.d)
                               .residual;
  core::from_cone_qp(team, p, slot.cones, slot.w, kept, slot.d, s.v);
}

template <class D>
void tangent(
    const CpuTeam& team,
    const ProblemView<D>& p,
    const TangentSource<D>& t,
    const Slot& slot,
    Work& work) {
  core::tangent_rhs(
      team, p.n, p.m, [&slot](int i) { return slot.upper(i); }, slot.at_x(), slot.at_y(), t.P, t.q,
      t.A, t.l, t.u, work.g_x, work.g_y, work.forward.t);
}

template <class D>
void gradients(int n, int m, const Slot& s, const GradientTargets<D>& out) {
  const bool some = s.has_gradient;
  const auto zero = [](D* v, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) v[i] = 0;
  };
  const std::size_t N = n, M = m;
  if (!some) {
    if (out.P) zero(out.P, N * N);
    if (out.q) zero(out.q, N);
    if (out.A) zero(out.A, M * N);
    if (out.l) zero(out.l, M);
    if (out.u) zero(out.u, M);
    return;
  }
  if (out.P)
    for (int i = 0; i < n; ++i) core::gradient_P_row(s.w, s.at_x(), n, i, false, out.P + N * i);
  if (out.A)
    for (int i = 0; i < m; ++i)
      core::gradient_A_row(s.w, s.d, s.at_x(), s.at_y(), n, i, false, out.A + N * i);
  if (out.q)
    for (int j = 0; j < n; ++j) out.q[j] = D(-s.w[j]);
  for (int i = 0; i < m; ++i) {
    if (out.l) out.l[i] = D(s.dl(i));
    if (out.u) out.u[i] = D(s.du(i));
  }
}

template <class D>
void sum_P_row(int n, const Slot* slots, int batch, int i, D* out) {
  for (int j = 0; j < n; ++j) out[j] = 0;
  for (int b = 0; b < batch; ++b)
    if (slots[b].has_gradient) core::gradient_P_row(slots[b].w, slots[b].at_x(), n, i, true, out);
}

template <class D>
void sum_A_row(int n, const Slot* slots, int batch, int i, D* out) {
  for (int j = 0; j < n; ++j) out[j] = 0;
  for (int b = 0; b < batch; ++b) {
    const Slot& s = slots[b];
    if (s.has_gradient) core::gradient_A_row(s.w, s.d, s.at_x(), s.at_y(), n, i, true, out);
  }
}

template <class D>
void attach(const CpuTeam& team, const ProblemView<D>& p, int scaling, Slot& slot, Work& work) {
  slot.smoothed = false;
  slot.report = core::attach_point(team, p, scaling, slot.own, slot.set, work.forward);
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
