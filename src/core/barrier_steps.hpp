/// \file
/// What the interior point method does with its slacks and multipliers (barrier_sides.hpp): where
/// they start, what products the next step aims at, how far it may go (docs/math.md section 10).
#pragma once

#include "core/barrier_sides.hpp"

namespace bpqp::core {

/// Complementarity products this far from their target are corrected.
constexpr double kBarrierLow = 0.1, kBarrierHigh = 10;

/// visit(side, i) for every finite side of this lane's linear inequalities.
template <class R, Team T, class Visit>
BPQP_STAGE void for_linear_sides(
    const T& team, const BarrierSystem<R>& sys, const BarrierSides<R>& b, const Visit& visit) {
  for (int i : team.items(sys.m)) {
    if (sys.kind[i] == RowKind::cone) continue;
    if (bounded_above(sys.kind[i])) visit(b.upper, i);
    if (bounded_below(sys.kind[i])) visit(b.lower, i);
  }
}

/// The largest step that keeps every slack and multiplier inside.
template <class R, Team T>
BPQP_STAGE double largest_step(
    const T& team, const BarrierSystem<R>& sys, const BarrierSides<R>& b) {
  double step = INFINITY;
  const auto limit = [&step](R v, R dv) {
    if (dv < 0) step = nan_min(step, -double(v) / double(dv));
    if (!(dv == dv)) step = double(dv);
  };
  for_linear_sides(team, sys, b, [&](const BarrierSide<R>& side, int i) {
    limit(side.s[i], side.ds[i]);
    limit(side.z[i], side.dz[i]);
  });
  for (int k : team.items(sys.cones.count)) {
    const int f = sys.cones.first(k), d = sys.cones.size(k);
    step = nan_min(step, soc::largest_step(b.upper.s + f, b.upper.ds + f, d));
    step = nan_min(step, soc::largest_step(b.upper.z + f, b.upper.dz + f, d));
  }
  return team.min(step);
}

/// product = s o z (the affine direction), or with the corrector s o z + ds o dz - target, from the
/// affine step in ds, dz.
template <class R, Team T>
BPQP_STAGE void set_products(
    const T& team,
    const BarrierSystem<R>& sys,
    const BarrierSides<R>& b,
    bool corrector,
    double target) {
  const auto fill = [&](const BarrierSide<R>& side, int i) {
    side.product[i] = side.s[i] * side.z[i];
    if (corrector) side.product[i] += side.ds[i] * side.dz[i] - R(target);
  };
  for_linear_sides(team, sys, b, fill);
  for (int k : team.items(sys.cones.count)) {
    const int first = sys.cones.first(k), d = sys.cones.size(k);
    const double eta = double(sys.eta[first]);
    R *s = b.a + first, *z = b.b + first, *out = b.upper.product + first;
    const R* lambda = b.lambda + first;
    soc::product(lambda, lambda, d, out);
    if (!corrector) continue;
    for (int i = 0; i < d; ++i) s[i] = b.upper.ds[first + i], z[i] = b.upper.dz[first + i];
    soc::scale(eta, sys.nt + first, d, true, s);
    soc::scale(eta, sys.nt + first, d, false, z);
    out[0] += R(double(s[0]) * double(z[0]) + soc::tail_dot(s, z, d) - target);
    for (int i = 1; i < d; ++i) out[i] += s[0] * z[i] + z[0] * s[i];
  }
  team.sync();
}

/// Asks for more centrality on linear rows: products that would leave [kBarrierLow, kBarrierHigh]
/// times `target` at a step `trial` are brought back to it, those far above only so far (Gondzio
/// 1996).
template <class R, Team T>
BPQP_STAGE void correct_products(
    const T& team,
    const BarrierSystem<R>& sys,
    const BarrierSides<R>& b,
    double trial,
    double target) {
  const auto correct = [&](const BarrierSide<R>& side, int i) {
    const double product = (double(side.s[i]) + trial * double(side.ds[i])) *
                           (double(side.z[i]) + trial * double(side.dz[i]));
    const double low = kBarrierLow * target, high = kBarrierHigh * target;
    const double change = product < low    ? low - product
                          : product > high ? nan_max(high - product, -high)
                                           : 0;
    side.product[i] -= R(change);
  };
  for_linear_sides(team, sys, b, correct);
  team.sync();
}

/// v + step dv for slacks and multipliers; then everything times `shrink`.
template <class R, Team T>
BPQP_STAGE void move_sides(
    const T& team,
    const BarrierSystem<R>& sys,
    const BarrierSides<R>& b,
    double step,
    double shrink) {
  for (const BarrierSide<R>* side : {&b.upper, &b.lower}) {
    for (int i : team.items(sys.m)) {
      side->s[i] = R(shrink) * (side->s[i] + R(step) * side->ds[i]);
      side->z[i] = R(shrink) * (side->z[i] + R(step) * side->dz[i]);
    }
  }
  team.sync();
}

/// Moves v [m] of every side into the cones: by how far the worst is outside, and then by 1 or a
/// tenth of the mean margin, whichever is more. (The start of Clarabel: Goulart and Chen 2024.)
template <class R, Team T>
BPQP_STAGE void shift_inside(
    const T& team, const BarrierSystem<R>& sys, R* upper, R* lower, int degree) {
  double least = INFINITY, inside = 0;
  const auto margin = [&](double v) {
    least = nan_min(least, v);
    if (v > 0) inside += v;
  };
  for (int i : team.items(sys.m)) {
    if (sys.kind[i] == RowKind::cone) continue;
    if (bounded_above(sys.kind[i])) margin(double(upper[i]));
    if (bounded_below(sys.kind[i])) margin(double(lower[i]));
  }
  for (int k : team.items(sys.cones.count))
    margin(soc::margin(upper + sys.cones.first(k), sys.cones.size(k)));
  least = team.min(least), inside = team.sum(inside);
  if (degree == 0) return;
  const double target = nan_max(1.0, 0.1 * inside / degree);
  const double shift = least <= 0 ? target - least : nan_max(0.0, target - least);
  for (int i : team.items(sys.m)) {
    if (sys.kind[i] == RowKind::cone) continue;
    if (bounded_above(sys.kind[i])) upper[i] += R(shift);
    if (bounded_below(sys.kind[i])) lower[i] += R(shift);
  }
  for (int k : team.items(sys.cones.count)) upper[sys.cones.first(k)] += R(shift);
  team.sync();
}

}  // namespace bpqp::core
