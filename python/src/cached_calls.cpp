#include "cached_calls.hpp"

#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bpqp/bpqp.hpp"
#include "report_fields.hpp"
#include "right_sides.hpp"
#include "settings_text.hpp"
#include "solver_cache.hpp"

namespace bpqp::python {
namespace {

template <class R>
struct TypedSolver : CachedSolver {
  TypedSolver(const Shape& shape, int capacity, const Settings& settings)
      : solver(shape, capacity, settings) {}
  int capacity() const override { return solver.capacity(); }
  std::size_t bytes() const override {
    std::size_t entries = 0;
    for (const Batch<R>* b : {&P, &q, &A, &l, &u}) entries += b->copy.capacity();
    return solver.bytes() + entries * sizeof(R);
  }

  Solver<R> solver;
  Batch<R> P, q, A, l, u;
};

std::vector<int> cones_of(std::string_view text) {
  std::vector<int> cones;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    cones.push_back(std::stoi(std::string(text.substr(0, comma))));
    text.remove_prefix(comma + 1);
  }
  return cones;
}

/// Solves, in a Solver that nobody else wants.
template <class R>
SolverCache::Lease solve_with(
    const Inputs<R>& in,
    const Dimensions& full,
    const std::string& key,
    const CallConfig& config,
    bool keep,
    const Solution<R>& out) {
  if (product(full) > std::numeric_limits<int>::max())
    throw InvalidArgument("a batch of " + std::to_string(product(full)) + " problems");
  const int batch = int(product(full));
  SolverCache::Lease lease = SolverCache::instance().take(key, batch, [&] {
    Settings settings = settings_of_text(config.settings);
    settings.gradients = keep;
    const Shape shape{in.n(), in.m(), cones_of(config.cones)};
    return std::make_unique<TypedSolver<R>>(shape, batch, settings);
  });
  auto& typed = static_cast<TypedSolver<R>&>(*lease);
  typed.P = {in.P, full, keep};
  typed.q = {in.q, full, keep};
  typed.A = {in.A, full, keep};
  typed.l = {in.l, full, keep};
  typed.u = {in.u, full, keep};
  const int n = in.n(), m = in.m();
  const Problem<R> problem = {
      batch,
      {typed.P.data, n, n, typed.P.stride},
      {typed.q.data, n, typed.q.stride},
      {typed.A.data, m, n, typed.A.stride},
      {typed.l.data, m, typed.l.stride},
      {typed.u.data, m, typed.u.stride}};
  typed.solver.solve(problem, out);
  return lease;
}

/// What Solvers must agree in to stand in for one another.
template <class R>
std::string key_of(const Inputs<R>& in, const CallConfig& config, bool keep) {
  std::string key = std::is_same_v<R, float> ? "float32 " : "float64 ";
  key += std::to_string(in.n()) + " " + std::to_string(in.m()) + " ";
  key.append(config.cones).append(" ").append(config.settings).append(keep ? " keep" : "");
  return key;
}

/// Reports as two tables: the whole numbers, and the others in the type of the data.
template <class R>
void write_reports(const std::vector<Report>& reports, std::int32_t* whole, R* real) {
  for (const Report& report : reports)
    each_field(report, [&](const char*, const auto& field) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, double>)
        *real++ = R(field);
      else
        *whole++ = std::int32_t(field);
    });
}

/// The number of the solve of which these states are all problems, in order; else 0.
std::uint64_t number_of(const Blocks<std::uint32_t>& state, const Dimensions& problems) {
  if (state.lead != problems) return 0;
  const std::uint64_t number = state.data[0] | std::uint64_t(state.data[1]) << 32;
  for (std::int64_t b = 0; b < product(problems); ++b) {
    const std::uint32_t* word = state.data + b * std::int64_t(kStateWords);
    if ((word[0] | std::uint64_t(word[1]) << 32) != number || word[2] != std::uint32_t(b)) return 0;
  }
  return number;
}

}  // namespace

template <class R>
void solve_call(
    const Inputs<R>& in, const SolveOutputs<R>& out, const CallConfig& config, bool keep) {
  const auto batch = std::size_t(product(out.lead));
  if (batch == 0) return;
  std::vector<Report> reports(batch);
  const Solution<R> solution = {out.x, out.y, out.active, reports.data()};
  const SolverCache::Lease lease =
      solve_with(in, out.lead, key_of(in, config, keep), config, keep, solution);
  write_reports(reports, out.whole, out.real);
  const std::uint64_t number = keep ? SolverCache::instance().next_number() : 0;
  std::uint32_t* state = out.state;
  for (std::size_t b = 0; b < batch; ++b, state += kStateWords) {
    state[0] = std::uint32_t(number);
    state[1] = std::uint32_t(number >> 32);
    state[2] = std::uint32_t(b);
  }
  SolverCache::instance().name(lease, number);
}

template <class R>
void adjoint_call(
    const Blocks<R>& g,
    const Blocks<R>& h,
    const Blocks<std::uint32_t>& state,
    const Inputs<R>& in,
    const Dimensions& full,
    R* w,
    R* d,
    const CallConfig& config) {
  if (product(full) == 0) return;
  // Where only right-hand sides are mapped, data and state have the dimension 1.
  Dimensions problems = state.lead;
  for (const Dimensions* lead : {&in.P.lead, &in.q.lead, &in.A.lead, &in.l.lead, &in.u.lead})
    for (std::size_t axis = 0; axis < problems.size(); ++axis)
      problems[axis] = std::max(problems[axis], (*lead)[axis]);

  SolverCache& cache = SolverCache::instance();
  const std::string key = key_of(in, config, true);
  const std::uint64_t number = number_of(state, problems);
  const auto again = [&] {
    cache.count_repeated();
    SolverCache::Lease lease = solve_with(in, problems, key, config, true, Solution<R>{});
    cache.name(lease, number);
    return lease;
  };
  SolverCache::Lease found = cache.find(key, number);
  const SolverCache::Lease lease = found ? std::move(found) : again();
  auto& typed = static_cast<TypedSolver<R>&>(*lease);
  solve_sides(typed.solver, full, problems, g, h, w, d);
  typed.differentiated = true;
}

#define BPQP_INSTANTIATE(R)                                                                    \
  template void solve_call(const Inputs<R>&, const SolveOutputs<R>&, const CallConfig&, bool); \
  template void adjoint_call(                                                                  \
      const Blocks<R>&, const Blocks<R>&, const Blocks<std::uint32_t>&, const Inputs<R>&,      \
      const Dimensions&, R*, R*, const CallConfig&);
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp::python
