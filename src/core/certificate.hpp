/// \file
/// Certificates of infeasibility, judged in the user's units (docs/math.md M29-M30):
///
///   primal: h(y) = -1, y_i = 0 at sides that do not exist, y_k in SOC, |A'y| <= 1e-8
///   dual:   q'd = -1, |P d| <= 1e-8, (A d)_i <= 1e-8 where u_i is finite, >= -1e-8 where l_i is,
///           -(A d)_k in SOC within 1e-8
#pragma once

#include "core/condense.hpp"
#include "core/kkt.hpp"

namespace bpqp::core {

constexpr double kCertificate = 1e-8;
/// Rounding of a projection on a cone.
constexpr double kProjected = 1e-14;
/// h(y), or q'd, is trusted to be negative if it exceeds this times the sum of its terms'
/// magnitudes.
constexpr double kSupportNoise = 1e-11;

/// Rounding of a sum, relative to its largest term.
constexpr double kSumNoise = 1e-15;

/// Whether |value| is at most 1e-8, as small beside the largest of its terms, and known so well:
/// without the second test anything is a certificate once it is scaled to nothing (sides or costs
/// of 1e9), without the third where terms of 1e15 cancel.
BPQP_HD inline bool small_beside(double value, double terms) {
  return std::fabs(value) <= kCertificate * nan_min(1.0, terms) &&
         kSumNoise * terms <= kCertificate;
}

/// sum |y_i side_i|: what h(y) is rounded relative to.
template <class D, class R, Team T>
BPQP_STAGE double support_terms(const T& team, const ProblemView<D>& p, const R* y) {
  double sum = 0;
  for (int i : team.items(p.m)) {
    if (y[i] == 0) continue;
    const bool upper = y[i] > 0 || i >= p.linear_rows();
    sum += std::fabs(double(y[i]) * double(upper ? p.u[i] : p.l[i]));
  }
  return team.sum(sum);
}

/// Scales the candidate y [m] to a certificate in place; false (y then scaled or not) if it is
/// none.
template <class D, class R, Team T>
BPQP_STAGE bool primal_certificate(const T& team, const ProblemView<D>& p, R* y, R* scratch_n) {
  const double largest = abs_max(team, y, p.m);
  if (!(largest > 0 && largest < INFINITY)) return false;
  for (int i : team.items(p.linear_rows())) {  // rounding may leave traces at absent sides
    const bool absent = y[i] > 0 ? !has_upper(double(p.u[i])) : !has_lower(double(p.l[i]));
    if (absent) y[i] = 0;
  }
  for (int k : team.items(p.cones.count))
    soc::project(y + p.cones.first(k), p.cones.size(k), y + p.cones.first(k));
  team.sync();
  double stray = 0;
  const double h = support(team, p, y, stray);
  if (!(-h > kSupportNoise * support_terms(team, p, y)) || stray > kProjected * largest)
    return false;
  for (int i : team.items(p.m)) y[i] = R(double(y[i]) / -h);
  team.sync();
  product(team, p.A, p.n, p.m, p.n, y, scratch_n);
  const double size = largest / -h;
  if (!(abs_max(team, scratch_n, p.n) <= kCertificate)) return false;
  for (int j : team.items(p.n)) {
    double entry = 0;
    for (int i = 0; i < p.m; ++i)
      entry = nan_max(entry, std::fabs(double(p.A[std::size_t(i) * p.n + j])));
    scratch_n[j] = small_beside(double(scratch_n[j]), entry * size) ? R(0) : R(1);
  }
  return abs_max(team, scratch_n, p.n) == 0;
}

/// Makes A'y smaller for the ray y in w.change (scaled units; the set's rows and one more) by
/// changing it on the working set: the residual comes from the user's data, so few passes reach
/// rounding.
template <class D, class R, Team T>
BPQP_STAGE void refine_ray(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const WorkingSet<R>& w,
    const KktScratch<R>& s) {
  for (int pass = 0; pass < 3; ++pass) {
    for (int i : team.items(p.m)) s.r_y[i] = c.scaling.E[i] * w.change[i];
    team.sync();
    product(team, p.A, p.n, p.m, p.n, s.r_y, s.t);
    for (int j : team.items(p.n)) s.t[j] *= c.scaling.D[j];
    team.sync();
    solve_lower(team, c.L, p.n, p.n, s.t, 1, p.n);
    for (int j : team.items(w.size)) s.a[j] = dot(c.Y + std::size_t(w.list[j]) * p.n, s.t, p.n);
    team.sync();
    cholesky_solve(team, w.L, w.size, w.capacity, s.a);
    for (int j : team.items(w.size)) w.change[w.list[j]] -= s.a[j];
    team.sync();
  }
}

/// What a direction d with q'd < 0 is: nothing; flat (P d = 0), so that the objective falls along
/// it until a row blocks; or, if none ever does, a certificate of unboundedness.
enum class Descent : int { none = 0, flat, certificate };

/// Scales the candidate d [n] to q'd = -1 in place and classifies it; Ad [m] gets A d. `slope` gets
/// q'd before.
template <class D, class R, Team T>
BPQP_STAGE Descent classify_descent(
    const T& team,
    const ProblemView<D>& p,
    bool symmetric,
    R* d,
    double& slope,
    R* Ad,
    R* scratch_n,
    R* scratch2_n) {
  slope = 0;
  double terms_of_slope = 0;
  for (int j : team.items(p.n)) {
    slope += double(p.q[j]) * double(d[j]);
    terms_of_slope += std::fabs(double(p.q[j]) * double(d[j]));
  }
  slope = team.sum(slope);
  if (!(-slope > kSupportNoise * team.sum(terms_of_slope) && slope > -INFINITY))
    return Descent::none;
  for (int j : team.items(p.n)) d[j] = R(double(d[j]) / -slope);
  team.sync();
  const double size = abs_max(team, d, p.n);
  hessian_product(team, p, symmetric, d, scratch_n, scratch2_n);
  if (!(abs_max(team, scratch_n, p.n) <= kCertificate)) return Descent::none;
  for (int j : team.items(p.n)) {
    double entry = 0;
    if (p.P)
      for (int i = 0; i < p.n; ++i)
        entry = nan_max(entry, std::fabs(double(p.P[std::size_t(j) * p.n + i])));
    scratch_n[j] = small_beside(double(scratch_n[j]), entry * size) ? R(0) : R(1);
  }
  if (!(abs_max(team, scratch_n, p.n) == 0)) return Descent::none;
  transposed_product(team, p.A, p.n, p.m, p.n, d, Ad);
  double blocked = 0;
  const auto row_size = [&](int i) {
    double entry = 0;
    for (int j = 0; j < p.n; ++j)
      entry = nan_max(entry, std::fabs(double(p.A[std::size_t(i) * p.n + j])));
    return entry * size;
  };
  for (int k : team.items(p.cones.count)) {
    const int first = p.cones.first(k);
    double terms = 0;
    for (int i = 0; i < p.cones.size(k); ++i) terms = nan_max(terms, row_size(first + i));
    if (!small_beside(soc::distance(Ad + first, p.cones.size(k), -1), terms)) blocked = 1;
  }
  for (int i : team.items(p.linear_rows())) {
    const double a = double(Ad[i]);
    if (!(a == a)) blocked = a;
    const double over = a > 0 && has_upper(double(p.u[i]))   ? a
                        : a < 0 && has_lower(double(p.l[i])) ? -a
                                                             : 0;
    if (over > 0 && !small_beside(over, row_size(i))) blocked = nan_max(blocked, 1.0);
  }
  blocked = team.max(blocked);
  return blocked == 0 ? Descent::certificate : blocked == 1 ? Descent::flat : Descent::none;
}

}  // namespace bpqp::core
