/// \file
/// The bodies of the derivatives' kernels: each solved problem's adjoint and the gradients of its
/// data, and sums of these over the batch.
#pragma once

#include "gpu/solve_body.hpp"

namespace bpqp::gpu {

/// v [size] of type D, zero if null, in double.
template <class D, core::Team T>
BPQP_HD void load_vector(const T& team, const D* v, int size, double* to) {
  for (int i : team.items(size)) to[i] = v ? double(v[i]) : 0;
}
template <class D, core::Team T>
BPQP_HD void store_vector(const T& team, const double* v, int size, D* to) {
  for (int i : team.items(to ? size : 0)) to[i] = D(v[i]);
}

/// The right-hand side of problem b into the scratch.
template <GpuTeam T>
BPQP_STAGE void load_rhs(
    const T& team,
    const Batch& batch,
    int b,
    const Adjoint& a,
    const core::Slot& slot,
    const core::Work& work) {
  with_type(batch.single, [&]<class D>(D) {
    if (!a.forward) {
      load_vector(team, a.g_x.at<D>(b), batch.n, work.g_x);
      load_vector(team, a.g_y.at<D>(b), batch.m, work.g_y);
    } else if (slot.has_gradient) {
      const core::TangentSource<D> source{
          a.tP.at<D>(b), a.tq.at<D>(b), a.tA.at<D>(b), a.tl.at<D>(b), a.tu.at<D>(b)};
      core::tangent_rhs_of(team, batch.n, batch.m, source, slot, work);
    }
  });
  team.sync();
}

/// (slot.w, slot.d) of a problem that has a gradient.
template <AdjointBy kBy, GpuTeam T>
BPQP_STAGE void solve_adjoint(
    const T& team, const core::ProblemView<double>& p, core::Slot& slot, const core::Work& work) {
  if constexpr (kBy != AdjointBy::relaxed) {
    core::adjoint_slot<kBy == AdjointBy::admm>(team, p, slot, work);
  } else {
    core::BarrierForm form;
    core::keep(team, double(INFINITY), slot.backward_residual);
    if (core::factor_relaxed(team, p, slot, work, form))
      core::solve_relaxed(team, p, form, slot, work);
  }
}

/// The same of problem b, if it has a gradient.
template <AdjointBy kBy, GpuTeam T>
BPQP_STAGE void find_adjoint(
    const T& team, const Batch& batch, int b, const Adjoint& a, TeamShared& own) {
  core::Slot& slot = own.slot;
  load_rhs(team, batch, b, a, slot, own.work);
  core::keep(team, 0.0, slot.backward_residual);
  if (slot.has_gradient) {
    const core::ProblemView<double> p = open_problem(team, batch, b, own.wide, own.copy);
    solve_adjoint<kBy>(team, p, slot, own.work);
  }
}

/// What is wanted of problem b's adjoint; zeros if it has none.
template <GpuTeam T>
BPQP_STAGE void write_adjoint(
    const T& team, const Batch& batch, int b, const Adjoint& a, const core::Slot& slot) {
  core::settle_adjoint(team, slot, batch.n, batch.m);
  if (team.rank() == 0) batch.report[b].backward_residual = slot.backward_residual;
  with_type(batch.single, [&]<class D>(D) {
    const core::GradientTargets<D> targets{
        a.P.at<D>(b), a.q.at<D>(b), a.A.at<D>(b), a.l.at<D>(b), a.u.at<D>(b)};
    core::write_gradients(team, batch.n, batch.m, slot, targets);
    store_vector(team, slot.w, batch.n, a.w.at<D>(b));
    store_vector(team, slot.d, batch.m, a.d.at<D>(b));
  });
  team.sync();
}

/// The slot `kept` of a solved problem, with the factors of the block's copy if there is one.
template <GpuTeam T>
BPQP_STAGE void open_solved(const T& team, const core::Slot& kept, TeamShared& own) {
  copy_whole(team, kept, own.slot);
  if (own.copy) core::keep(team, own.copy->factors, own.slot.used);
}

template <class Layout, AdjointBy kBy, Thread H>
BPQP_HD void differentiate(
    const H& thread, const Batch& batch, const Queue& queue, const Adjoint& a) {
  const Place<Layout> place(thread, batch.memory);
  const auto team = Layout::team(thread, place.partial, batch.memory.grid);
  TeamShared& own = *place.shared;
  constexpr Needs kNeeds = kBy == AdjointBy::active_set ? Needs::vectors : Needs::everything;
  open_work(team, batch, place, kNeeds);
  copy_shared<Layout>(team, batch, Reads::adjoint, own);
  for (Turns turns(team, queue, place); turns.more();) {
    const int b = turns.problem();
    if (b < 0) continue;
    open_solved(team, batch.memory.slots[b], own);
    find_adjoint<kBy>(team, batch, b, a, own);
    write_adjoint(team, batch, b, a, own.slot);
  }
}

}  // namespace bpqp::gpu
