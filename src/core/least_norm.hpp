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
BPQP_STAGE KktReport kkt_solve_least_norm(const KktTask<D, R, T, Solve>& t) {
  const auto scale = [&t](int j) { return t.c.scaling.D[j]; };
  const auto project = [&t] { part_in_null_space(t.team, t.c, t.solve, t.p.n, t.p.m, t.s, t.s.t); };
  R* g = t.s.image;
  for (int j : t.team.items(t.p.n)) g[j] = t.s.t[j] = t.g_x ? t.g_x[j] * scale(j) : R(0);
  t.team.sync();
  project();
  for (int j : t.team.items(t.p.n)) g[j] = (g[j] - t.s.t[j]) / scale(j);
  t.team.sync();
  KktTask<D, R, T, Solve> inside = t;
  inside.g_x = g;
  const KktReport report = kkt_solve(inside);
  for (int j : t.team.items(t.p.n)) t.s.t[j] = t.w[j] / scale(j);
  t.team.sync();
  project();
  for (int j : t.team.items(t.p.n)) t.w[j] -= t.s.t[j] * scale(j);
  t.team.sync();
  return report;
}

}  // namespace bpqp::core
