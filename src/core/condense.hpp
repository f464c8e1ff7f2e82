/// \file
/// From P and A to the constraint space (docs/math.md M8-M10), in scaled units:
///
///   H = P + sigma I = L L',   Y = L^-1 A',   S = Y'Y = A H^-1 A'
///
/// From here on the iteration, the active set and the KKT solves are in m (or k <= m) dimensions.
/// sigma is 0 where P is safely positive definite; else the problem is solved as a sequence of
/// proximal problems (solve_one.hpp moves the centre), and P counts as singular.
/// Reads: the user's P and A. Writes: Condensed. Next stage: admm.hpp.
#pragma once

#include "core/scaling.hpp"

namespace bpqp::core {

/// Pivots of chol(P) at or below this times the largest diagonal entry make P count as singular.
constexpr double kSingularPivot = 1e-11;
/// The proximal term of a singular P, times the largest entry |P_ij| (or 1 for P = 0): small
/// enough that few outer steps are needed, large enough that S keeps ten digits of P's range.
constexpr double kProximal = 1e-6;
/// Where rows of a set can take the place of that term (M64): pivots of H below this times its
/// largest entry are too small for S, and of H with them for derivatives without a proximal term.
constexpr double kWellDefinite = 1e-6;
/// P with a pivot below minus this times max |P| is not convex.
constexpr double kNonConvexPivot = 1e-9;

/// z-form iterates on S (m^2 per step), x-form on Y (n^2 + 2 n m); docs/math.md section 4.
BPQP_HD inline bool wants_z_form(int n, int m) {
  return double(m) * m < double(n) * n + 2.0 * n * m;
}

enum class Condensing : int { done = 0, not_finite, non_convex, failed };

/// What condense() found out, the same on every lane.
struct CondenseReport {
  Condensing outcome = Condensing::failed;
  bool symmetric = true;   ///< P is symmetric to the last bit
  bool singular = false;   ///< sigma > 0
  double sigma = 0;        ///< scaled units
  double gamma = 0;        ///< H holds gamma A_W'A_W besides (M38, M64)
  bool looked_at = false;  ///< P is diagonal and only that was found out: there are no factors
  bool diagonal = false;  ///< H is: D holds its root, L is I, and there is no S (cone_diagonal.hpp)
};

/// The factors of one P and A, kept for vectors-only solves and derivatives.
template <class R>
struct Condensed {
  Scaling<R> scaling;
  R* L = nullptr;  ///< [n x n] lower
  R* Y = nullptr;  ///< [n x m]
  R* S = nullptr;  ///< [m x m], both triangles; null in x-form
  CondenseReport report;

  BPQP_HD static Condensed lay_out(Arena& arena, int n, int m) {
    Condensed c;
    c.scaling.D = arena.take<R>(n);
    c.scaling.E = arena.take<R>(m);
    c.L = arena.take<R>(std::size_t(n) * n);
    c.Y = arena.take<R>(std::size_t(n) * m);
    if (wants_z_form(n, m)) c.S = arena.take<R>(std::size_t(m) * m);
    return c;
  }
};

/// Factors H in place for sigma; returns the pivots, and in `diagonal` the largest entry of D P D.
template <class D, class R, Team T>
BPQP_STAGE PivotsOf<Wide<R>> factor_hessian(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    double sigma,
    Wide<R>& diagonal) {
  diagonal = scale_hessian(team, c.L, p.n, c.scaling.D, sigma);
  return cholesky(team, c.L, p.n, p.n);
}

/// Whether P is safely positive definite, by what factor_hessian() found for sigma = 0.
template <class W>
BPQP_HD Mask<W> safely_definite(const PivotsOf<W>& pivots, W diagonal) {
  return pivots.positive & (pivots.smallest > W(kSingularPivot) * diagonal);
}

/// max |D P D| over all entries, from H = (P + P')/2 in c.L.
template <class D, class R, Team T>
BPQP_STAGE double scaled_hessian_maximum(
    const T& team, const ProblemView<D>& p, const Condensed<R>& c, R* scratch_n) {
  for (int j : team.items(p.n)) scratch_n[j] = 0;
  team.sync();
  scaled_maxima(team, c.L, p.n, p.n, p.n, c.scaling.D, c.scaling.D, true, scratch_n, scratch_n);
  return abs_max(team, scratch_n, p.n);
}

/// Whether a P known to be diagonal is convex and A finite; c gets nothing but its scaling.
template <class D, class R, Team T>
BPQP_STAGE CondenseReport look_at_diagonal(
    const T& team,
    const ProblemView<D>& p,
    int scaling_passes,
    const Condensed<R>& c,
    R* scratch_m,
    R* scratch_n) {
  CondenseReport report;
  report.looked_at = true;
  double least = 0, largest = 0;
  for (int j : team.items(p.n)) least = nan_min(least, p.known.diagonal[j]);
  least = team.min(least);
  const int passes = least < 0 ? scaling_passes : 0;
  if (!equilibrate(team, p, c.L, c.scaling, passes, scratch_m, scratch_n)) {
    report.outcome = Condensing::not_finite;
    return report;
  }
  least = 0;
  for (int j : team.items(p.n)) {
    const double entry = p.known.diagonal[j] * double(c.scaling.D[j]) * double(c.scaling.D[j]);
    least = nan_min(least, entry), largest = nan_max(largest, std::fabs(entry));
  }
  least = team.min(least), largest = team.max(largest);
  report.outcome = least < -kNonConvexPivot * largest ? Condensing::non_convex : Condensing::done;
  return report;
}

/// Y = L^-1 A' and S, from c.L and the scaling.
template <class D, class R, Team T>
BPQP_STAGE void condense_rows(const T& team, const ProblemView<D>& p, const Condensed<R>& c) {
  scale_rows(team, p, c.scaling, c.Y);
  solve_lower(team, c.L, p.n, p.n, c.Y, p.m, p.n);
  if (c.S) gram(team, c.Y, p.n, p.m, p.n, c.S, p.m);
}

/// H = D P D + sigma I + gamma (rows of the set)'(rows of the set) into c.L, factored; `side` [m]
/// is not 0 in the rows of the set. c.Y is scratch.
template <class D, class R, Team T>
BPQP_STAGE Pivots factor_augmented(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const signed char* side,
    double sigma,
    double gamma) {
  load_hessian(team, p, c.L);
  scale_hessian(team, c.L, p.n, c.scaling.D, sigma);
  const R root = R(std::sqrt(gamma));
  scale_rows(team, p, c.scaling, c.Y);
  for (int i : team.items(p.m))
    for (int j = 0; j < p.n; ++j) c.Y[std::size_t(i) * p.n + j] *= side[i] != 0 ? root : R(0);
  team.sync();
  add_outer(team, c.Y, p.n, p.m, p.n, c.L, p.n);
  return cholesky(team, c.L, p.n, p.n);
}

/// What of H can be factored where P is not safely definite (M64), or not `well` so: with the rows
/// of the set, if they are given, and only if that is not enough with sigma. Into c.L and report.
template <class D, class R, Team T>
BPQP_STAGE void factor_indefinite(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const signed char* side,
    bool definite,
    R* scratch_n,
    CondenseReport& report) {
  load_hessian(team, p, c.L);
  // A zero diagonal with a nonzero column is not convex; max |P| is then not on the diagonal.
  const double largest = scaled_hessian_maximum(team, p, c, scratch_n);
  if (!(largest < INFINITY)) {  // one of P's entries is what broke the factorisation
    report.outcome = Condensing::not_finite;
    return;
  }
  const double unit = largest > 0 ? largest : 1;
  report.outcome = Condensing::done;
  if (side) {
    report.gamma = unit;
    const Pivots pivots = factor_augmented(team, p, c, side, 0.0, unit);
    const double least = (definite ? kSingularPivot : kWellDefinite) * unit;
    if (pivots.positive && pivots.smallest > least) return;
  }
  report.singular = true;
  report.sigma = kProximal * unit;
  double diagonal = 0;
  const Pivots pivots = side ? factor_augmented(team, p, c, side, report.sigma, report.gamma)
                             : factor_hessian(team, p, c, report.sigma, diagonal);
  if (!(pivots.smallest >= report.sigma - kNonConvexPivot * largest))
    report.outcome = Condensing::non_convex;
}

/// Fills c's arrays (not c.report: that is the return value, for one lane to store). `side` [m]:
/// the rows of the set, where M64 may be used; else null.
template <class D, class R, Team T>
BPQP_STAGE CondenseReport condense(
    const T& team,
    const ProblemView<D>& p,
    int scaling_passes,
    const Condensed<R>& c,
    R* scratch_m,
    R* scratch_n,
    const signed char* side = nullptr) {
  CondenseReport report;
  report.symmetric = load_hessian(team, p, c.L);
  if (!equilibrate(team, p, c.L, c.scaling, scaling_passes, scratch_m, scratch_n)) {
    report.outcome = Condensing::not_finite;
    return report;
  }
  double diagonal = 0;
  const Pivots pivots = factor_hessian(team, p, c, 0.0, diagonal);
  const bool definite = safely_definite(pivots, diagonal);
  const bool well = definite && (!side || pivots.smallest > kWellDefinite * diagonal);
  report.outcome = Condensing::done;
  if (!well) factor_indefinite(team, p, c, side, definite, scratch_n, report);
  if (report.outcome == Condensing::done) condense_rows(team, p, c);
  return report;
}

}  // namespace bpqp::core
