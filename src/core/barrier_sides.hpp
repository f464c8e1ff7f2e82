/// \file
/// The slacks and multipliers of the interior point method (docs/math.md section 10). Every finite
/// side of a linear row has its own pair, a cone one pair of vectors, scaled and homogeneous:
///
///   A x + s_u = u tau,   -A x + s_l = -l tau,   y = z_u - z_l         (equalities: s = 0, y = z_u)
#pragma once

#include "core/barrier_system.hpp"

namespace bpqp::core {

/// One side of every row; cones and equalities use the upper one.
template <class R>
struct BarrierSide {
  R *s = nullptr, *z = nullptr;              ///< [m] slack, multiplier
  R *ds = nullptr, *dz = nullptr;            ///< [m] step
  R *ds_kept = nullptr, *dz_kept = nullptr;  ///< [m] step before the last corrector
  R* residual = nullptr;                     ///< [m] of the side's equation
  R* product = nullptr;                      ///< [m] right-hand side of s o z = ...
  R* r = nullptr;                            ///< [m] right-hand side after s is eliminated
  R* z2 = nullptr;                           ///< [m] multiplier of the constant direction

  BPQP_HD static BarrierSide lay_out(Arena& arena, int m) {
    BarrierSide side;
    for (R** v :
         {&side.s, &side.z, &side.ds, &side.dz, &side.ds_kept, &side.dz_kept, &side.residual,
          &side.product, &side.r, &side.z2})
      *v = arena.take<R>(m);
    return side;
  }
};

BPQP_HD inline bool bounded_above(RowKind k) {
  return k == RowKind::upper || k == RowKind::both || k == RowKind::cone;
}
BPQP_HD inline bool bounded_below(RowKind k) {
  return k == RowKind::lower || k == RowKind::both;
}

template <class R>
struct BarrierSides {
  BarrierSide<R> upper, lower;
  R *u = nullptr, *l = nullptr;  ///< [m] the sides, scaled
  R* lambda = nullptr;           ///< [m] W z = W^-1 s of the cones
  R *a = nullptr, *b = nullptr;  ///< [m] scratch of the cones' products

  BPQP_HD static BarrierSides lay_out(Arena& arena, int m) {
    BarrierSides sides;
    sides.upper = BarrierSide<R>::lay_out(arena, m);
    sides.lower = BarrierSide<R>::lay_out(arena, m);
    for (R** v : {&sides.u, &sides.l, &sides.lambda, &sides.a, &sides.b}) *v = arena.take<R>(m);
    return sides;
  }
};

/// sum over all sides of u'z_u - l'z_l, for multipliers that are the sides' z or z2.
template <class R, Team T>
BPQP_STAGE double sides_dot(
    const T& team,
    const BarrierSystem<R>& sys,
    const BarrierSides<R>& b,
    const R* z_upper,
    const R* z_lower) {
  double sum = 0;
  for (int i : team.items(sys.m)) {
    const RowKind k = sys.kind[i];
    if (bounded_above(k) || k == RowKind::equality) sum += double(b.u[i]) * double(z_upper[i]);
    if (bounded_below(k)) sum -= double(b.l[i]) * double(z_lower[i]);
  }
  return team.sum(sum);
}

/// s'z over all sides.
template <class R, Team T>
BPQP_STAGE double complementarity(
    const T& team, const BarrierSystem<R>& sys, const BarrierSides<R>& b) {
  double sum = 0;
  for (int i : team.items(sys.m)) {
    if (bounded_above(sys.kind[i])) sum += double(b.upper.s[i]) * double(b.upper.z[i]);
    if (bounded_below(sys.kind[i])) sum += double(b.lower.s[i]) * double(b.lower.z[i]);
  }
  return team.sum(sum);
}

/// W^2 of every row from the present point, and lambda.
template <class R, Team T>
BPQP_STAGE void scale_sides(const T& team, const BarrierSystem<R>& sys, const BarrierSides<R>& b) {
  for (int i : team.items(sys.m)) {
    const BarrierSide<R>&U = b.upper, &L = b.lower;
    switch (sys.kind[i]) {
      case RowKind::upper:
        sys.w2[i] = U.s[i] / U.z[i];
        break;
      case RowKind::lower:
        sys.w2[i] = L.s[i] / L.z[i];
        break;
      case RowKind::both: {
        const R up = U.s[i] / U.z[i], low = L.s[i] / L.z[i];
        sys.w2[i] = up < low ? up / (1 + up / low) : low / (1 + low / up);
        break;
      }
      default:
        sys.w2[i] = 0;
    }
  }
  for (int k : team.items(sys.cones.count)) {
    const int first = sys.cones.first(k), d = sys.cones.size(k);
    sys.eta[first] = R(soc::nesterov_todd(b.upper.s + first, b.upper.z + first, d, sys.nt + first));
    for (int i = first; i < first + d; ++i) b.lambda[i] = b.upper.z[i];
    soc::scale(double(sys.eta[first]), sys.nt + first, d, false, b.lambda + first);
  }
  team.sync();
}

/// r of every side: what is left of its two equations without s, from `product` and f times the
/// residuals; `out` [m] the row's right-hand side for [A -W^2] [dx; dy].
template <class R, Team T>
BPQP_STAGE void eliminate_slacks(
    const T& team, const BarrierSystem<R>& sys, const BarrierSides<R>& b, double f, R* out) {
  const BarrierSide<R>&U = b.upper, &L = b.lower;
  for (int k : team.items(sys.cones.count)) {  // W (lambda \ product) - f residual
    const int first = sys.cones.first(k), d = sys.cones.size(k);
    R* r = U.r + first;
    soc::divide(b.lambda + first, U.product + first, d, r);
    soc::scale(double(sys.eta[first]), sys.nt + first, d, false, r);
    for (int i = 0; i < d; ++i) {
      r[i] -= R(f) * U.residual[first + i];
      out[first + i] = r[i];
    }
  }
  for (int i : team.items(sys.m)) {
    const RowKind kind = sys.kind[i];
    if (kind == RowKind::cone) continue;
    const bool up = bounded_above(kind), low = bounded_below(kind);
    if (up) U.r[i] = U.product[i] / U.z[i] - R(f) * U.residual[i];
    if (low) L.r[i] = L.product[i] / L.z[i] - R(f) * L.residual[i];
    if (kind == RowKind::equality) U.r[i] = -R(f) * U.residual[i];
    if (up && low) {
      const R wu = U.s[i] / U.z[i], wl = L.s[i] / L.z[i];
      out[i] = (U.r[i] * wl - L.r[i] * wu) / (wu + wl);
    } else {
      out[i] = low ? -L.r[i] : kind == RowKind::free ? R(0) : U.r[i];
    }
  }
  team.sync();
}

/// The sides' multipliers from the row's: y [m] and A x [m] solve the system for the r of
/// eliminate_slacks. Of a row with two sides the far one is computed, the near one follows.
template <class R, Team T>
BPQP_STAGE void split_multipliers(
    const T& team,
    const BarrierSystem<R>& sys,
    const BarrierSides<R>& b,
    const R* y,
    const R* Ax,
    R* z_upper,
    R* z_lower) {
  const BarrierSide<R>&U = b.upper, &L = b.lower;
  for (int i : team.items(sys.m)) {
    switch (sys.kind[i]) {
      case RowKind::free:
        z_upper[i] = z_lower[i] = 0;
        break;
      case RowKind::lower:
        z_upper[i] = 0, z_lower[i] = -y[i];
        break;
      case RowKind::both: {
        const R wu = U.s[i] / U.z[i], wl = L.s[i] / L.z[i];
        if (wu >= wl) {
          z_upper[i] = (Ax[i] - U.r[i]) / wu;
          z_lower[i] = z_upper[i] - y[i];
        } else {
          z_lower[i] = (-Ax[i] - L.r[i]) / wl;
          z_upper[i] = z_lower[i] + y[i];
        }
        break;
      }
      default:
        z_upper[i] = y[i], z_lower[i] = 0;
    }
  }
  team.sync();
}

/// ds from dz: -(product/z + (s/z) dz), in cones -W (lambda \ product + W dz).
template <class R, Team T>
BPQP_STAGE void step_slacks(const T& team, const BarrierSystem<R>& sys, const BarrierSides<R>& b) {
  const BarrierSide<R>&U = b.upper, &L = b.lower;
  for (int i : team.items(sys.m)) {
    if (sys.kind[i] == RowKind::cone) continue;
    U.ds[i] = bounded_above(sys.kind[i]) ? -(U.product[i] + U.s[i] * U.dz[i]) / U.z[i] : R(0);
    L.ds[i] = bounded_below(sys.kind[i]) ? -(L.product[i] + L.s[i] * L.dz[i]) / L.z[i] : R(0);
  }
  for (int k : team.items(sys.cones.count)) {
    const int first = sys.cones.first(k), d = sys.cones.size(k);
    const double eta = double(sys.eta[first]);
    R *t = b.a + first, *ds = U.ds + first;
    for (int i = 0; i < d; ++i) t[i] = U.dz[first + i];
    soc::scale(eta, sys.nt + first, d, false, t);
    soc::divide(b.lambda + first, U.product + first, d, ds);
    for (int i = 0; i < d; ++i) ds[i] = -(ds[i] + t[i]);
    soc::scale(eta, sys.nt + first, d, false, ds);
  }
  team.sync();
}

}  // namespace bpqp::core
