/// \file
/// One second-order cone SOC(d) = {(t, v): t >= |v|}, t first (docs/math.md section 11):
/// projection, its Jordan algebra, and the Nesterov-Todd scaling. One lane works on one cone.
///
/// Sources: Boyd and Vandenberghe, exercise 8.3(c) (projection); Vandenberghe 2010, "The CVXOPT
/// linear and quadratic cone program solvers", sections 2 and 4 (scaling, products, steps).
#pragma once

#include <cmath>

#include "core/dense.hpp"

namespace bpqp::core::soc {

/// Sums of squares between these have neither overflowed nor lost digits.
constexpr double kLeastSquares = 1e-280, kMostSquares = 1e280;

template <class R>
BPQP_STAGE double tail_norm(const R* v, int d) {
  const double squares = double(dot(v + 1, v + 1, d - 1));
  if (squares > kLeastSquares && squares < kMostSquares) return std::sqrt(squares);
  double largest = 0, sum = 0;
  for (int i = 1; i < d; ++i) largest = nan_max(largest, std::fabs(double(v[i])));
  if (!(largest > 0)) return largest;
  for (int i = 1; i < d; ++i) {
    const double r = double(v[i]) / largest;
    sum += r * r;
  }
  return largest * std::sqrt(sum);
}

template <class R>
BPQP_STAGE double tail_dot(const R* a, const R* b, int d) {
  return double(dot(a + 1, b + 1, d - 1));
}

/// t - |v|: how far inside the cone, negative outside.
template <class R>
BPQP_HD double margin(const R* v, int d) {
  return double(v[0]) - tail_norm(v, d);
}

/// t^2 - |v|^2 without the cancellation of the squares.
template <class R>
BPQP_HD double determinant(const R* v, int d) {
  const double r = tail_norm(v, d), t = double(v[0]);
  return (t - r) * (t + r);
}

/// The projection of v on the cone: itself, zero, or ((t + r)/2) (1, v/r), r = |v|.
template <class R>
BPQP_STAGE void project(const R* v, int d, R* out) {
  const double r = tail_norm(v, d), t = double(v[0]);
  const bool inside = r <= t, polar = r <= -t;
  const double factor = inside ? 1 : polar ? 0 : (t + r) / (2 * r);
  out[0] = R(inside ? t : polar ? 0 : (t + r) / 2);
  for (int i = 1; i < d; ++i) out[i] = R(factor * double(v[i]));
}

/// Largest entry of v - projection(v), for v or, `sign` -1, -v.
template <class R>
BPQP_STAGE double distance(const R* v, int d, double sign = 1) {
  const double r = tail_norm(v, d), t = sign * double(v[0]);
  if (r != r || t != t) return r + t;
  if (r <= t) return 0;
  const double rest = r <= -t ? 1 : 1 - (t + r) / (2 * r);
  double largest = r <= -t ? std::fabs(t) : (r - t) / 2;
  for (int i = 1; i < d; ++i) largest = nan_max(largest, std::fabs(rest * double(v[i])));
  return largest;
}

/// out = a o b = (a'b, a_0 b_1 + b_0 a_1); out may be neither a nor b.
template <class R>
BPQP_STAGE void product(const R* a, const R* b, int d, R* out) {
  out[0] = R(double(a[0]) * double(b[0]) + tail_dot(a, b, d));
  for (int i = 1; i < d; ++i) out[i] = a[0] * b[i] + b[0] * a[i];
}

/// out = lambda \ b: lambda o out = b. out may be b.
template <class R>
BPQP_STAGE void divide(const R* lambda, const R* b, int d, R* out) {
  const double first =
      (double(lambda[0]) * double(b[0]) - tail_dot(lambda, b, d)) / determinant(lambda, d);
  for (int i = 1; i < d; ++i)
    out[i] = R((double(b[i]) - first * double(lambda[i])) / double(lambda[0]));
  out[0] = R(first);
}

/// The Nesterov-Todd point of s and z, both inside: w (w_0^2 - |w_1|^2 = 1) into w [d]; returns
/// eta. W z = W^-1 s = lambda with W = eta [w_0 w_1'; w_1 I + w_1 w_1'/(1 + w_0)].
template <class R>
BPQP_STAGE double nesterov_todd(const R* s, const R* z, int d, R* w) {
  const double a = std::sqrt(determinant(s, d)), b = std::sqrt(determinant(z, d));
  const double dot = (double(s[0]) * double(z[0]) + tail_dot(s, z, d)) / (a * b);
  const double gamma = 2 * std::sqrt((1 + dot) / 2);
  double squares = 0;
  for (int i = 1; i < d; ++i) {
    const double entry = (double(s[i]) / a - double(z[i]) / b) / gamma;
    w[i] = R(entry);
    squares += entry * entry;
  }
  w[0] = R(std::sqrt(1 + squares));
  return std::sqrt(a / b);
}

/// v = W v or, `inverse`, W^-1 v.
template <class R>
BPQP_STAGE void scale(double eta, const R* w, int d, bool inverse, R* v) {
  const double along = tail_dot(w, v, d);
  const double sign = inverse ? -1 : 1, factor = inverse ? 1 / eta : eta;
  const double w0 = double(w[0]), v0 = double(v[0]);
  const double shift = sign * v0 + along / (1 + w0);
  v[0] = R(factor * (w0 * v0 + sign * along));
  for (int i = 1; i < d; ++i) v[i] = R(factor * (double(v[i]) + shift * double(w[i])));
}

/// The largest step t with v + t dv in the cone (v inside).
template <class R>
BPQP_STAGE double largest_step(const R* v, const R* dv, int d) {
  const double a = determinant(dv, d), c = nan_max(0.0, determinant(v, d));
  const double b = double(v[0]) * double(dv[0]) - tail_dot(v, dv, d);
  double step = double(dv[0]) < 0 ? -double(v[0]) / double(dv[0]) : INFINITY;
  // Smallest positive root of a t^2 + 2 b t + c, c >= 0, by the stable formulas.
  const double discriminant = b * b - a * c;
  if (discriminant < 0 || (a >= 0 && b >= 0)) return step;
  const double root = -(b + (b < 0 ? -1 : 1) * std::sqrt(discriminant));
  const double t1 = root / a, t2 = root != 0 ? c / root : INFINITY;
  if (t1 > 0) step = nan_min(step, t1);
  if (t2 > 0) step = nan_min(step, t2);
  return step;
}

}  // namespace bpqp::core::soc
