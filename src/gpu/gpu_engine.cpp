#include "gpu/gpu_engine.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <type_traits>

#include "forward_options.hpp"

namespace bpqp::gpu {
namespace {

void check_settings(const Settings& s) {
  const auto expect = [](bool given, const char* setting, const char* wanted, const char* why,
                         const std::string& got) {
    if (given)
      throw InvalidArgument(
          std::string(setting) + ": expected " + wanted + " with device cuda (" + why + "), got " +
          got);
  };
  expect(
      s.time_limit > 0, "time_limit", "0", "its kernels read no clock",
      std::to_string(s.time_limit));
  expect(bool(s.progress), "progress", "none", "calls do not wait for the device", "a function");
  expect(bool(s.log), "log", "none", "calls do not wait for the device", "a function");
}

}  // namespace

/// All but the memory.
template <class R>
GpuEngine<R>::GpuEngine(
    Counting,
    const Shape& shape,
    int capacity,
    const Settings& settings,
    std::unique_ptr<Runtime> runtime)
    : shape_(shape),
      capacity_(capacity),
      settings_((check_settings(settings), settings)),
      runtime_(std::move(runtime)),
      problem_(*runtime_),
      staging_(*runtime_) {
  const int n = shape.n, m = shape.m;
  linear_rows_ = m - std::accumulate(shape.cones.begin(), shape.cones.end(), 0);
  plan_ = runtime_->plan(n, m, false), rest_plan_ = runtime_->plan(n, m, true);
  shared_plan_ = runtime_->shared_plan(n, m, Reads::solve);
  shared_adjoint_plan_ = runtime_->shared_plan(n, m, Reads::adjoint);
  for (const Plan* plan : {&plan_, &rest_plan_, &shared_plan_, &shared_adjoint_plan_})
    teams_ = std::max(teams_, plan->teams(capacity));
  slots_ = settings.gradients ? capacity : teams_;
  core::Arena slot(nullptr), work(nullptr), count(nullptr);
  core::Slot::lay_out(slot, n, m, linear_rows_, settings.kappa > 0);
  core::Work some_work;
  WideData some_data;
  lay_out_scratch(work, n, m, Needs::everything, kSingle, some_work, some_data);
  slot_bytes_ = slot.bytes(), scratch_bytes_ = work.bytes();
  lay_out(count);
  bytes_ = count.bytes();
}

template <class R>
std::size_t GpuEngine<R>::bytes_needed(
    const Shape& shape, int capacity, const Settings& settings, std::unique_ptr<Runtime> runtime) {
  return GpuEngine(Counting(), shape, capacity, settings, std::move(runtime)).bytes_;
}

template <class R>
GpuEngine<R>::GpuEngine(
    const Shape& shape, int capacity, const Settings& settings, std::unique_ptr<Runtime> runtime)
    : GpuEngine(Counting(), shape, capacity, settings, std::move(runtime)) {
  if (runtime_->capturing())
    throw InvalidArgument(
        "stream: expected one that is not captured in a CUDA graph while a Solver is made, got one "
        "that is");
  prepare();
  reports_.resize(std::size_t(capacity));
  memory_ = DeviceBlock(*runtime_, bytes_);
  core::Arena arena(memory_.data());
  at_ = lay_out(arena);
  upload();

  Batch& batch = arguments_.batch;
  batch.n = shape.n, batch.m = shape.m;
  batch.single = kSingle;
  if (!shape.cones.empty()) batch.cones = {int(shape.cones.size()), at_.cone_start};
  batch.options = forward_options(settings, shape);
  BatchMemory& memory = batch.memory;
  memory.slots = at_.slots, memory.slot_stride = std::int64_t(slot_bytes_ / sizeof(double));
  memory.scratch = at_.scratch, memory.scratch_bytes = scratch_bytes_;
  memory.shared = at_.shared;
  memory.wide_P = at_.wide_P, memory.wide_A = at_.wide_A;
  batch.derivatives = settings.gradients;
  batch.last_point = settings.last_point;
  batch.report = at_.reports;
}

template <class R>
auto GpuEngine<R>::lay_out(core::Arena& arena) const -> Layout {
  const auto B = std::size_t(capacity_);
  Layout at;
  at.slots = arena.take<core::Slot>(std::size_t(slots_));
  at.arrays = arena.take<char>(std::size_t(slots_) * slot_bytes_);
  at.scratch = arena.take<char>(std::size_t(teams_) * scratch_bytes_);
  at.shared = arena.take<core::Condensed<double>>(1);
  const std::size_t N = shape_.n, M = shape_.m;
  at.wide_P = arena.take<double>(kSingle ? N * N : 0);
  at.wide_A = arena.take<double>(kSingle ? M * N : 0);
  at.counters = arena.take<int>(kCounters);
  at.rest = arena.take<int>(B);
  std::size_t grid_bytes = 0;
  for (const Plan* plan : {&plan_, &rest_plan_}) {
    GridMemory grid;
    if (plan->by_grid())
      grid_bytes = std::max(grid_bytes, lay_out_grid(plan->most_blocks, nullptr, grid));
  }
  at.grid = arena.take<char>(grid_bytes);
  at.cone_start = arena.take<int>(shape_.cones.size() + 1);
  at.starts = arena.take<double>(settings_.gradients ? B * std::size_t(shape_.n + shape_.m) : 0);
  at.has_start = arena.take<std::int8_t>(B);
  at.reports = arena.take<Report>(B);
  return at;
}

// They are copied as bytes.
static_assert(std::is_trivially_copyable_v<core::Slot> && std::is_trivially_copyable_v<Report>);

template <class R>
void GpuEngine<R>::upload() {
  std::vector<core::Slot> slots;
  core::Arena arrays(at_.arrays);
  for (int b = 0; b < slots_; ++b)
    slots.push_back(
        core::Slot::lay_out(arrays, shape_.n, shape_.m, linear_rows_, settings_.kappa > 0));
  runtime_->copy(at_.slots, slots.data(), slots.size() * sizeof(core::Slot));
  std::vector<int> starts{linear_rows_};
  for (int d : shape_.cones) starts.push_back(starts.back() + d);
  runtime_->copy(at_.cone_start, starts.data(), starts.size() * sizeof(int));
  runtime_->copy(at_.reports, reports_.data(), reports_.size() * sizeof(Report));
}

template <class R>
RealsOut GpuEngine<R>::out(R* data, std::int64_t size) {
  return {staging_.out(data, std::size_t(size * arguments_.batch.count)), size};
}

/// The kernels that follow are about problems 0 ... count - 1, from the first on.
template <class R>
void GpuEngine<R>::queue_all(int count) {
  runtime_->fill(at_.counters, 0, kCounters * sizeof(int));
  arguments_.queue = {at_.counters + kNext, count};
}

template <class R>
const Plan& GpuEngine<R>::plan_of(Kernel kernel) const {
  if (is_rest(kernel)) return rest_plan_;
  if (!arguments_.batch.shared) return plan_;
  return kernel == Kernel::solve_plain     ? shared_plan_
         : kernel == Kernel::differentiate ? shared_adjoint_plan_
                                           : plan_;
}

/// The kernel over `count` problems.
template <class R>
void GpuEngine<R>::launch(Kernel kernel, int count) {
  const Plan& plan = plan_of(kernel);
  BatchMemory& memory = arguments_.batch.memory;
  memory.fast_bytes = plan.fast_bytes, memory.copy_bytes = plan.copy_bytes;
  if (plan.by_grid()) lay_out_grid(plan.most_blocks, at_.grid, memory.grid);
  arguments_.queue.each = plan.each(count);
  runtime_->launch(kernel, plan, plan.blocks_for(count), arguments_);
}

/// That of arguments_.adjoint.
template <class R>
void GpuEngine<R>::launch_adjoint(int count) {
  queue_all(count);
  launch(
      at_relaxed_points()                                 ? Kernel::differentiate_relaxed
      : settings_.backward_method == BackwardMethod::admm ? Kernel::differentiate_by_admm
                                                          : Kernel::differentiate,
      count);
}

template <class R>
void GpuEngine<R>::set_problem(const Problem<R>& p) {
  const std::int64_t n = shape_.n, m = shape_.m;
  Batch& batch = arguments_.batch;
  batch.count = p.batch;
  problem_.start();
  const auto data = [&](const auto& v, std::int64_t size) {
    return in(problem_, v, size, p.batch);
  };
  batch.P = data(p.P, n * n), batch.q = data(p.q, n), batch.A = data(p.A, m * n);
  batch.l = data(p.l, m), batch.u = data(p.u, m);
}

/// Whether problems may go the plain way: the others are found out one by one.
template <class R>
bool GpuEngine<R>::goes_plain(const Problem<R>& p) const {
  return settings_.method == Method::automatic && settings_.polish && shape_.cones.empty() &&
         p.P.data;
}

/// The end of a call that solved: the reports to where the caller wants them (may be null), and
/// what is in the host's memory.
template <class R>
void GpuEngine<R>::finish(Report* reports) {
  const auto count = std::size_t(arguments_.batch.count);
  Report* const to = staging_.out(reports, count);
  if (to) runtime_->copy(to, at_.reports, count * sizeof(Report));
  staging_.finish();
}

template <class R>
void GpuEngine<R>::solve(const Problem<R>& problem, const Solution<R>& solution, Changed changed) {
  refuse_in_capture(
      {{"P", problem.P.data},
       {"q", problem.q.data},
       {"A", problem.A.data},
       {"l", problem.l.data},
       {"u", problem.u.data},
       {"x", solution.x},
       {"y", solution.y},
       {"active", solution.active},
       {"report", solution.report}});
  staging_.start();
  set_problem(problem);
  const std::int64_t n = shape_.n, m = shape_.m;
  Batch& batch = arguments_.batch;
  const Kept now = kept_of(problem);
  batch.shared = now.shares_P && now.shares_A && shape_.cones.empty();
  batch.factored = changed == Changed::vectors;
  batch.starts = has_starts_ ? at_.starts : nullptr, batch.has_start = at_.has_start;
  batch.x = out(solution.x, n), batch.y = out(solution.y, m);
  batch.active = {staging_.out(solution.active, std::size_t(m * batch.count)), m};
  queue_all(batch.count);
  if (batch.shared && (!batch.factored || attached_)) launch(Kernel::condense_shared, 1);
  if (goes_plain(problem)) {
    arguments_.rest = {at_.counters + kRest, at_.rest};
    launch(Kernel::solve_plain, batch.count);
    arguments_.queue = {at_.counters + kNextOfRest, 0, at_.counters + kRest, at_.rest};
  }
  launch(shape_.cones.empty() ? Kernel::solve_rest : Kernel::solve_cones, batch.count);
  if (settings_.kappa > 0) {
    arguments_.kappa = settings_.kappa;
    queue_all(batch.count);
    launch(Kernel::relax_points, batch.count);
  }
  has_starts_ = attached_ = false;
  finish(solution.report);
}

template <class R>
void GpuEngine<R>::warm_start(int count, const VectorBatch<R>& x, const VectorBatch<R>& y) {
  refuse_in_capture({{"x", x.data}, {"y", y.data}});
  staging_.start();
  arguments_.starts = {
      count, in(staging_, x, shape_.n, count), in(staging_, y, shape_.m, count), at_.starts,
      at_.has_start};
  runtime_->fill(at_.has_start, 0, std::size_t(capacity_));
  queue_all(count);
  launch(Kernel::load_starts, count);
  has_starts_ = true;
}

template <class R>
const Report* GpuEngine<R>::reports() {
  if (runtime_->capturing())
    throw InvalidArgument(
        "reports: expected a stream that is not captured in a CUDA graph (they are waited for), "
        "got "
        "one that is; Solution::report takes memory of the device");
  runtime_->copy(reports_.data(), at_.reports, reports_.size() * sizeof(Report));
  runtime_->wait();
  return reports_.data();
}

#define BPQP_INSTANTIATE(R)                                                                       \
  template GpuEngine<R>::GpuEngine(const Shape&, int, const Settings&, std::unique_ptr<Runtime>); \
  template std::size_t GpuEngine<R>::bytes_needed(                                                \
      const Shape&, int, const Settings&, std::unique_ptr<Runtime>);                              \
  template void GpuEngine<R>::set_problem(const Problem<R>&);                                     \
  template RealsOut GpuEngine<R>::out(R*, std::int64_t);                                          \
  template void GpuEngine<R>::queue_all(int);                                                     \
  template const Plan& GpuEngine<R>::plan_of(Kernel) const;                                       \
  template void GpuEngine<R>::launch(Kernel, int);                                                \
  template void GpuEngine<R>::launch_adjoint(int);                                                \
  template void GpuEngine<R>::finish(Report*);                                                    \
  template void GpuEngine<R>::solve(const Problem<R>&, const Solution<R>&, Changed);              \
  template void GpuEngine<R>::warm_start(int, const VectorBatch<R>&, const VectorBatch<R>&);      \
  template const Report* GpuEngine<R>::reports();
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp::gpu
