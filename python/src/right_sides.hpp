// Several right-hand sides of the KKT system for each problem, in any order of dimensions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "blocks.hpp"
#include "bpqp/solver.hpp"
#include "call_steps.hpp"

namespace bpqp::python {

/// Right-hand sides put in order: `most` of them for each problem.
struct Order {
  std::vector<std::int64_t> place;  ///< of each right-hand side; -1: it is zero
  std::vector<std::int64_t> side;   ///< what is at each place; -1: nothing
  int most = 0;

  /// problem[f] is that of right-hand side f; those that are `zero` (empty: none is) are left out.
  Order(
      const std::vector<std::int64_t>& problem,
      std::int64_t problems,
      const std::vector<char>& zero)
      : place(problem.size(), -1) {
    std::vector<int> count(std::size_t(problems), 0);
    for (std::size_t f = 0; f < problem.size(); ++f)
      if (zero.empty() || !zero[f]) place[f] = count[std::size_t(problem[f])]++;
    most = count.empty() ? 0 : *std::ranges::max_element(count);
    side.assign(std::size_t(problems * most), -1);
    for (std::size_t f = 0; f < problem.size(); ++f) {
      if (place[f] < 0) continue;
      place[f] += problem[f] * most;
      side[std::size_t(place[f])] = std::int64_t(f);
    }
  }
};

/// at[side], and -1 where there is none.
inline std::vector<std::int64_t> of_sides(
    const std::vector<std::int64_t>& side, const std::vector<std::int64_t>& at) {
  std::vector<std::int64_t> out(side.size(), -1);
  for (std::size_t i = 0; i < side.size(); ++i)
    if (side[i] >= 0) out[i] = at[std::size_t(side[i])];
  return out;
}

/// Lambda for right-hand sides g [size n] and h [size m], each one of some problem.
template <class R, class Place>
void solve_sides(
    Place& place,
    Solver<R>& solver,
    const Dimensions& full,
    const Dimensions& problems,
    const Blocks<R>& g,
    const Blocks<R>& h,
    R* w,
    R* d) {
  const std::int64_t n = g.size, m = h.size;
  if (full == problems && g.lead == full && h.lead == full) {
    solver.adjoint_solve(1, g.data, m ? h.data : nullptr, w, m ? d : nullptr);
    return;
  }
  const auto g_at = blocks(full, g.lead), h_at = blocks(full, h.lead);
  const std::int64_t all = product(full);
  // Where problems have several, zeros are left out: the Jacobian of a batch in vectors of the
  // whole batch is mostly zeros.
  std::vector<char> zero;
  if (all > product(problems)) {
    const auto g_there = place.put(g_at), h_there = place.put(h_at);
    auto zero_there = place.template make<char>(std::size_t(all));
    place.each(
        all, 1,
        FindZeros<R>{g.data, h.data, g_there.data(), h_there.data(), n, m, zero_there.data()});
    zero = place.get(zero_there);
  }
  const Order order(blocks(full, problems), product(problems), zero);
  const auto sides = std::int64_t(order.side.size());
  const auto out_at = place.put(order.place);
  const auto entries = [&](std::int64_t size) { return std::size_t(sides * size); };
  auto out_n = place.template make<R>(entries(n)), out_m = place.template make<R>(entries(m));
  if (sides > 0) {
    const auto n_from = place.put(of_sides(order.side, g_at));
    const auto m_from = place.put(of_sides(order.side, h_at));
    auto in_n = place.template make<R>(entries(n)), in_m = place.template make<R>(entries(m));
    place.each(sides, n, TakeBlocks<R>{g.data, n_from.data(), n, in_n.data()});
    place.each(sides, m, TakeBlocks<R>{h.data, m_from.data(), m, in_m.data()});
    solver.adjoint_solve(
        order.most, in_n.data(), m ? in_m.data() : nullptr, out_n.data(),
        m ? out_m.data() : nullptr);
  }
  place.each(all, n, TakeBlocks<R>{out_n.data(), out_at.data(), n, w});
  place.each(all, m, TakeBlocks<R>{out_m.data(), out_at.data(), m, d});
}

}  // namespace bpqp::python
