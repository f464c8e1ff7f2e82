/// \file
/// The backward kernel's body: the adjoint of each solved problem of a queue, and the gradients of
/// its data.
#pragma once

#include "gpu/solve_body.hpp"

namespace bpqp::gpu {

/// v [size] of type D, zero if null, in double.
template <class D, core::Team T>
BPQP_HD void load_vector(const T& team, const D* v, int size, double* to) {
  for (int i : team.items(size)) to[i] = v ? double(v[i]) : 0;
}

/// (slot.w, slot.d) of problem b; zeros if it has none.
template <class D, GpuTeam T>
BPQP_STAGE void find_adjoint(
    const T& team,
    const Batch<D>& batch,
    int b,
    const Adjoint<D>& adjoint,
    core::Slot& slot,
    const core::Work& work) {
  load_vector(team, adjoint.g_x.at(b), batch.n, work.g_x);
  load_vector(team, adjoint.g_y.at(b), batch.m, work.g_y);
  core::keep(team, 0.0, slot.backward_residual);
  if (slot.has_gradient) core::adjoint_slot(team, batch.problem(b), adjoint.by_admm, slot, work);
  core::settle_adjoint(team, slot, batch.n, batch.m);
  if (team.rank() == 0) batch.report[b].backward_residual = slot.backward_residual;
}

template <class Layout, class D, Thread H>
BPQP_HD void differentiate(
    const H& thread, const Batch<D>& batch, const Queue& queue, const Adjoint<D>& adjoint) {
  const Place<Layout> place(thread, batch.memory.fast_bytes);
  const auto team = Layout::team(thread, place.partial);
  const BatchMemory& memory = batch.memory;
  TeamShared& own = *place.shared;
  if (team.rank() == 0) {
    core::Arena scratch(
        memory.scratch + std::size_t(place.team) * memory.scratch_bytes, place.fast,
        memory.fast_bytes);
    own.work = lay_out_work(
        scratch, batch.n, batch.m, adjoint.by_admm ? Needs::everything : Needs::vectors);
  }
  for (int b; (b = take_next(team, queue)) >= 0;) {
    core::keep(team, memory.slots[b], own.slot);
    find_adjoint(team, batch, b, adjoint, own.slot, own.work);
    const core::GradientTargets<D> targets{
        adjoint.P.at(b), adjoint.q.at(b), adjoint.A.at(b), adjoint.l.at(b), adjoint.u.at(b)};
    core::write_gradients(team, batch.n, batch.m, own.slot, targets);
    team.sync();
  }
}

}  // namespace bpqp::gpu
