/// \file
/// The forward kernels' bodies: teams that stay and take problem after problem from a queue until
/// it is empty. A problem is one team's from its data to its answer.
///
///   condense_shared   P and A of the whole batch, by one team
///   solve_plain       the way that most problems go (core/lockstep.hpp); others are listed
///   solve_rest        everything else: single exchanges, the interior point method, cones
///   relax_points      with Settings::kappa, after these: where derivatives will be taken
#pragma once

#include "core/lockstep.hpp"
#include "core/vectors.hpp"
#include "gpu/open.hpp"
#include "gpu/team_dense_large.hpp"
#include "gpu/team_list.hpp"
#include "gpu/turns.hpp"

namespace bpqp::gpu {

template <GpuTeam T>
BPQP_HD void append(const T& team, const List& list, int b) {
  if (team.rank() == 0) list.items[team.thread().fetch_add(list.size, 1)] = b;
}

/// What the caller gets to see of a solved problem.
template <GpuTeam T>
BPQP_STAGE void answer(const T& team, const Batch& batch, int b, core::Slot& slot) {
  core::finish_slot(team, slot, batch.derivatives && batch.options.polish);
  with_type(batch.single, [&]<class D>(D) {
    const core::AnswerTargets<D> targets{batch.x.at<D>(b), batch.y.at<D>(b), batch.active.at(b)};
    core::write_answer(team, slot, batch.n, batch.m, batch.last_point, targets);
  });
  const Report report = core::report_of(team, slot, batch.m);
  if (team.rank() == 0) batch.report[b] = report;
}

/// Whether the problem went the plain way, with slot.used as its factors; they are made here
/// unless `factored`.
template <GpuTeam T>
BPQP_STAGE bool go_plain_way(
    const T& team,
    const core::ProblemView<double>& p,
    const core::ForwardOptions& options,
    bool factored,
    core::Slot& slot,
    const core::Work& work) {
  const auto& s = work.forward;
  const auto faults = core::find_faults(team, p);
  if (faults.invalid || faults.crossed) return false;
  core::CondenseReport report = slot.used.report;
  if (!factored) {
    report = {};
    if (core::condense_lanes(team, p, options.scaling, slot.own, s.v, s.h))
      report.outcome = core::Condensing::done;
    core::keep(team, report, slot.own.report);
    core::keep(team, slot.own, slot.used);
  }
  if (report.outcome != core::Condensing::done || report.singular || !report.symmetric)
    return false;
  core::WorkingSet<double> set = slot.set;
  core::Lockstep<double, double, T> lockstep(
      core::ForwardTask<double, double, T>{team, p, options, slot.used, set, s, slot.x, slot.y});
  const core::LockstepReport<double> end = lockstep.run(true);
  if (!end.plain) return false;
  set.least_norm = false;
  const core::ForwardReport forward =
      core::lane_report(end.residuals, end.exchanges, end.differentiable, options);
  core::keep(team, forward, slot.report);
  core::keep(team, set, slot.set);
  return forward.status == Status::solved;
}

template <class Layout, Thread H>
BPQP_HD void condense_shared(const H& thread, const Batch& batch) {
  const Place<Layout> place(thread, batch.memory);
  if (place.team > 0) return;
  const auto team = Layout::team(thread, place.partial, batch.memory.grid);
  TeamShared& own = *place.shared;
  open_work(team, batch, place, Needs::vectors);
  copy_whole(team, batch.memory.slots[0], own.slot);
  const std::size_t N = batch.n, M = batch.m;
  if (batch.single) {
    widened(team, batch.P.at<float>(0), N * N, batch.memory.wide_P);
    widened(team, batch.A.at<float>(0), M * N, batch.memory.wide_A);
  }
  team.sync();
  const core::ProblemView<double> p = open_problem(team, batch, 0, own.wide);
  core::condense_slot(team, p, batch.options.scaling, own.slot, own.work);
  copy_whole(team, own.slot, batch.memory.slots[0]);
  core::keep(team, own.slot.own, *batch.memory.shared);
}

/// The slot `kept` with the arrays of solve_plain() in fast memory where they fit; `taken`: bytes
/// of it that the scratch has.
template <class Layout, GpuTeam T>
BPQP_STAGE void open_plain(
    const T& team,
    const Batch& batch,
    const core::Slot& kept,
    const Place<Layout>& place,
    std::size_t taken) {
  const BatchMemory& memory = batch.memory;
  core::Slot& slot = place.shared->slot;
  copy_whole(team, kept, slot);
  if (team.rank() == 0) {
    const BlockCopy* const copy = place.shared->copy;
    core::Arena rest(nullptr, place.fast + taken, memory.fast_bytes - taken);
    use_fast_memory(rest, batch.n, batch.m, !batch.shared && !batch.factored, slot);
    slot.used = copy ? copy->factors : batch.shared ? *memory.shared : slot.own;
  }
  team.sync();
}

/// What derivatives and later solves need, back in the slot `kept`.
template <GpuTeam T>
BPQP_STAGE void close_plain(
    const T& team, const Batch& batch, bool factored, core::Slot& slot, core::Slot& kept) {
  if (batch.derivatives)
    copy_arrays(team, slot, kept, batch.n, batch.m, !factored);
  else
    team.sync();  // others may still be reading the slot for its report
  if (team.rank() == 0) {
    slot = moved(slot, kept);
    slot.used = batch.shared ? *batch.memory.shared : slot.own;
  }
  copy_whole(team, slot, kept);
}

/// Solves the problems of the queue that go the plain way; the others are listed in `rest`.
template <class Layout, Thread H>
BPQP_HD void solve_plain(
    const H& thread, const Batch& batch, const Queue& queue, const List& rest) {
  const Place<Layout> place(thread, batch.memory);
  const auto team = Layout::team(thread, place.partial, batch.memory.grid);
  TeamShared& own = *place.shared;
  copy_shared<Layout>(team, batch, Reads::solve, own);
  const std::size_t taken = open_work(team, batch, place, Needs::vectors);
  for (Turns turns(team, queue, place); turns.more();) {
    const int b = turns.problem();
    if (b < 0) continue;
    core::Slot& kept = batch.slot(b, place.team);
    open_plain(team, batch, kept, place, taken);
    // A point from elsewhere may have taken the place of a problem's own factors.
    const bool factored =
        batch.shared || (batch.factored && own.slot.own.report.outcome == core::Condensing::done);
    // Where there is no start the origin is one: NaN is for problems that end without a point.
    core::load_start(team, own.slot, batch.n, batch.m, batch.start(b), true);
    const core::ProblemView<double> p = open_problem(team, batch, b, own.wide, own.copy);
    if (go_plain_way(team, p, batch.options, factored, own.slot, own.work)) {
      answer(team, batch, b, own.slot);
      close_plain(team, batch, factored, own.slot, kept);
    } else {
      append(team, rest, b);
    }
    team.sync();
  }
}

/// Solves one problem in its own slot, whichever way it takes.
template <bool kCones, GpuTeam T>
BPQP_STAGE void solve_anyhow(const T& team, const Batch& batch, int b, TeamShared& own) {
  core::Slot& slot = own.slot;
  const core::Work& work = own.work;
  const core::ProblemView<double> p = open_problem(team, batch, b, own.wide);
  const auto factored = [](const core::Condensed<double>& c) {
    return c.report.outcome == core::Condensing::done;
  };
  if (batch.shared) {
    core::keep(team, *batch.memory.shared, slot.used);
  } else {
    // Those of a problem with cones end as its point's: they hold its curvature.
    const bool there = batch.factored && batch.cones.count == 0 && factored(slot.own);
    if (!there) core::condense_slot(team, p, batch.options.scaling, slot, work);
    core::keep(team, slot.own, slot.used);
  }
  core::load_start(team, slot, batch.n, batch.m, batch.start(b), batch.last_point);
  if (!factored(slot.used))
    core::keep(team, core::never_started(core::status_of(slot.used.report.outcome)), slot.report);
  else if constexpr (kCones)
    core::solve_slot_cones(team, p, batch.options, slot, work);
  else
    core::solve_slot_rows(team, p, batch.options, slot, work);
}

/// kCones: the shape has cones.
template <class Layout, bool kCones, Thread H>
BPQP_HD void solve_rest(const H& thread, const Batch& batch, const Queue& queue) {
  const Place<Layout> place(thread, batch.memory);
  const auto team = Layout::team(thread, place.partial, batch.memory.grid);
  TeamShared& own = *place.shared;
  open_work(team, batch, place, Needs::everything);
  for (Turns turns(team, queue, place); turns.more();) {
    const int b = turns.problem();
    copy_whole(team, batch.slot(b, place.team), own.slot);
    solve_anyhow<kCones>(team, batch, b, own);
    answer(team, batch, b, own.slot);
    copy_whole(team, own.slot, batch.slot(b, place.team));
  }
}

/// The relaxed point of problem b, if it has a gradient.
template <GpuTeam T>
BPQP_STAGE void relax(const T& team, const Batch& batch, int b, double kappa, TeamShared& own) {
  copy_whole(team, batch.memory.slots[b], own.slot);
  if (!own.slot.has_gradient) return;
  const core::ProblemView<double> p = open_problem(team, batch, b, own.wide);
  core::relax_slot(team, p, kappa, own.slot, own.work);
  if (team.rank() == 0) batch.report[b].differentiable = own.slot.report.differentiable;
  copy_whole(team, own.slot, batch.memory.slots[b]);
}

template <class Layout, Thread H>
BPQP_HD void relax_points(const H& thread, const Batch& batch, const Queue& queue, double kappa) {
  const Place<Layout> place(thread, batch.memory);
  const auto team = Layout::team(thread, place.partial, batch.memory.grid);
  TeamShared& own = *place.shared;
  open_work(team, batch, place, Needs::everything);
  for (Turns turns(team, queue, place); turns.more();)
    relax(team, batch, turns.problem(), kappa, own);
}

}  // namespace bpqp::gpu
