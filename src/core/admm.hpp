/// \file
/// ADMM on the constraint values z = A x, scaled units (docs/math.md M11-M15):
///
///   minimise  1/2 x'H x - b'x   subject to  z = A x,  l <= z <= u
///
/// x is eliminated. With R = diag(rho) and v = z - y / rho, one iteration is
///
///   z~ = A (H + A'R A)^-1 (b + A'R v)                        (M11)
///   a  = alpha z~ + (1 - alpha) z                            (M12)
///   z  = clamp(a + y / rho, l, u), in cones u - (u - a - y / rho projected)        (M13)
///   y  = y + rho (a - z)                                     (M14)
///
/// where M11 is one product in constraint space (ZForm) or goes through variable space (XForm).
/// Source: Stellato et al. 2020, algorithm 1 and section 5.2 (rho), rewritten.
/// Reads: Condensed, c or b. Writes: z, y. Next stage: exchange.hpp.
#pragma once

#include "core/cone.hpp"
#include "core/exchange.hpp"

namespace bpqp::core {

/// Equalities are held this much harder, rows without sides this much softer. Source: OSQP, section
/// 5.2.
constexpr double kEqualityRho = 1e3;
constexpr double kFreeRho = 1e-3;
/// rho is changed if the balance of the residuals calls for a factor beyond this; after each change
/// the factor needed grows by half, so that rho cannot oscillate.
constexpr double kRhoFactor = 3;
constexpr int kMaxRhoUpdates = 6;
/// One change is by this factor at most, up or down.
constexpr double kMaxRhoFactor = 100;
/// Up to this many rows M^-1 is formed, beyond it M's factor is used: its products are a third of
/// the work, its triangular solves slower.
constexpr int kExplicitInverse = 64;

template <class R>
struct AdmmState {
  R* z = nullptr;        ///< [m]
  R* y = nullptr;        ///< [m]
  R* rho = nullptr;      ///< [m]
  R* v = nullptr;        ///< [m] scratch
  R* z_tilde = nullptr;  ///< [m] scratch

  BPQP_HD static AdmmState lay_out(Arena& arena, int m) {
    return {
        arena.take<R>(m), arena.take<R>(m), arena.take<R>(m), arena.take<R>(m), arena.take<R>(m)};
  }
};

/// z~ = v - R^-1 M^-1 (v - c), M = S + R^-1: the same as M11 by the Woodbury identity.
template <class R>
struct ZForm {
  int m = 0;
  const R* S = nullptr;   ///< [m x m]
  const R* c = nullptr;   ///< [m]
  R* M = nullptr;         ///< [m x m] factor of M
  R* inverse = nullptr;   ///< [m x m] M^-1, if m <= kExplicitInverse
  R* scratch = nullptr;   ///< [m]
  R* scratch2 = nullptr;  ///< [m]

  template <Team T>
  BPQP_STAGE bool factor(const T& team, const R* rho) const {
    for (int j : team.items(m)) {
      for (int i = j; i < m; ++i) M[std::size_t(j) * m + i] = S[std::size_t(j) * m + i];
      M[std::size_t(j) * m + j] += 1 / rho[j];
    }
    team.sync();
    if (!cholesky(team, M, m, m).positive) return false;
    if (m > kExplicitInverse) return true;
    R* half = inverse + std::size_t(m) * m;  // L^-1, then M^-1 = (L^-1)'(L^-1)
    for (int j : team.items(m))
      for (int i = 0; i < m; ++i) half[std::size_t(j) * m + i] = i == j ? R(1) : R(0);
    team.sync();
    solve_lower(team, M, m, m, half, m, m);
    gram(team, half, m, m, m, inverse, m);
    return true;
  }

  template <Team T>
  BPQP_STAGE void apply(const T& team, const R* rho, const R* v, R* z_tilde) const {
    for (int i : team.items(m)) scratch[i] = v[i] - c[i];
    team.sync();
    const R* solution = scratch;
    if (m <= kExplicitInverse) {
      product(team, inverse, m, m, m, scratch, scratch2);
      solution = scratch2;
    } else {
      cholesky_solve(team, M, m, m, scratch);
    }
    for (int i : team.items(m)) z_tilde[i] = v[i] - solution[i] / rho[i];
    team.sync();
  }
};

/// The same in the variables L'x: z~ = Y' N^-1 (h + Y R v), N = I + Y R Y', h = L^-1 b.
template <class R>
struct XForm {
  int n = 0, m = 0;
  const R* Y = nullptr;    ///< [n x m]
  const R* h = nullptr;    ///< [n]
  R* weighted = nullptr;   ///< [n x m] scratch: Y R^1/2
  R* N = nullptr;          ///< [n x n] factor of N
  R* scratch_m = nullptr;  ///< [m]
  R* scratch_n = nullptr;  ///< [n]

  template <Team T>
  BPQP_STAGE bool factor(const T& team, const R* rho) const {
    for (int i : team.items(m)) {
      const R root = std::sqrt(rho[i]);
      const std::size_t offset = std::size_t(i) * n;
      for (int j = 0; j < n; ++j) weighted[offset + j] = Y[offset + j] * root;
    }
    for (int j : team.items(n))
      for (int i = j; i < n; ++i) N[std::size_t(j) * n + i] = i == j ? R(1) : R(0);
    team.sync();
    add_outer(team, weighted, n, m, n, N, n);
    return cholesky(team, N, n, n).positive;
  }

  template <Team T>
  BPQP_STAGE void apply(const T& team, const R* rho, const R* v, R* z_tilde) const {
    for (int i : team.items(m)) scratch_m[i] = rho[i] * v[i];
    team.sync();
    product(team, Y, n, m, n, scratch_m, scratch_n);
    for (int j : team.items(n)) scratch_n[j] += h[j];
    team.sync();
    cholesky_solve(team, N, n, n, scratch_n);
    transposed_product(team, Y, n, m, n, scratch_n, z_tilde);
  }
};

/// Residuals of the last iteration, relative: |z~ - z| and |rho (z - z_previous)| over their
/// scales.
struct AdmmReport {
  int iterations = 0;
  double primal = 0;
  double dual = 0;
  bool finite = true;
  int rho_updates = 0;
};

/// `count` iterations with a factored operator; residuals of the last one.
template <class R, Team T, class Operator>
BPQP_STAGE AdmmReport admm_steps(
    const T& team,
    const Operator& op,
    const AdmmState<R>& s,
    const R* l,
    const R* u,
    int m,
    const ConeList& cones,
    R alpha,
    int count) {
  const int linear = cones.count > 0 ? cones.first(0) : m;
  double primal = 0, dual = 0, z_scale = 0, y_scale = 0;
  for (int k = 1; k <= count; ++k) {
    for (int i : team.items(m)) s.v[i] = s.z[i] - s.y[i] / s.rho[i];
    team.sync();
    op.apply(team, s.rho, s.v, s.z_tilde);  // M11
    const bool last = k == count;
    for (int i : team.items(m)) {
      const R a = alpha * s.z_tilde[i] + (1 - alpha) * s.z[i];  // M12
      const R target = a + s.y[i] / s.rho[i];
      s.v[i] = target;
      if (i >= linear) continue;
      R z = target < l[i] ? l[i] : target;  // M13; NaN passes through
      z = z > u[i] ? u[i] : z;
      if (last) {
        primal = nan_max(primal, std::fabs(double(s.z_tilde[i] - z)));
        dual = nan_max(dual, std::fabs(double(s.rho[i] * (z - s.z[i]))));
        z_scale = nan_max(z_scale, std::fabs(double(z)));
        y_scale = nan_max(y_scale, std::fabs(double(s.y[i])));
      }
      s.y[i] = s.rho[i] * (target - z);  // M14
      s.z[i] = z;
    }
    team.sync();
    for (int c : team.items(cones.count)) {  // z = u - the projection of u - target
      const int first = cones.first(c), d = cones.size(c);
      R* slack = s.v + first;
      for (int i = 0; i < d; ++i) {
        slack[i] = u[first + i] - slack[i];
        s.y[first + i] = -s.rho[first + i] * slack[i];
      }
      soc::project(slack, d, slack);
      for (int i = 0; i < d; ++i) {
        const R rho = s.rho[first + i], z = u[first + i] - slack[i];
        s.y[first + i] += rho * slack[i];
        if (last) {
          primal = nan_max(primal, std::fabs(double(s.z_tilde[first + i] - z)));
          dual = nan_max(dual, std::fabs(double(rho * (z - s.z[first + i]))));
          z_scale = nan_max(z_scale, std::fabs(double(z)));
          y_scale = nan_max(y_scale, std::fabs(double(s.y[first + i])));
        }
        s.z[first + i] = z;
      }
    }
    if (cones.count > 0) team.sync();
  }
  primal = team.max(primal), dual = team.max(dual);
  z_scale = team.max(z_scale), y_scale = team.max(y_scale);
  AdmmReport report{count, primal / nan_max(z_scale, 1e-10), dual / nan_max(y_scale, 1e-10)};
  report.finite = primal < INFINITY && dual < INFINITY;
  return report;
}

/// rho of every row: equalities harder, rows without sides hardly at all.
template <class R, Team T>
BPQP_STAGE void set_rho(const T& team, const R* l, const R* u, int m, double rho, R* out) {
  for (int i : team.items(m)) {
    const bool free_row = !has_lower(double(l[i])) && !has_upper(double(u[i]));
    out[i] = R(l[i] == u[i] ? rho * kEqualityRho : free_row ? rho * kFreeRho : rho);
  }
  team.sync();
}

/// Iterates until both relative residuals are <= eps or `budget` iterations are done, adapting rho.
/// `rho` in and out. Starts from s.z, s.y.
template <class R, Team T, class Operator>
BPQP_STAGE AdmmReport admm(
    const T& team,
    const Operator& op,
    const AdmmState<R>& s,
    const R* l,
    const R* u,
    int m,
    double& rho,
    double alpha,
    bool adaptive,
    double eps,
    int budget,
    const ConeList& cones = {}) {
  AdmmReport total;
  double tolerance = kRhoFactor;
  set_rho(team, l, u, m, rho, s.rho);
  if (!op.factor(team, s.rho)) {
    total.finite = false;
    return total;
  }
  while (total.iterations < budget) {
    const int left = budget - total.iterations, count = left < 10 ? left : 10;
    const AdmmReport r = admm_steps(team, op, s, l, u, m, cones, R(alpha), count);
    total = {total.iterations + count, r.primal, r.dual, r.finite, total.rho_updates};
    if (!r.finite || (r.primal <= eps && r.dual <= eps)) break;
    if (!adaptive || total.rho_updates == kMaxRhoUpdates || left == count) continue;
    double factor = std::sqrt(r.primal / nan_max(r.dual, 1e-12));
    factor = factor > kMaxRhoFactor       ? kMaxRhoFactor
             : factor < 1 / kMaxRhoFactor ? 1 / kMaxRhoFactor
                                          : factor;
    if (factor < tolerance && factor > 1 / tolerance) continue;
    rho *= factor;
    tolerance *= 1.5;
    ++total.rho_updates;
    set_rho(team, l, u, m, rho, s.rho);
    if (!op.factor(team, s.rho)) {
      total.finite = false;
      break;
    }
  }
  return total;
}

}  // namespace bpqp::core
