/// \file
/// What the active-set passes work on (docs/math.md M24): the point (x, y) in the user's units, its
/// residuals, and the constraint-space problem about it, scaled:
///
///   r = -(P x + q + A'y),   h = L^-1 r,   v = A x + Y'h   (the activities if y stays)
#pragma once

#include "core/dual_active_set.hpp"
#include "core/regular.hpp"

namespace bpqp::core {

/// A row may exceed its side by this times 1 + |side| before it is exchanged (scaled).
constexpr double kRowTolerance = 1e-11;
/// A pass whose residuals reach this ends the loop; one that only reaches eps ends it once further
/// passes stop helping.
constexpr double kPolished = 1e-11;

template <class D, class R, Team T>
class ForwardPoint {
 protected:
  using W = Wide<R>;

 public:
  BPQP_HD explicit ForwardPoint(const ForwardTask<D, R, T>& task)
      : team_(task.team),
        p_(task.p),
        o_(task.options),
        c_(task.c),
        w_(task.set),
        s_(task.s),
        x_(task.x),
        y_(task.y) {
    scale_bounds();
  }

 protected:
  /// The worst relative residual of the point; the best point so far is kept.
  BPQP_STAGE double judge(bool origin) {
    kkt_products(team_, p_, c_.report.symmetric, origin, x_, y_, s_.products, s_.t);
    const Residuals r = core::residuals(team_, p_, x_, y_, s_.products);
    const double worst = r.worst_relative();
    if (!(worst >= best_) || best_ == INFINITY) keep_best(worst, r);
    return worst;
  }

  BPQP_STAGE void keep_best(double worst, const Residuals& r) {
    best_ = worst;
    report_.residuals = r;
    copy_point(team_, p_.n, p_.m, x_, y_, s_.x_best, s_.y_best);
  }

  /// h = L^-1 r and the activities v = A x + Y'h that follow if y stays, scaled.
  BPQP_STAGE void linearise() {
    const Scaling<R> scale = c_.scaling;
    for (int j : team_.items(p_.n))
      s_.h[j] =
          R(-cost_ * W(scale.D[j]) * (W(s_.products.Px[j]) + W(p_.q[j]) + W(s_.products.Aty[j])));
    activities_at_y(s_.products.Ax);
  }

  /// linearise() without P and q.
  BPQP_STAGE void linearise_rows() {
    for (int i : team_.items(p_.m)) s_.c[i] = w_.y[i] * c_.scaling.E[i];
    team_.sync();
    product(team_, p_.A, p_.n, p_.m, p_.n, s_.c, s_.h);
    for (int j : team_.items(p_.n)) s_.h[j] *= -c_.scaling.D[j];
    transposed_product(team_, p_.A, p_.n, p_.m, p_.n, x_, s_.c);
    activities_at_y(s_.c);
  }

  /// h = L^-1 h, v = A x + Y'h.
  BPQP_STAGE void activities_at_y(const R* Ax) {
    for (int i : team_.items(p_.m)) w_.change[i] = 0;
    team_.sync();
    solve_lower(team_, c_.L, p_.n, p_.n, s_.h, 1, p_.n);
    transposed_product(team_, c_.Y, p_.n, p_.m, p_.n, s_.h, s_.v);
    for (int i : team_.items(p_.m)) s_.v[i] += c_.scaling.E[i] * Ax[i];
    team_.sync();
    rows_.noise = 0;
  }

  /// x += H^-1 (r - A'(change of y)).
  BPQP_STAGE void move_x() {
    product(team_, c_.Y, p_.n, p_.m, p_.n, w_.change, s_.t);
    for (int j : team_.items(p_.n)) s_.t[j] = s_.h[j] - s_.t[j];
    team_.sync();
    solve_lower_transposed(team_, c_.L, p_.n, p_.n, s_.t, 1, p_.n);
    for (int j : team_.items(p_.n)) {
      s_.t[j] *= c_.scaling.D[j];
      x_[j] += s_.t[j];
    }
    team_.sync();
  }

  /// The sides that (x, y) suggests: those whose multiplier exceeds their slack (scaled; OSQP's
  /// rule).
  BPQP_STAGE void sides_by_slack(const R* Ax) {
    for (int i : team_.items(p_.m)) {
      const double v = double(c_.scaling.E[i]) * double(Ax[i]), y = double(y_start(i));
      const bool equal = rows_.equality(i), up = y > 0 && y > double(s_.u[i]) - v;
      const bool low = y < 0 && -y > v - double(s_.l[i]);
      w_.side[i] = equal ? (y < 0 ? -1 : 1) : up ? 1 : low ? -1 : 0;
    }
    team_.sync();
  }

  /// y of the pass's start, scaled.
  BPQP_HD R y_start(int i) const { return R(W(y_[i]) * cost_ / W(c_.scaling.E[i])); }

  BPQP_STAGE void unscale_y() {
    for (int i : team_.items(p_.m)) y_[i] = R(W(w_.y[i]) * W(c_.scaling.E[i]) / cost_);
    team_.sync();
  }

  /// Whether the point is strictly complementary.
  BPQP_STAGE Mask<R> strict() {
    W y_scale = 0;
    for (int i : team_.items(p_.m)) y_scale = nan_max(y_scale, magnitude(W(w_.y[i])));
    for (int j : team_.items(p_.n)) {  // what the multipliers balance: they may all be rounding
      const W largest = nan_max(
          magnitude(W(p_.q[j])),
          nan_max(magnitude(W(s_.products.Px[j])), magnitude(W(s_.products.Aty[j]))));
      const W d = W(c_.scaling.D[j]);
      y_scale = nan_max(y_scale, cost_ * d * largest);
      // and so may what they balance: x is known to no more than this beside what moves it by one
      if (p_.P) y_scale = nan_max(y_scale, kBalance * d * d * W(p_.P[std::size_t(j) * p_.n + j]));
    }
    return strictly_complementary(team_, p_.m, team_.max(y_scale), [this](int i) {
      const W Ax = W(s_.products.Ax[i]) * W(c_.scaling.E[i]);
      return RowAtPoint<W>{W(s_.l[i]), W(s_.u[i]), Ax, W(w_.y[i]), w_.held(i)};
    });
  }

  const T& team_;
  const ProblemView<D>& p_;
  const ForwardOptions& o_;
  const Condensed<R>& c_;
  WorkingSet<R>& w_;
  const ForwardWork<R>& s_;
  R *x_, *y_;
  Schur<R> schur_;
  RowSides<R> rows_;
  W cost_ = 1;
  double best_ = INFINITY;  ///< worst relative residual of the best point so far
  ForwardReport report_;

 private:
  BPQP_STAGE void scale_bounds() {
    const Scaling<R> scale = c_.scaling;
    for (int i : team_.items(p_.m)) {
      const W l = W(p_.l[i]), u = W(p_.u[i]);
      s_.l[i] = select(has_lower(l), R(l) * scale.E[i], R(-INFINITY));
      if (i >= p_.linear_rows()) s_.l[i] = R(-INFINITY);
      s_.u[i] = select(has_upper(u), R(u) * scale.E[i], R(INFINITY));
    }
    schur_diagonal(team_, c_.Y, c_.S, p_.n, p_.m, s_.diagonal);
    measure_rows(
        team_, s_.l, s_.u, s_.diagonal, kRowTolerance, p_.m, s_.lowest, s_.highest, s_.weight);
    W cost = 0;  // a linear program's cost is scaled to one; y then carries the scale
    if (!p_.P)
      for (int j : team_.items(p_.n)) cost = nan_max(cost, magnitude(W(p_.q[j]) * W(scale.D[j])));
    cost = team_.max(cost);
    cost_ = select(cost > W(0), W(1) / floor_power_of_two(cost), W(1));
    schur_ = {p_.n, p_.m, c_.Y, c_.S, s_.diagonal, s_.kkt.spare};
    rows_ = {s_.l, s_.u, kRowTolerance, 0, s_.lowest, s_.highest, s_.weight};
  }
};

}  // namespace bpqp::core
