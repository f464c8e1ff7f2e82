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
template <class D, GpuTeam T>
BPQP_STAGE void load_rhs(
    const T& team,
    const Batch<D>& batch,
    int b,
    const Adjoint<D>& a,
    const core::Slot& slot,
    const core::Work& work) {
  if (!a.forward) {
    load_vector(team, a.g_x.at(b), batch.n, work.g_x);
    load_vector(team, a.g_y.at(b), batch.m, work.g_y);
  } else if (slot.has_gradient) {
    const core::TangentSource<D> source{a.tP.at(b), a.tq.at(b), a.tA.at(b), a.tl.at(b), a.tu.at(b)};
    core::tangent_rhs_of(team, batch.n, batch.m, source, slot, work);
  }
  team.sync();
}

/// (slot.w, slot.d) of problem b; zeros if it has none.
template <class D, GpuTeam T>
BPQP_STAGE void find_adjoint(
    const T& team, const Batch<D>& batch, int b, const Adjoint<D>& a, TeamShared& own) {
  core::Slot& slot = own.slot;
  load_rhs(team, batch, b, a, slot, own.work);
  core::keep(team, 0.0, slot.backward_residual);
  if (slot.has_gradient) {
    const core::ProblemView<double> p = open_problem(team, batch.problem(b), own.wide);
    core::adjoint_slot(team, p, a.by_admm, slot, own.work);
  }
  core::settle_adjoint(team, slot, batch.n, batch.m);
  if (team.rank() == 0) batch.report[b].backward_residual = slot.backward_residual;
}

template <class Layout, class D, Thread H>
BPQP_HD void differentiate(
    const H& thread, const Batch<D>& batch, const Queue& queue, const Adjoint<D>& a) {
  const Place<Layout> place(thread, batch.memory.fast_bytes);
  const auto team = Layout::team(thread, place.partial);
  TeamShared& own = *place.shared;
  const Needs needs = a.by_admm ? Needs::everything : Needs::vectors;
  if (team.rank() == 0) open_work(batch, place, needs);
  for (int b; (b = take_next(team, queue)) >= 0;) {
    core::keep(team, batch.memory.slots[b], own.slot);
    find_adjoint(team, batch, b, a, own);
    const core::GradientTargets<D> targets{a.P.at(b), a.q.at(b), a.A.at(b), a.l.at(b), a.u.at(b)};
    core::write_gradients(team, batch.n, batch.m, own.slot, targets);
    store_vector(team, own.slot.w, batch.n, a.w.at(b));
    store_vector(team, own.slot.d, batch.m, a.d.at(b));
    team.sync();
  }
}

}  // namespace bpqp::gpu
