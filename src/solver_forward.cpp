/// \file
/// Solver<R>::Impl: construction and the forward pass over a batch.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "solver_impl.hpp"
#include "validate.hpp"

namespace bpqp {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/// Problems of at least this many variables are worth the tiles of several threads.
constexpr int kTiledVariables = 512;

void check_device(Device device) {
  if (device == Device::cuda)
    throw DeviceError("device: cuda was asked for, but this build has no CUDA backend");
}

core::ForwardOptions forward_options(const Settings& s, const Shape& shape) {
  core::ForwardOptions o;
  o.method = s.method;
  o.eps_abs = s.eps_abs, o.eps_rel = s.eps_rel;
  o.max_iter = s.max_iter;
  o.max_exchanges = s.max_exchanges > 0 ? s.max_exchanges : 100 + 20 * (shape.n + shape.m);
  o.rho = s.rho, o.alpha = s.alpha, o.adaptive_rho = s.adaptive_rho;
  o.scaling = s.scaling;
  o.polish = s.polish;
  return o;
}

}  // namespace

template <class R>
Solver<R>::Impl::Impl(const Shape& shape_in, int capacity_in, const Settings& settings_in)
    : shape(shape_in),
      capacity(capacity_in),
      settings((validate(shape_in, capacity_in, settings_in), settings_in)),
      backend_((check_device(settings_in.device), cpu::backend())),
      kernels_(backend_.kernels(R())),
      executor_(settings_in.threads) {
  const int n = shape.n, m = shape.m, workers = executor_.threads();
  const auto slots = std::size_t(settings.gradients ? capacity : workers);
  core::Arena one_slot(nullptr), one_work(nullptr);
  cpu::Slot::lay_out(one_slot, n, m);
  cpu::Work::lay_out(one_work, n, m);
  const double wanted =
      double(slots) * double(one_slot.bytes()) + double(workers) * double(one_work.bytes());
  try {
    if (wanted > 1e15) throw std::bad_alloc();
    memory_ = std::make_unique<Block>(slots * one_slot.bytes() +
                                      std::size_t(workers) * one_work.bytes());
    slots_.reserve(slots);
    reports.resize(std::size_t(capacity));
  } catch (const std::bad_alloc&) {
    throw InvalidArgument(
        "capacity: a Solver of this shape and capacity needs " +
        std::to_string(wanted / (1024.0 * 1024 * 1024)) + " GiB, which this machine does not give");
  }
  core::Arena arena(memory_->data());
  for (std::size_t b = 0; b < slots; ++b) slots_.push_back(cpu::Slot::lay_out(arena, n, m));
  for (int w = 0; w < workers; ++w) works_.push_back(cpu::Work::lay_out(arena, n, m));
  options_ = forward_options(settings, shape);
  bytes = memory_->bytes() + slots * sizeof(cpu::Slot) + reports.size() * sizeof(Report);
}

template <class R>
core::ProblemView<R> Solver<R>::Impl::view(const Problem<R>& p, int b) const {
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
      at(p.u.data, p.u.stride)};
}

template <class R>
bool Solver<R>::Impl::by_tiles(int batch) const {
  return executor_.tiles() && batch < executor_.threads() &&
         shape.n + shape.m >= kTiledVariables;
}

template <class R>
void Solver<R>::Impl::solve(
    const Problem<R>& problem, const Solution<R>& solution, Changed changed) {
  validate(problem, shape, capacity);
  if (changed != Changed::everything && changed != Changed::vectors)
    throw InvalidArgument(
        "changed: expected everything or vectors, got " + std::to_string(int(changed)));
  if (changed == Changed::vectors) {
    if (batch_ == 0)
      throw InvalidArgument(
          "changed: expected everything in the first solve, got vectors, but no factors are kept");
    if (!settings.gradients)
      throw InvalidArgument(
          "changed: expected everything, got vectors, but Settings::gradients is false, so that no "
          "factors are kept");
    if (batch_ != problem.batch)
      throw InvalidArgument(
          "problem.batch: expected " + std::to_string(batch_) +
          " (that of the last solve, whose factors are kept), got " +
          std::to_string(problem.batch));
  }
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
  const bool shared = settings.gradients && problem.batch > 1 && problem.P.stride == 0 &&
                      problem.A.stride == 0;
  if (shared && changed == Changed::everything) {
    const cpu::CpuTeam team(executor_.tiles());
    kernels_.condense(team, view(problem, 0), settings.scaling, slots_[0], works_[0]);
  }
  for_problems(batch_, [&](const cpu::CpuTeam& team, int worker, int b) {
    solve_one(b, team, worker, changed, shared);
  });
  log_summary(batch_, std::chrono::duration<double>(Clock::now() - start).count());
}

template <class R>
void Solver<R>::Impl::solve_one(
    int b, const cpu::CpuTeam& team, int worker, Changed changed, bool shared) {
  const auto start = Clock::now();
  const View p = view(problem_, b);
  cpu::Slot& s = slot(b, worker);
  cpu::Work& work = works_[std::size_t(worker)];
  const bool late = options_.out_of_time();
  const auto factored = [](const core::Condensed<double>& c) {
    return c.report.outcome == core::Condensing::done;
  };
  if (shared) {
    s.used = slots_[0].own;
  } else {
    if (!late && (changed == Changed::everything || !factored(s.own)))
      kernels_.condense(team, p, settings.scaling, s, work);
    s.used = s.own;
  }
  s.has_gradient = false;
  if (!s.warm) {  // what stands where a problem ends without a point
    std::fill_n(s.x, shape.n, settings.last_point ? 0 : kNaN);
    std::fill_n(s.y, shape.m, settings.last_point ? 0 : kNaN);
    std::fill_n(s.set.side, shape.m, (signed char)0);
  }
  if (late) {
    s.report = {};
    s.report.status = Status::iteration_limit;
  } else if (factored(s.used)) {
    kernels_.forward(team, p, options_, s, work);
  } else {
    s.report = {};
    s.report.status = s.used.report.outcome == core::Condensing::not_finite ? Status::invalid_input
                      : s.used.report.outcome == core::Condensing::non_convex
                          ? Status::non_convex
                          : Status::numerical_error;
  }
  s.warm = false;
  const bool answered =
      s.report.status == Status::solved || s.report.status == Status::solved_inaccurate;
  s.has_gradient = settings.gradients && settings.polish && answered;
  s.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  write(solution_, s, p, b);
  progress(1);
}

template <class R>
Report Solver<R>::Impl::report_of(const cpu::Slot& s) const {
  const core::ForwardReport& f = s.report;
  const core::Residuals& r = f.residuals;
  Report out;
  out.status = f.status;
  out.method = f.method;
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
  const bool last = point || settings.last_point;
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

template <class R>
void Solver<R>::Impl::warm_start(int batch, const VectorBatch<R>& x, const VectorBatch<R>& y) {
  if (!settings.gradients)
    throw InvalidArgument("warm_start: expected Settings::gradients to be true, got false");
  if (batch < 1 || batch > capacity)
    throw InvalidArgument(
        "batch: expected 1 ... " + std::to_string(capacity) + " (the capacity), got " +
        std::to_string(batch));
  validate_vector("x", x, shape.n, batch);
  validate_vector("y", y, shape.m, batch);
  for (int b = 0; b < batch; ++b) {
    cpu::Slot& s = slots_[std::size_t(b)];
    bool finite = true;
    const auto load = [&](const VectorBatch<R>& v, int size, double* to) {
      for (int j = 0; j < size; ++j) {
        to[j] = v.data ? double(v.data[std::int64_t(b) * v.stride + j]) : 0;
        finite = finite && std::isfinite(to[j]);
      }
    };
    load(x, shape.n, s.x);
    load(y, shape.m, s.y);
    s.warm = finite;
    s.has_gradient = false;
  }
}

#define BPQP_INSTANTIATE(R)                                                                        \
  template Solver<R>::Impl::Impl(const Shape&, int, const Settings&);                              \
  template void Solver<R>::Impl::solve(const Problem<R>&, const Solution<R>&, Changed);            \
  template void Solver<R>::Impl::warm_start(int, const VectorBatch<R>&, const VectorBatch<R>&);    \
  template core::ProblemView<R> Solver<R>::Impl::view(const Problem<R>&, int) const;               \
  template bool Solver<R>::Impl::by_tiles(int) const;                                              \
  template Report Solver<R>::Impl::report_of(const cpu::Slot&) const;
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
