/// \file
/// CpuEngine: what a solve tells: reports, solutions, progress, the log.
#include <algorithm>
#include <cstdio>

#include "core/answer.hpp"
#include "cpu_engine.hpp"

namespace bpqp {
template <class R>
Report CpuEngine<R>::report_of(const cpu::Slot& s) const {
  return core::report_of(core::SerialTeam(), s, shape.m);
}

template <class R>
void CpuEngine<R>::write(const Solution<R>& out, const cpu::Slot& s, const View&, int b) {
  const auto n = std::size_t(shape.n), m = std::size_t(shape.m), at = std::size_t(b);
  const core::AnswerTargets<R> targets{
      out.x ? out.x + at * n : nullptr, out.y ? out.y + at * m : nullptr,
      out.active ? out.active + at * m : nullptr};
  core::write_answer(core::SerialTeam(), s, shape.n, shape.m, settings.last_point, targets);
  reports_[at] = report_of(s);
  if (out.report) out.report[at] = reports_[at];
}

template <class R>
void CpuEngine<R>::progress(int finished) {
  if (!settings.progress) return;
  const std::lock_guard<std::mutex> lock(progress_mutex_);
  finished_ += finished;
  const int step = std::max(1, batch_ / 100);
  if (finished_ % step == 0 || finished_ == batch_) settings.progress(finished_, batch_);
}

template <class R>
void CpuEngine<R>::log_summary(int batch, double seconds) const {
  if (!settings.log) return;
  int solved = 0, inaccurate = 0, worst = 0;
  for (int b = 0; b < batch; ++b) {
    solved += reports_[std::size_t(b)].status == Status::solved;
    inaccurate += reports_[std::size_t(b)].status == Status::solved_inaccurate;
    worst = std::max(worst, reports_[std::size_t(b)].iterations);
  }
  char line[160];
  std::snprintf(
      line, sizeof line, "bpqp: %d of %d solved, %d inaccurate, at most %d iterations, %.3g s",
      solved, batch, inaccurate, worst, seconds);
  settings.log(line);
}

#define BPQP_INSTANTIATE(R)                                                                  \
  template Report CpuEngine<R>::report_of(const cpu::Slot&) const;                           \
  template void CpuEngine<R>::write(const Solution<R>&, const cpu::Slot&, const View&, int); \
  template void CpuEngine<R>::progress(int);                                                 \
  template void CpuEngine<R>::log_summary(int, double) const;
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
