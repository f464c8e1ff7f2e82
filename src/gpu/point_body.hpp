/// \file
/// The bodies that take in what others found: KKT points, and starts of the next solve.
#pragma once

#include "core/point_steps.hpp"
#include "gpu/solve_body.hpp"

namespace bpqp::gpu {

/// Factors the points for the derivatives.
template <class Layout, Thread H>
BPQP_HD void attach_points(
    const H& thread, const Batch& batch, const Queue& queue, const Points& points) {
  const Place<Layout> place(thread, batch.memory);
  const auto team = Layout::team(thread, place.partial, batch.memory.grid);
  TeamShared& own = *place.shared;
  open_work(team, batch, place, Needs::vectors);
  for (Turns turns(team, queue, place); turns.more();) {
    const int b = turns.problem();
    copy_whole(team, batch.memory.slots[b], own.slot);
    const core::ProblemView<double> p = open_problem(team, batch, b, own.wide);
    Report report;
    with_type(batch.single, [&]<class D>(D) {
      const core::PointSource<D> point = points.at<D>(b);
      const bool finite = core::load_point(team, point, batch.n, batch.m, own.slot);
      core::attach_slot(team, p, batch.options.scaling, finite, own.slot, own.work);
      report = core::report_of_point(team, p, point, own.slot, own.work.forward.t);
    });
    if (team.rank() == 0) {
      batch.report[b] = report;
      own.slot.own.report.outcome = core::Condensing::failed;  // not the factors of a solve
    }
    copy_whole(team, own.slot, batch.memory.slots[b]);
  }
}

/// Copies starts; one with a NaN or an infinite entry is none.
template <class Layout, Thread H>
BPQP_HD void load_starts(
    const H& thread, const Batch& batch, const Queue& queue, const Starts& from) {
  const Place<Layout> place(thread, batch.memory);
  const auto team = Layout::team(thread, place.partial, batch.memory.grid);
  const int n = batch.n, m = batch.m;
  for (Turns turns(team, queue, place); turns.more();) {
    const int b = turns.problem();
    if (b < 0) continue;
    double* const start = from.starts + std::size_t(b) * std::size_t(n + m);
    double broken = 0;
    const auto load = [&](const auto* v, int size, double* to) {
      for (int i : team.items(size)) {
        to[i] = v ? double(v[i]) : 0;
        if (!(core::magnitude(to[i]) < INFINITY)) broken = 1;
      }
    };
    with_type(batch.single, [&]<class D>(D) {
      load(from.x.at<D>(b), n, start);
      load(from.y.at<D>(b), m, start + n);
    });
    broken = team.max(broken);
    if (team.rank() == 0) from.has_start[b] = broken == 0;
  }
}

}  // namespace bpqp::gpu
