// Several right-hand sides of the KKT system for each problem, in any order of dimensions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "blocks.hpp"
#include "bpqp/solver.hpp"

namespace bpqp::python {

/// Right-hand sides put in order: `most` of them for each problem.
struct Order {
  std::vector<std::int64_t> place;  ///< of each right-hand side; -1: it is zero
  int most = 0;

  /// problem[f] is that of right-hand side f. Where problems have several, zeros are left out: the
  /// Jacobian of a batch in vectors of the whole batch is mostly zeros.
  template <class IsZero>
  Order(const std::vector<std::int64_t>& problem, std::int64_t problems, const IsZero& is_zero)
      : place(problem.size(), -1) {
    const bool several = std::int64_t(problem.size()) > problems;
    std::vector<int> count(std::size_t(problems), 0);
    for (std::size_t f = 0; f < problem.size(); ++f)
      if (!several || !is_zero(f)) place[f] = count[std::size_t(problem[f])]++;
    most = count.empty() ? 0 : *std::ranges::max_element(count);
    for (std::size_t f = 0; f < problem.size(); ++f)
      if (place[f] >= 0) place[f] += problem[f] * most;
  }
};

template <class R>
bool all_zero(const R* data, std::int64_t size) {
  return std::all_of(data, data + size, [](R v) { return v == 0; });  // a NaN is not
}

/// Lambda for right-hand sides g [size n] and h [size m], each one of some problem.
template <class R>
void solve_sides(
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
  const Order order(blocks(full, problems), product(problems), [&](std::size_t f) {
    return all_zero(g.data + g_at[f] * n, n) && all_zero(h.data + h_at[f] * m, m);
  });
  const std::int64_t sides = product(problems) * order.most;
  std::vector<R> in_n(std::size_t(sides * n), R(0)), in_m(std::size_t(sides * m), R(0));
  std::vector<R> out_n(in_n.size()), out_m(in_m.size());
  for (std::size_t f = 0; f < order.place.size(); ++f) {
    if (order.place[f] < 0) continue;
    std::copy_n(g.data + g_at[f] * n, n, in_n.data() + order.place[f] * n);
    std::copy_n(h.data + h_at[f] * m, m, in_m.data() + order.place[f] * m);
  }
  if (order.most > 0)
    solver.adjoint_solve(
        order.most, in_n.data(), m ? in_m.data() : nullptr, out_n.data(),
        m ? out_m.data() : nullptr);
  for (std::size_t f = 0; f < order.place.size(); ++f, w += n, d += m) {
    const std::int64_t at = order.place[f];
    if (at < 0) {
      std::fill_n(w, n, R(0));
      std::fill_n(d, m, R(0));
    } else {
      std::copy_n(out_n.data() + at * n, n, w);
      std::copy_n(out_m.data() + at * m, m, d);
    }
  }
}

}  // namespace bpqp::python
