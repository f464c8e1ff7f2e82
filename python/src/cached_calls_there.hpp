// The calls of cached_calls.hpp in a place (host_place.hpp, cuda_place.cuh): included by the file
// that compiles them for it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "batch.hpp"
#include "bpqp/bpqp.hpp"
#include "cached_calls.hpp"
#include "right_sides.hpp"
#include "settings_text.hpp"
#include "solver_cache.hpp"

namespace bpqp::python {

/// Type: the place of a caller's arrays.
template <class Caller>
struct PlaceOf;

/// The place outlives what is there.
template <class R, class Place>
struct TypedSolver : CachedSolver {
  TypedSolver(
      const typename Place::Caller& caller,
      const Shape& shape,
      int capacity,
      const Settings& settings)
      : place(caller), solver(shape, capacity, place.settings(settings)) {}
  int capacity() const override { return solver.capacity(); }
  std::size_t bytes() const override {
    std::size_t entries = 0;
    for (const auto* b : {&P, &q, &A, &l, &u, &x0, &y0}) entries += b->copy.size();
    return solver.bytes() + entries * sizeof(R);
  }

  Place place;
  Solver<R> solver;
  Batch<R, Place> P, q, A, l, u, x0, y0;
};

inline std::vector<int> cones_of(std::string_view text) {
  std::vector<int> cones;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    cones.push_back(std::stoi(std::string(text.substr(0, comma))));
    text.remove_prefix(comma + 1);
  }
  return cones;
}

/// A Solver that nobody else wants.
template <class R, class Place>
SolverCache::Lease take(
    const typename Place::Caller& caller,
    const Inputs<R>& in,
    const Dimensions& full,
    const std::string& key,
    const CallConfig& config,
    bool keep) {
  if (product(full) > std::numeric_limits<int>::max())
    throw InvalidArgument("a batch of " + std::to_string(product(full)) + " problems");
  const int batch = int(product(full));
  return SolverCache::instance().take(key, batch, [&] {
    Settings settings = settings_of_text(config.settings);
    settings.gradients = keep || in.has_start();
    const Shape shape{in.n(), in.m(), cones_of(config.cones)};
    return std::make_unique<TypedSolver<R, Place>>(caller, shape, batch, settings);
  });
}

template <class R, class Place>
void solve_in(
    TypedSolver<R, Place>& typed,
    const Inputs<R>& in,
    const Dimensions& full,
    bool keep,
    const Solution<R>& out) {
  Place& place = typed.place;
  typed.P = {place, in.P, full, keep};
  typed.q = {place, in.q, full, keep};
  typed.A = {place, in.A, full, keep};
  typed.l = {place, in.l, full, keep};
  typed.u = {place, in.u, full, keep};
  typed.x0 = {place, in.x0, full, false};
  typed.y0 = {place, in.y0, full, false};
  const int n = in.n(), m = in.m(), batch = int(product(full));
  if (in.has_start())
    typed.solver.warm_start(
        batch, {typed.x0.data, n, typed.x0.stride}, {typed.y0.data, m, typed.y0.stride});
  const Problem<R> problem = {
      batch,
      {typed.P.data, n, n, typed.P.stride},
      {typed.q.data, n, typed.q.stride},
      {typed.A.data, m, n, typed.A.stride},
      {typed.l.data, m, typed.l.stride},
      {typed.u.data, m, typed.u.stride}};
  typed.solver.solve(problem, out);
}

/// What Solvers must agree in to stand in for one another.
template <class R>
std::string key_of(
    const std::string& place, const Inputs<R>& in, const CallConfig& config, bool keep) {
  std::string key = place + (std::is_same_v<R, float> ? "float32 " : "float64 ");
  key += std::to_string(in.n()) + " " + std::to_string(in.m()) + " ";
  key.append(config.cones).append(" ").append(config.settings);
  return key.append(keep ? " keep" : in.has_start() ? " start" : "");
}

/// The number of the solve of which these states are all problems, in order; else 0.
inline std::uint64_t number_of(const std::vector<std::uint32_t>& words) {
  if (words.empty()) return 0;
  const std::uint64_t number = words[0] | std::uint64_t(words[1]) << 32;
  for (std::size_t b = 0; b * kStateWords < words.size(); ++b) {
    const std::uint32_t* word = words.data() + b * kStateWords;
    if ((word[0] | std::uint64_t(word[1]) << 32) != number || word[2] != std::uint32_t(b)) return 0;
  }
  return number;
}

/// The dimensions of the problems: where only right-hand sides are mapped, data and state have the
/// dimension 1.
template <class R>
Dimensions dimensions_of(const Inputs<R>& in, const Blocks<std::uint32_t>& state) {
  Dimensions problems = state.lead;
  for (const Dimensions* lead : {&in.P.lead, &in.q.lead, &in.A.lead, &in.l.lead, &in.u.lead})
    for (std::size_t axis = 0; axis < problems.size(); ++axis)
      problems[axis] = std::max(problems[axis], (*lead)[axis]);
  return problems;
}

template <class R, class Caller>
void solve_call(
    const Caller& caller,
    const Inputs<R>& in,
    const SolveOutputs<R>& out,
    const CallConfig& config,
    bool keep) {
  using Place = typename PlaceOf<Caller>::Type;
  const std::int64_t batch = product(out.lead);
  if (batch == 0) return;
  const typename Place::Current current(caller);
  SolverCache& cache = SolverCache::instance();
  const std::string key = key_of(Place::name(caller), in, config, keep);
  const SolverCache::Lease lease = take<R, Place>(caller, in, out.lead, key, config, keep);
  auto& typed = static_cast<TypedSolver<R, Place>&>(*lease);
  Place& place = typed.place;
  const std::uint64_t number = keep ? cache.next_number() : 0;
  {
    const typename Place::Turn turn(place, caller);
    auto reports = place.template make<Report>(std::size_t(batch));
    solve_in(typed, in, out.lead, keep, {out.x, out.y, out.active, reports.data()});
    place.each(batch, 1, WriteReports<R>(reports.data(), out.whole, out.real));
    place.each(batch, 1, WriteStates{number, out.state});
  }
  cache.name(lease, number);
}

template <class R, class Caller>
void adjoint_call(
    const Caller& caller,
    const Blocks<R>& g,
    const Blocks<R>& h,
    const Blocks<std::uint32_t>& state,
    const Inputs<R>& in,
    const Dimensions& full,
    R* w,
    R* d,
    const CallConfig& config) {
  using Place = typename PlaceOf<Caller>::Type;
  if (product(full) == 0) return;
  const typename Place::Current current(caller);
  const Dimensions problems = dimensions_of(in, state);
  const auto words = std::size_t(product(problems)) * kStateWords;
  const std::uint64_t number =
      state.lead == problems ? number_of(Place::read(caller, state.data, words)) : 0;
  SolverCache& cache = SolverCache::instance();
  const std::string key = key_of(Place::name(caller), in, config, true);
  SolverCache::Lease found = cache.find(key, number);
  const bool again = !found;
  const SolverCache::Lease lease =
      again ? take<R, Place>(caller, in, problems, key, config, true) : std::move(found);
  auto& typed = static_cast<TypedSolver<R, Place>&>(*lease);
  {
    const typename Place::Turn turn(typed.place, caller);
    if (again) {
      cache.count_repeated();
      solve_in(typed, in, problems, true, Solution<R>{});
    }
    solve_sides(typed.place, typed.solver, full, problems, g, h, w, d);
  }
  if (again) cache.name(lease, number);
  typed.differentiated = true;
}

}  // namespace bpqp::python
