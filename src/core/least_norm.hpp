/// \file
/// Derivatives where the solution is not unique (docs/math.md M56): K's null space is
///
///   N = {w : P w = 0, A_W w = 0}
///
/// and a right-hand side with a part in N has no solution. The proximal system sees N clearly: with
/// B its solve, F = sigma B is 1 on N and sigma/(lambda + sigma) elsewhere. So the part in N is
/// taken out of the right-hand side and of the answer,
///
///   w = (I - F^k) K^-1 (I - F^k) g
///
/// which is the least-squares answer of least norm (in x's scaled units) up to (sigma/lambda)^k,
/// and symmetric, so that adjoint and forward derivative stay transposes.
#pragma once

#include "core/kkt.hpp"

namespace bpqp::core {

/// k: an eigenvalue of ten times sigma is then taken for null by 1e-4.
constexpr int kNullPowers = 4;

/// v = F^k v, scaled units. Uses s.a.
template <class R, Team T, class Solve>
BPQP_STAGE void part_in_null_space(
    const T& team,
    const Condensed<R>& c,
    const Solve& solve,
    int n,
    int m,
    const KktScratch<R>& s,
    R* v) {
  for (int power = 0; power < kNullPowers; ++power) {
    for (int i : team.items(m)) s.a[i] = 0;
    team.sync();
    solve_lower(team, c.L, n, n, v, 1, n);
    solve(team, v, s.a);
    for (int j : team.items(n)) v[j] *= R(c.report.sigma);
    team.sync();
  }
}

/// kkt_solve() where P is singular and K need not be regular.
template <class D, class R, Team T, class Solve>
BPQP_STAGE KktReport kkt_solve_least_norm(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const WorkingSet<R>& set,
    const Solve& solve,
    const R* g_x,
    const R* g_y,
    R* w,
    R* d,
    const KktScratch<R>& s) {
  const R* scale = c.scaling.D;
  R* g = s.image;
  for (int j : team.items(p.n)) g[j] = s.t[j] = g_x ? g_x[j] * scale[j] : R(0);
  team.sync();
  part_in_null_space(team, c, solve, p.n, p.m, s, s.t);
  for (int j : team.items(p.n)) g[j] = (g[j] - s.t[j]) / scale[j];
  team.sync();
  const KktReport report = kkt_solve(team, p, c, set, solve, (const R*)g, g_y, w, d, s);
  for (int j : team.items(p.n)) s.t[j] = w[j] / scale[j];
  team.sync();
  part_in_null_space(team, c, solve, p.n, p.m, s, s.t);
  for (int j : team.items(p.n)) w[j] -= s.t[j] * scale[j];
  team.sync();
  return report;
}

}  // namespace bpqp::core
