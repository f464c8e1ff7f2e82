/// \file
/// CpuEngine: the forward pass over a batch.
#include <algorithm>
#include <cstddef>
#include <string>

#include "core/steps.hpp"
#include "cpu_engine.hpp"
#include "forward_options.hpp"

namespace bpqp {
namespace {

bool factored(const core::Condensed<double>& c) {
  return c.report.outcome == core::Condensing::done;
}

}  // namespace

template <class R>
core::ProblemView<R> CpuEngine<R>::view(const Problem<R>& p, int b) const {
  const auto at = [b](const R* data, std::int64_t stride) {
    return data ? data + std::int64_t(b) * stride : nullptr;
  };
  return {
      shape.n,
      shape.m,
      at(p.P.data, p.P.stride),
      at(p.q.data, p.q.stride),
      at(p.A.data, p.A.stride),
      at(p.l.data, p.l.stride),
      at(p.u.data, p.u.stride),
      {int(shape.cones.size()), cone_start_.data()}};
}

template <class R>
bool CpuEngine<R>::by_tiles(int batch) const {
  return executor_.tiles() && batch < executor_.threads() && worth_tiles(shape);
}

template <class R>
void CpuEngine<R>::solve(const Problem<R>& problem, const Solution<R>& solution, Changed changed) {
  const auto start = Clock::now();
  problem_ = problem;
  solution_ = solution;
  finished_ = 0;
  if (settings.time_limit > 0) {
    deadline_ = start + std::chrono::duration_cast<Clock::duration>(
                            std::chrono::duration<double>(settings.time_limit));
    options_.clock = &deadline_;
    options_.expired = [](const void* deadline) {
      return Clock::now() > *static_cast<const Clock::time_point*>(deadline);
    };
  }
  batch_ = problem.batch;
  // P and A shared: factored once, by the first problem, for all.
  const Kept now = kept_of(problem);
  const bool shared =  // not with cones: their factors hold the point's curvature
      settings.gradients && now.shares_P && now.shares_A && shape.cones.empty();
  if (shared && (changed == Changed::everything || !factored(slots_[0].own))) {
    const cpu::CpuTeam team(executor_.tiles());
    kernels_.condense(team, view(problem, 0), settings.scaling, slots_[0], works_[0]);
  }
  // Nor packs, whether or not there are several problems to share.
  const bool one_matrix = problem.P.stride == 0 && problem.A.stride == 0;
  if (lanes_ > 1 && !one_matrix && problem.P.data) {
    for_packs(batch_, [&](int worker, int first, int count) {
      solve_pack(worker, first, count, changed);
    });
  } else {
    for_problems(batch_, [&](const cpu::CpuTeam& team, int worker, int b) {
      solve_one(b, team, worker, changed, shared);
    });
  }
  std::fill(has_start_.begin(), has_start_.end(), char(0));
  log_summary(batch_, std::chrono::duration<double>(Clock::now() - start).count());
}

template <class R>
void CpuEngine<R>::solve_one(
    int b, const cpu::CpuTeam& team, int worker, Changed changed, bool shared) {
  const auto start = Clock::now();
  const View p = view(problem_, b);
  cpu::Slot& s = slot(b, worker);
  cpu::Work& work = works_[std::size_t(worker)];
  const bool late = options_.out_of_time();
  if (shared) {
    s.used = slots_[0].own;
  } else {
    // Those of a problem with cones end as its point's: they hold its curvature.
    if (changed == Changed::everything || !shape.cones.empty()) forget_factors(s);
    if (!late && !factored(s.own)) kernels_.condense(team, p, settings.scaling, s, work);
    s.used = s.own;
  }
  s.packed = false;
  load_start(b, s);
  if (late) {
    s.report = core::never_started(Status::iteration_limit);
  } else if (factored(s.used)) {
    kernels_.forward(team, p, options_, s, work);
  } else {
    s.report = core::never_started(core::status_of(s.used.report.outcome));
  }
  s.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  finish_one(b, s, worker, team);
}

/// What follows the solve of a problem.
template <class R>
void CpuEngine<R>::finish_one(int b, cpu::Slot& s, int worker, const cpu::CpuTeam& team) {
  const View p = view(problem_, b);
  core::finish_slot(core::SerialTeam(), s, settings.gradients && settings.polish);
  if (s.has_gradient && settings.kappa > 0) {
    const auto start = Clock::now();
    kernels_.relax(team, p, settings.kappa, s, works_[std::size_t(worker)]);
    s.seconds += std::chrono::duration<double>(Clock::now() - start).count();
  }
  write(solution_, s, p, b);
  progress(1);
}

#define BPQP_INSTANTIATE(R)                                                            \
  template void CpuEngine<R>::solve(const Problem<R>&, const Solution<R>&, Changed);   \
  template core::ProblemView<R> CpuEngine<R>::view(const Problem<R>&, int) const;      \
  template bool CpuEngine<R>::by_tiles(int) const;                                     \
  template void CpuEngine<R>::solve_one(int, const cpu::CpuTeam&, int, Changed, bool); \
  template void CpuEngine<R>::finish_one(int, cpu::Slot&, int, const cpu::CpuTeam&);
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
