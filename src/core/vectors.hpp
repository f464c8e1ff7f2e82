/// \file
/// Whether q, l and u hold only what they may (include/bpqp/problem.hpp): a check before any work.
#pragma once

#include "core/problem_view.hpp"

namespace bpqp::core {

template <class W>
struct VectorFaults {
  Mask<W> invalid;  ///< a number that is none, or an infinite one in its place
  Mask<W> crossed;  ///< l > u in some row
};

template <class D, Team T>
BPQP_STAGE VectorFaults<Wide<D>> find_faults(const T& team, const ProblemView<D>& p) {
  using W = Wide<D>;
  W invalid = 0, crossed = 0;
  const auto expect = [&](const Mask<W>& valid) { invalid = select(valid, invalid, W(1)); };
  for (int j : team.items(p.n)) expect(magnitude(W(p.q[j])) < W(INFINITY));
  const int linear = p.linear_rows();
  for (int i : team.items(linear)) {
    const W l = W(p.l[i]), u = W(p.u[i]);
    expect((l < W(kAbsent)) & (u > W(-kAbsent)));  // neither is true of NaN
    crossed = select(l > u, W(1), crossed);
  }
  for (int i : team.items(p.m - linear)) expect(magnitude(W(p.u[linear + i])) < W(kAbsent));
  return {team.max(invalid) > W(0), team.max(crossed) > W(0)};
}

}  // namespace bpqp::core
