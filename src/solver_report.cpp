/// \file
/// Solver<R>::Impl: what a solve tells: reports, solutions, progress, the log.
#include <algorithm>
#include <cstdio>
#include <limits>

#include "solver_impl.hpp"

namespace bpqp {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

template <class R>
Report Solver<R>::Impl::report_of(const cpu::Slot& s) const {
  const core::ForwardReport& f = s.report;
  const core::Residuals& r = f.residuals;
  Report out;
  out.status = f.status;
  // ADMM has nothing to do without rows.
  out.method = shape.m > 0 || f.method != Method::admm ? f.method : Method::automatic;
  out.iterations = f.iterations;
  out.exchanges = f.exchanges;
  out.differentiable = f.differentiable;
  out.verified = f.verified;
  out.seconds = s.seconds;
  const bool point = f.status <= Status::numerical_error;
  out.objective = point ? r.objective : kNaN;
  out.primal_residual = point ? r.primal : kNaN;
  out.dual_residual = point ? r.dual : kNaN;
  out.gap = point ? r.gap : kNaN;
  out.primal_residual_relative = point ? r.relative(r.primal, r.primal_scale) : kNaN;
  out.dual_residual_relative = point ? r.relative(r.dual, r.dual_scale) : kNaN;
  out.gap_relative = point ? r.relative(r.gap, r.gap_scale) : kNaN;
  if (point)
    for (int i = 0; i < shape.m; ++i) out.active += s.set.side[i] != 0;
  return out;
}

template <class R>
void Solver<R>::Impl::write(const Solution<R>& out, const cpu::Slot& s, const View&, int b) {
  const auto n = std::size_t(shape.n), m = std::size_t(shape.m), at = std::size_t(b);
  const Status status = s.report.status;
  const bool point = status <= Status::numerical_error;
  const bool last = point || (settings.last_point && status != Status::invalid_input);
  const bool keep_x = last || (status == Status::dual_infeasible && s.report.certified);
  const bool keep_y = last || (status == Status::primal_infeasible && s.report.certified);
  if (out.x)
    for (std::size_t j = 0; j < n; ++j) out.x[at * n + j] = keep_x ? R(s.x[j]) : R(kNaN);
  if (out.y)
    for (std::size_t i = 0; i < m; ++i) out.y[at * m + i] = keep_y ? R(s.y[i]) : R(kNaN);
  if (out.active)
    for (std::size_t i = 0; i < m; ++i) out.active[at * m + i] = point ? s.set.side[i] : 0;
  reports[at] = report_of(s);
  if (out.report) out.report[at] = reports[at];
}

template <class R>
void Solver<R>::Impl::progress(int finished) {
  if (!settings.progress) return;
  const std::lock_guard<std::mutex> lock(progress_mutex_);
  finished_ += finished;
  const int step = std::max(1, batch_ / 100);
  if (finished_ % step == 0 || finished_ == batch_) settings.progress(finished_, batch_);
}

template <class R>
void Solver<R>::Impl::log_summary(int batch, double seconds) const {
  if (!settings.log) return;
  int solved = 0, inaccurate = 0, worst = 0;
  for (int b = 0; b < batch; ++b) {
    solved += reports[std::size_t(b)].status == Status::solved;
    inaccurate += reports[std::size_t(b)].status == Status::solved_inaccurate;
    worst = std::max(worst, reports[std::size_t(b)].iterations);
  }
  char line[160];
  std::snprintf(
      line, sizeof line, "bpqp: %d of %d solved, %d inaccurate, at most %d iterations, %.3g s",
      solved, batch, inaccurate, worst, seconds);
  settings.log(line);
}

#define BPQP_INSTANTIATE(R)                                                                     \
  template Report Solver<R>::Impl::report_of(const cpu::Slot&) const;                           \
  template void Solver<R>::Impl::write(const Solution<R>&, const cpu::Slot&, const View&, int); \
  template void Solver<R>::Impl::progress(int);                                                 \
  template void Solver<R>::Impl::log_summary(int, double) const;
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
