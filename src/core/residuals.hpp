/// \file
/// KKT residuals in the user's units from the user's data (docs/math.md M1-M4): the only judge of
/// what is solved.
///
///   r_p = |A x - s|, s = A x clamped to [l, u], in cones u - (u - A x projected)   scale |A x|,
///   |s| r_d = |P x + q + A'y|, plus |y_i| at sides that do not exist and y's distance to the cones
///                                                     scale |P x|, |q|, |A'y|
///   gap = |x'P x + q'x + h(y)|                        scale |x'P x|, |q'x|, |h|
#pragma once

#include <type_traits>

#include "core/cone.hpp"
#include "core/dense.hpp"
#include "core/structure.hpp"

namespace bpqp::core {

/// Products of the point with the data, kept for the step that follows.
template <class R>
struct KktVectors {
  R* Px = nullptr;   ///< [n]
  R* Aty = nullptr;  ///< [n]
  R* Ax = nullptr;   ///< [m]

  BPQP_HD static KktVectors lay_out(Arena& arena, int n, int m) {
    return {arena.take<R>(n), arena.take<R>(n), arena.take<R>(m)};
  }
};

/// (x, y) to another place.
template <class R, Team T>
BPQP_STAGE void copy_point(const T& team, int n, int m, const R* x, const R* y, R* x_to, R* y_to) {
  for (int j : team.items(n)) x_to[j] = x[j];
  for (int i : team.items(m)) y_to[i] = y[i];
  team.sync();
}

template <class W>
struct ResidualsOf {
  W primal = 0, dual = 0, gap = 0;
  W primal_scale = 0, dual_scale = 0, gap_scale = 0;
  W objective = 0;

  BPQP_HD static W relative(W residual, W scale) {
    return residual / select(scale > W(1), scale, W(1));
  }
  /// The largest of the three residuals over eps_abs + eps_rel scale: solved if <= 1.
  BPQP_HD W over(double eps_abs, double eps_rel) const {
    const auto ratio = [&](W residual, W scale) {
      return select(residual == W(0), W(0), residual / (W(eps_abs) + W(eps_rel) * scale));
    };
    return nan_max(
        nan_max(ratio(primal, primal_scale), ratio(dual, dual_scale)), ratio(gap, gap_scale));
  }
  BPQP_HD W worst_relative() const {
    return nan_max(
        nan_max(relative(primal, primal_scale), relative(dual, dual_scale)),
        relative(gap, gap_scale));
  }
};
using Residuals = ResidualsOf<double>;

/// out [n] = (P + P')/2 x. scratch [n] is used if P is not symmetric.
template <class D, class R, Team T>
BPQP_STAGE void hessian_product(
    const T& team, const ProblemView<D>& p, bool symmetric, const R* x, R* out, R* scratch) {
  if (p.known.diagonal || !p.P) {
    for (int j : team.items(p.n)) out[j] = p.known.diagonal ? R(p.known.diagonal[j]) * x[j] : R(0);
    team.sync();
    return;
  }
  transposed_product(team, p.P, p.n, p.n, p.n, x, out);
  if (symmetric) return;
  product(team, p.P, p.n, p.n, p.n, x, scratch);
  for (int j : team.items(p.n)) out[j] = (out[j] + scratch[j]) / 2;
  team.sync();
}

/// h(y) = sum u_i max(y_i, 0) + l_i min(y_i, 0) over the finite sides + u_k'y_k over the cones;
/// `stray` gets the largest |y_i| at a side that does not exist, or distance of y_k to its cone.
template <class D, class R, Team T>
BPQP_STAGE Wide<R> support(const T& team, const ProblemView<D>& p, const R* y, Wide<R>& stray) {
  using W = Wide<R>;
  W h = 0, off = 0;
  const int linear = p.linear_rows();
  for (int i : team.items(linear)) {
    const W y_i = W(y[i]), l = W(p.l[i]), u = W(p.u[i]);
    const auto upper = y_i > W(0);
    const auto exists = select(upper, u<W(kAbsent), l> W(-kAbsent));
    h += select(exists & (y_i != W(0)), y_i * select(upper, u, l), W(0));
    off = nan_max(off, select(exists, W(0), magnitude(y_i)));
  }
  if constexpr (std::is_same_v<W, double>) {  // no packs of cones
    for (int i : team.items(p.m - linear)) h += double(y[linear + i]) * double(p.u[linear + i]);
    for (int k : team.items(p.cones.count))
      off = nan_max(off, soc::distance(y + p.cones.first(k), p.cones.size(k)));
  }
  stray = team.max(off);
  return team.sum(h);
}

/// |tail|^2 of the slack u_k - (A x)_k of cone k, in eight partial sums as dot().
template <class D, class R>
BPQP_HD double slack_squares(const ProblemView<D>& p, const R* Ax, int k) {
  constexpr int kLanes = 8;
  const int first = p.cones.first(k), end = first + p.cones.size(k);
  double sums[kLanes] = {}, tail = 0;
  const auto square = [&](int i) {
    const double slack = double(p.u[i]) - double(Ax[i]);
    return slack * slack;
  };
  int i = first + 1;
  for (; i + kLanes <= end; i += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += square(i + lane);
  for (; i < end; ++i) tail += square(i);
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) +
         tail;
}

/// Largest entry of s - its projection for the slack s = u_k - (A x)_k of cone k; `scale` is raised
/// to the largest |A x| and |u - projection|.
template <class D, class R>
BPQP_HD double cone_residual(const ProblemView<D>& p, const R* Ax, int k, double& scale) {
  const int first = p.cones.first(k), d = p.cones.size(k);
  const auto slack = [&](int i) { return double(p.u[first + i]) - double(Ax[first + i]); };
  double r = std::sqrt(slack_squares(p, Ax, k));
  if (!(r * r > soc::kLeastSquares && r * r < soc::kMostSquares)) {
    double largest = 0, sum = 0;
    for (int i = 1; i < d; ++i) largest = nan_max(largest, std::fabs(slack(i)));
    for (int i = 1; i < d && largest > 0; ++i) sum += slack(i) / largest * (slack(i) / largest);
    r = largest * std::sqrt(sum);
  }
  const double t = slack(0);
  const bool inside = r <= t, polar = r <= -t;
  const double factor = inside ? 1 : polar ? 0 : (t + r) / (2 * r);
  double residual = r == r && t == t ? 0 : r + t;
  for (int i = 0; i < d; ++i) {
    const double projected = i > 0 ? factor * slack(i) : inside ? t : polar ? 0 : (t + r) / 2;
    residual = nan_max(residual, std::fabs(slack(i) - projected));
    scale = nan_max(
        scale,
        nan_max(std::fabs(double(Ax[first + i])), std::fabs(double(p.u[first + i]) - projected)));
  }
  return residual;
}

/// The products of (x, y) with the data into k; `origin`: x and y are zero. scratch [n].
template <class D, class R, Team T>
BPQP_STAGE void kkt_products(
    const T& team,
    const ProblemView<D>& p,
    bool symmetric,
    bool origin,
    const R* x,
    const R* y,
    const KktVectors<R>& k,
    R* scratch) {
  if (origin) {
    for (int j : team.items(p.n)) k.Px[j] = k.Aty[j] = 0;
    for (int i : team.items(p.m)) k.Ax[i] = 0;
    team.sync();
    return;
  }
  hessian_product(team, p, symmetric, x, k.Px, scratch);
  columns_product(team, p, y, k.Aty);
  rows_product(team, p, x, k.Ax);
}

/// The residuals of (x, y) from its products k.
template <class D, class R, Team T>
BPQP_STAGE ResidualsOf<Wide<R>> residuals(
    const T& team, const ProblemView<D>& p, const R* x, const R* y, const KktVectors<R>& k) {
  using W = Wide<R>;
  W xPx = 0, qx = 0, dual = 0, dual_scale = 0, primal = 0, primal_scale = 0;
  for (int j : team.items(p.n)) {
    const W Px = W(k.Px[j]), Aty = W(k.Aty[j]), q = W(p.q[j]);
    xPx += W(x[j]) * Px;
    qx += W(x[j]) * q;
    dual = nan_max(dual, magnitude(Px + q + Aty));
    dual_scale = nan_max(dual_scale, nan_max(magnitude(Px), nan_max(magnitude(q), magnitude(Aty))));
  }
  for (int i : team.items(p.linear_rows())) {
    const W Ax = W(k.Ax[i]), l = W(p.l[i]), u = W(p.u[i]);
    const W s = select((Ax < l) & has_lower(l), l, select((Ax > u) & has_upper(u), u, Ax));
    primal = nan_max(primal, magnitude(Ax - s));
    primal_scale = nan_max(primal_scale, nan_max(magnitude(Ax), magnitude(s)));
  }
  if constexpr (std::is_same_v<W, double>)
    for (int c : team.items(p.cones.count))
      primal = nan_max(primal, cone_residual(p, k.Ax, c, primal_scale));
  W stray = 0;
  const W h = support(team, p, y, stray);

  ResidualsOf<W> r;
  xPx = team.sum(xPx), qx = team.sum(qx);
  r.primal = team.max(primal), r.primal_scale = team.max(primal_scale);
  r.dual = team.max(dual) + stray, r.dual_scale = team.max(dual_scale);
  r.gap = magnitude(xPx + qx + h);
  r.gap_scale = nan_max(magnitude(xPx), nan_max(magnitude(qx), magnitude(h)));
  r.objective = xPx / W(2) + qx;
  return r;
}

}  // namespace bpqp::core
