/// \file
/// Ruiz equilibration of the KKT matrix (docs/math.md M5-M7):
///
///   [P A'; A 0]  ->  [D P D  D A'E; E A D  0],   every row and column close to 1 in its maximum.
///
/// Source: Ruiz 2001; OSQP (Stellato et al. 2020, algorithm 2). D and E are powers of two, so that
/// scaling rounds nothing. There is no cost scaling here: it would tie the factors to q. A linear
/// program scales its cost in solve_one.hpp.
/// Reads: the user's P and A. Writes: H = (P + P')/2, D, E. Next stage: condense.hpp.
#pragma once

#include "core/dense.hpp"
#include "core/structure.hpp"

namespace bpqp::core {

/// Maxima within this factor of 1 before a pass: after it they are close enough.
constexpr double kScaledEnough = 32;

/// The rows of a cone get one scale: each the largest of their maxima.
template <class R, Team T>
BPQP_STAGE void level_cones(const T& team, const ConeList& cones, R* row_max) {
  for (int k : team.items(cones.count)) {
    R largest = 0;
    for (int i = 0; i < cones.size(k); ++i) largest = nan_max(largest, row_max[cones.first(k) + i]);
    for (int i = 0; i < cones.size(k); ++i) row_max[cones.first(k) + i] = largest;
  }
  if (cones.count > 0) team.sync();
}

/// Scale factors: x = D x_scaled, y = E y_scaled (times the cost scale), z_scaled = E z.
template <class R>
struct Scaling {
  R* D = nullptr;  ///< [n]
  R* E = nullptr;  ///< [m]
};

/// H, lower triangle [n x n], = (P + P')/2. Returns whether P was symmetric to the last bit.
template <class D, class R, Team T>
BPQP_STAGE Mask<R> load_hessian(const T& team, const ProblemView<D>& p, R* H) {
  const int n = p.n;
  if (p.known.diagonal || !p.P) {
    for (int j : team_rows(team, n))
      for (int i : row_entries(team, n - j))
        H[std::size_t(j) * n + j + i] = i == 0 ? R(p.hessian_entry(j)) : R(0);
    team.sync();
    return Mask<R>(true);
  }
  return symmetric_part(team, p.P, n, H);
}

/// Equilibrates with at most `passes` passes; one pass of maxima is made in any case to find NaN
/// and infinities in A and on the diagonal of H (not read where P's is known). Returns whether
/// there is none. row_max [m], col_max [n] are scratch.
template <class D, class R, Team T>
BPQP_STAGE Mask<R> equilibrate(
    const T& team,
    const ProblemView<D>& p,
    const R* H,
    Scaling<R> s,
    int passes,
    R* row_max,
    R* col_max,
    double enough = kScaledEnough) {
  using W = Wide<R>;
  for (int j : team.items(p.n)) s.D[j] = 1;
  for (int i : team.items(p.m)) s.E[i] = 1;
  team.sync();
  Mask<R> finite(true), going(true);
  for (int pass = 0; pass == 0 || pass < passes; ++pass) {
    // Of a semidefinite P the diagonal bounds every entry: |P_ij| <= sqrt(P_ii P_jj).
    for (int j : team.items(p.n)) {
      const R h = p.known.diagonal ? R(p.known.diagonal[j]) : H[std::size_t(j) * p.n + j];
      col_max[j] = magnitude(h) * (s.D[j] * s.D[j]);
    }
    for (int i : team.items(p.m)) row_max[i] = 0;
    team.sync();
    maxima_of_rows(team, p, (const R*)s.D, (const R*)s.E, col_max, row_max);
    finite =
        finite & (nan_max(abs_max(team, col_max, p.n), abs_max(team, row_max, p.m)) < INFINITY);
    if (passes == 0 || !any(finite)) return finite;
    level_cones(team, p.cones, row_max);

    W worst = 1;  // how far from 1 a maximum is, as a factor
    const auto rescale = [&](R& scale, R maximum) {
      const Mask<R> some = maximum > R(1e-30);  // an empty row or column keeps its scale
      const W most = select(some, W(maximum), W(1));
      worst = nan_max(worst, nan_max(most, 1 / most));
      const R next = R(floor_power_of_two(1.4142 * W(scale) / root_of(most)));
      scale = select(some & going, next, scale);
    };
    for (int j : team.items(p.n)) rescale(s.D[j], col_max[j]);
    for (int i : team.items(p.m)) rescale(s.E[i], row_max[i]);
    going = going & (team.max(worst) > enough);
    if (!any(going)) break;
  }
  return finite;
}

/// H, lower triangle, becomes D H D + sigma I; returns the largest diagonal entry of D H D.
template <class R, Team T>
BPQP_STAGE Wide<R> scale_hessian(const T& team, R* H, int n, const R* D, double sigma) {
  Wide<R> largest = 0;
  for (int j : team_rows(team, n)) {
    R* column = H + std::size_t(j) * n + j;
    for (int i : row_entries(team, n - j)) column[i] *= D[j + i] * D[j];
    for (int i : row_entries(team, 1)) {  // the diagonal entry, by the lane that has just scaled it
      largest = nan_max(largest, magnitude(Wide<R>(column[i])));
      column[i] += R(sigma);
    }
  }
  return team.max(largest);
}

/// Y [n x m] = D A'E.
template <class D, class R, Team T>
BPQP_STAGE void scale_rows(const T& team, const ProblemView<D>& p, Scaling<R> s, R* Y) {
  for (int i : team_rows(team, p.m)) {
    const std::size_t offset = std::size_t(i) * p.n;
    for (int j : row_entries(team, p.n)) Y[offset + j] = R(p.A[offset + j]) * (s.D[j] * s.E[i]);
  }
  team.sync();
}

}  // namespace bpqp::core
