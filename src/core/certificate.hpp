/// \file
/// Certificates of infeasibility, judged in the user's units (docs/math.md M29-M30):
///
///   primal: h(y) = -1, y_i = 0 at sides that do not exist, |A'y| <= 1e-8
///   dual:   q'd = -1, |P d| <= 1e-8, (A d)_i <= 1e-8 where u_i is finite, >= -1e-8 where l_i is
#pragma once

#include "core/condense.hpp"
#include "core/kkt.hpp"

namespace bpqp::core {

constexpr double kCertificate = 1e-8;

/// Scales the candidate y [m] to a certificate in place; false (y then scaled or not) if it is none.
template <class D, class R, Team T>
BPQP_HD bool primal_certificate(const T& team, const ProblemView<D>& p, R* y, R* scratch_n) {
  const double largest = abs_max(team, y, p.m);
  if (!(largest > 0 && largest < INFINITY)) return false;
  for (int i : team.items(p.m)) {  // rounding may leave traces at sides that do not exist
    const bool absent = y[i] > 0 ? !has_upper(double(p.u[i])) : !has_lower(double(p.l[i]));
    if (absent) y[i] = 0;
  }
  team.sync();
  double stray = 0;
  const double h = support(team, p, y, stray);
  if (!(h < 0) || stray > 0) return false;
  for (int i : team.items(p.m)) y[i] = R(double(y[i]) / -h);
  team.sync();
  product(team, p.A, p.n, p.m, p.n, y, scratch_n);
  return abs_max(team, scratch_n, p.n) <= kCertificate;
}

/// Makes A'y smaller for a ray y (scaled units; the set's rows and one more) by changing y on the
/// working set: the residual comes from the user's data, so few passes reach rounding.
template <class D, class R, Team T>
BPQP_HD void refine_ray(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const WorkingSet<R>& w,
    const KktScratch<R>& s) {
  for (int pass = 0; pass < 3; ++pass) {
    for (int i : team.items(p.m)) s.r_y[i] = c.scaling.E[i] * w.y[i];
    team.sync();
    product(team, p.A, p.n, p.m, p.n, s.r_y, s.t);
    for (int j : team.items(p.n)) s.t[j] *= c.scaling.D[j];
    team.sync();
    solve_lower(team, c.L, p.n, p.n, s.t, 1, p.n);
    for (int j : team.items(w.size)) s.a[j] = dot(c.Y + std::size_t(w.list[j]) * p.n, s.t, p.n);
    team.sync();
    cholesky_solve(team, w.L, w.size, w.capacity, s.a);
    for (int j : team.items(w.size)) w.y[w.list[j]] -= s.a[j];
    team.sync();
  }
}

/// Scales the candidate d [n] to a certificate in place; false if it is none.
template <class D, class R, Team T>
BPQP_HD bool dual_certificate(
    const T& team, const ProblemView<D>& p, bool symmetric, R* d, R* scratch_n, R* scratch_m,
    R* scratch2_n) {
  double slope = 0;
  for (int j : team.items(p.n)) slope += double(p.q[j]) * double(d[j]);
  slope = team.sum(slope);
  if (!(slope < 0 && slope > -INFINITY)) return false;
  for (int j : team.items(p.n)) d[j] = R(double(d[j]) / -slope);
  team.sync();
  hessian_product(team, p, symmetric, d, scratch_n, scratch2_n);
  if (!(abs_max(team, scratch_n, p.n) <= kCertificate)) return false;
  transposed_product(team, p.A, p.n, p.m, p.n, d, scratch_m);
  double worst = 0;
  for (int i : team.items(p.m)) {
    const double a = double(scratch_m[i]);
    if (!(a == a)) worst = a;
    if (has_upper(double(p.u[i]))) worst = nan_max(worst, a);
    if (has_lower(double(p.l[i]))) worst = nan_max(worst, -a);
  }
  return team.max(worst) <= kCertificate;
}

}  // namespace bpqp::core
