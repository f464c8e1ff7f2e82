/// \file
/// The interior point method (docs/math.md section 10): the way for linear programs, singular P,
/// cones and whatever the active-set methods leave.
///
/// Mehrotra's predictor-corrector on the homogeneous embedding with a quadratic cost, whose tau and
/// kappa end in a solution or in a certificate:
///
///   P x + A'y + q tau = 0,   A x + s = u tau (each side),   x'P x/tau + q'x + h'z + kappa = 0
///
/// where h'z is u'z_upper - l'z_lower.
///
/// Sources: Goulart and Chen 2024 (Clarabel: the embedding, Nesterov-Todd steps, start), Andersen
/// and Ye 1999; Mehrotra 1992. Data are scaled so that rows, cost and right-hand sides are all of
/// order one: without the last, problems with sides of 1e8 take twice the iterations or fail.
#pragma once

#include "bpqp/status.hpp"
#include "core/barrier_problem.hpp"
#include "core/certificate.hpp"

namespace bpqp::core {

/// Iterations without a better point before the method is given up; with one within tolerance
/// fewer.
constexpr int kBarrierStall = 40, kBarrierStallReached = 6;
/// Further correctors where the step is shorter than kBarrierLongStep: they aim at a step longer by
/// kBarrierReach, and must gain kBarrierGain.
constexpr int kBarrierCorrectors = 2;
constexpr double kBarrierLongStep = 0.9, kBarrierReach = 0.3, kBarrierGain = 0.03;
constexpr double kBarrierShortStep = 1e-5;  ///< three such steps in a row: stuck

enum class BarrierOutcome : int {
  converged = 0,
  stalled,  ///< no better point any more, no factor, or a limit reached
  primal_infeasible,
  dual_infeasible,
  failed  ///< no start
};

struct BarrierReport {
  BarrierOutcome outcome = BarrierOutcome::stalled;
  int iterations = 0;
  double worst = INFINITY;  ///< worst relative residual of the point
  double units = 1;         ///< (scaled slack)/(scaled multiplier) = units E^2 s/y
  Residuals residuals;
};

struct BarrierOptions {
  double target = 1e-9;  ///< worst relative residual that ends it
  double eps_abs = 1e-6, eps_rel = 1e-6;
  int max_iter = 100;
  bool (*expired)(const void*) = nullptr;
  const void* clock = nullptr;
};

template <class D, class R, Team T>
class InteriorPoint : private BarrierProblem<D, R, T> {
 public:
  /// x, y get the best point or the certificate, side [m] the linear rows active there; the other
  /// arrays are scratch.
  BPQP_HD InteriorPoint(
      const T& team,
      const ProblemView<D>& p,
      const BarrierOptions& options,
      const BarrierWork<R>& w,
      const KktVectors<R>& products,
      R* x_best,
      R* y_best,
      R* x,
      R* y,
      signed char* side)
      : BarrierProblem<D, R, T>(team, p, w),
        o_(options),
        target_(options.target),
        products_(products),
        x_best_(x_best),
        y_best_(y_best),
        x_(x),
        y_(y),
        side_(side) {}

  BPQP_HD BarrierReport run() {
    if (!set_up()) return finish(BarrierOutcome::failed);
    BarrierReport report = iterate();
    // Free variables make K worse than N, and so does a rough P: what stalls is tried by columns.
    if (form_.way != BarrierWay::columns && !(report.worst <= target_) &&
        report.outcome != BarrierOutcome::primal_infeasible &&
        report.outcome != BarrierOutcome::dual_infeasible && !out_of_time()) {
      form_.way = BarrierWay::columns;
      form_.order = p_.n;
      report = iterate();
    }
    return report;
  }

  /// Goes on from where run() ended, to a tighter target. x_best, y_best and the products may have
  /// been used in between.
  BPQP_HD BarrierReport resume(double target) {
    target_ = target;
    report_.worst = attempt_ = INFINITY;
    stalled_ = short_steps_ = 0;
    return proceed();
  }

 private:
  using Problem = BarrierProblem<D, R, T>;
  using Problem::b_;
  using Problem::degree_;
  using Problem::form_;
  using Problem::p_;
  using Problem::repair_;
  using Problem::scaled_q;
  using Problem::set_up;
  using Problem::solve_sides;
  using Problem::start;
  using Problem::sys_;
  using Problem::team_;
  using Problem::w_;

  BPQP_HD BarrierReport iterate() {
    tau_ = kappa_ = 1;
    stalled_ = short_steps_ = 0;
    earlier_ = report_.iterations;
    attempt_ = INFINITY;
    if (!start()) return finish(BarrierOutcome::failed);
    return proceed();
  }

  BPQP_HD BarrierReport proceed() {
    for (;; ++report_.iterations) {
      judge();
      if (report_.worst <= target_) return finish(BarrierOutcome::converged);
      if (primal_infeasible()) return finish(BarrierOutcome::primal_infeasible);
      if (dual_infeasible()) return finish(BarrierOutcome::dual_infeasible);
      if (given_up()) return finish(BarrierOutcome::stalled);
      mu_ = (complementarity(team_, sys_, b_) + tau_ * kappa_) / (degree_ + 1);
      scale_sides(team_, sys_, b_);
      if (!factor_barrier(team_, p_, form_, sys_, repair_)) return finish(BarrierOutcome::stalled);
      constant_direction();
      residuals_of_embedding();
      set_products(team_, sys_, b_, false, 0);
      curvature_ = 0;
      direction(1, kappa_ * tau_);
      curvature_ = curvature_ahead();
      const double affine = nan_min(1.0, step_length());
      const double sigma = (1 - affine) * (1 - affine) * (1 - affine);
      set_products(team_, sys_, b_, true, sigma * mu_);
      const double complement = kappa_ * tau_ + dkappa_ * dtau_ - sigma * mu_;
      direction(1 - sigma, complement);
      move(nan_min(1.0, kBarrierStep * corrected_step(sigma, complement)));
    }
  }

  /// The point in the user's units, judged there; the best is kept, with its active rows.
  BPQP_HD void judge() {
    for (int j : team_.items(p_.n))
      x_[j] = R(form_.beta * double(sys_.scaling.D[j]) * double(w_.x[j]) / tau_);
    for (int i : team_.items(p_.m))
      y_[i] =
          R(double(sys_.scaling.E[i]) * (double(b_.upper.z[i]) - double(b_.lower.z[i])) /
            (tau_ * form_.cost));
    team_.sync();
    kkt_products(team_, p_, form_.symmetric, false, x_, y_, products_, w_.t);
    const Residuals r = core::residuals(team_, p_, x_, y_, products_);
    const double worst = r.worst_relative();
    stalled_ = worst < 0.9 * attempt_ ? 0 : stalled_ + 1;
    attempt_ = nan_min(attempt_, worst);
    finite_ = worst == worst;
    if (!(worst < report_.worst)) return;
    report_.worst = worst;
    report_.residuals = r;
    for (int j : team_.items(p_.n)) x_best_[j] = x_[j];
    for (int i : team_.items(p_.m)) {
      y_best_[i] = y_[i];
      const RowKind k = sys_.kind[i];
      const bool up =
          k == RowKind::equality ? y_[i] >= 0 : bounded_above(k) && b_.upper.z[i] > b_.upper.s[i];
      const bool low =
          k == RowKind::equality ? y_[i] < 0 : bounded_below(k) && b_.lower.z[i] > b_.lower.s[i];
      side_[i] = k == RowKind::cone ? 0 : up ? 1 : low ? -1 : 0;
    }
    team_.sync();
  }

  BPQP_HD bool given_up() const {
    const bool reached = report_.residuals.over(o_.eps_abs, o_.eps_rel) <= 1;
    return !finite_ || stalled_ >= (reached ? kBarrierStallReached : kBarrierStall) ||
           short_steps_ >= 3 || report_.iterations - earlier_ >= o_.max_iter || out_of_time();
  }
  BPQP_HD bool out_of_time() const {
#ifdef __CUDA_ARCH__
    return false;
#else
    return o_.expired && o_.expired(o_.clock);
#endif
  }

  /// Whether the multipliers are a certificate; w.dual then holds it.
  BPQP_HD bool primal_infeasible() {
    if (!(kappa_ > tau_)) return false;
    for (int i : team_.items(p_.m)) w_.dual[i] = y_[i];
    team_.sync();
    return primal_certificate(team_, p_, w_.dual, w_.t);
  }
  BPQP_HD bool dual_infeasible() {
    if (!(kappa_ > tau_)) return false;
    for (int j : team_.items(p_.n)) w_.primal[j] = x_[j];
    team_.sync();
    double slope = 0;
    return classify_descent(team_, p_, form_.symmetric, w_.primal, slope, w_.Adx, w_.t, w_.r_x) ==
           Descent::certificate;
  }

  /// Residuals of the three equations of the embedding, from the products in the user's units.
  BPQP_HD void residuals_of_embedding() {
    double xPx = 0, qx = 0;
    for (int j : team_.items(p_.n)) {
      const double factor = tau_ * form_.cost * double(sys_.scaling.D[j]);
      const double Px = factor * double(products_.Px[j]), x = double(w_.x[j]);
      w_.Px[j] = R(Px);
      w_.residual[j] =
          R(factor * (double(products_.Px[j]) + double(p_.q[j]) + double(products_.Aty[j])));
      xPx += x * Px;
      qx += x * double(scaled_q(j));
    }
    for (int i : team_.items(p_.m)) {
      const double Ax = tau_ * double(sys_.scaling.E[i]) * double(products_.Ax[i]) / form_.beta;
      b_.upper.residual[i] = R(Ax + double(b_.upper.s[i]) - double(b_.u[i]) * tau_);
      b_.lower.residual[i] = R(-Ax + double(b_.lower.s[i]) + double(b_.l[i]) * tau_);
    }
    team_.sync();
    xPx = team_.sum(xPx), qx = team_.sum(qx);
    gap_ = xPx / tau_ + qx + sides_dot(team_, sys_, b_, b_.upper.z, b_.lower.z) + kappa_;
  }

  /// x2, z2: the answer to tau alone, and what it gives for the denominator of dtau.
  BPQP_HD void constant_direction() {
    const BarrierSide<R>&U = b_.upper, &L = b_.lower;
    for (int i : team_.items(p_.m)) {
      U.product[i] = L.product[i] = 0;
      U.residual[i] = -b_.u[i];
      L.residual[i] = b_.l[i];
    }
    for (int j : team_.items(p_.n)) w_.r_x[j] = -scaled_q(j);
    team_.sync();
    solve_sides(U.z2, L.z2, w_.x2, w_.y2, 1, kBarrierInconsistent);
    for (int j : team_.items(p_.n)) w_.t[j] = w_.x2[j] - R(double(w_.x[j]) / tau_);
    team_.sync();
    denominator_ = quadratic_form(w_.t) - quadratic_form(w_.x2) + kappa_ / tau_ -
                   sides_dot(team_, sys_, b_, U.z2, L.z2);
    double qx2 = 0;
    for (int j : team_.items(p_.n)) qx2 += double(scaled_q(j)) * double(w_.x2[j]);
    denominator_ -= team_.sum(qx2);
  }

  BPQP_HD double quadratic_form(const R* x) {
    scaled_hessian_product(team_, p_, form_, sys_, x, w_.r_x);
    double sum = 0;
    for (int j : team_.items(p_.n)) sum += double(x[j]) * double(w_.r_x[j]);
    return team_.sum(sum);
  }

  /// What x'P x/tau gains over its linearisation by the whole affine step: what ds o dz is to s o
  /// z. Beyond the gap itself it says nothing (the step is far from whole).
  BPQP_HD double curvature_ahead() {
    for (int j : team_.items(p_.n)) w_.t[j] = w_.dx[j] - R(dtau_ / tau_) * w_.x[j];
    team_.sync();
    const double gain = quadratic_form(w_.t) / (tau_ + dtau_);
    return gain > 0 && gain < std::fabs(gap_) ? gain : 0;
  }

  /// The step for f times the residuals and the products set; `complement`: right-hand side of
  /// kappa tau.
  BPQP_HD void direction(double f, double complement) {
    const BarrierSide<R>&U = b_.upper, &L = b_.lower;
    for (int j : team_.items(p_.n)) w_.r_x[j] = R(-f) * w_.residual[j];
    team_.sync();
    solve_sides(U.dz, L.dz, w_.dx, w_.dy, f);
    double sum = 0;  // (2 P x/tau + q)'dx
    for (int j : team_.items(p_.n))
      sum += (2 * double(w_.Px[j]) / tau_ + double(scaled_q(j))) * double(w_.dx[j]);
    const double numerator = f * gap_ + curvature_ - complement / tau_ + team_.sum(sum) +
                             sides_dot(team_, sys_, b_, U.dz, L.dz);
    dtau_ = numerator / denominator_;
    dkappa_ = -(complement + kappa_ * dtau_) / tau_;
    for (int j : team_.items(p_.n)) w_.dx[j] += R(dtau_) * w_.x2[j];
    for (int i : team_.items(p_.m)) {
      U.dz[i] += R(dtau_) * U.z2[i];
      L.dz[i] += R(dtau_) * L.z2[i];
    }
    team_.sync();
    step_slacks(team_, sys_, b_);
  }

  BPQP_HD double step_length() {
    double step = largest_step(team_, sys_, b_);
    if (dtau_ < 0) step = nan_min(step, -tau_ / dtau_);
    if (dkappa_ < 0) step = nan_min(step, -kappa_ / dkappa_);
    return step;
  }

  /// The step length, after further correctors where it is short (Gondzio 1996): one more solve
  /// with the same factor each, kept if it lengthens the step clearly.
  BPQP_HD double corrected_step(double sigma, double complement) {
    double step = step_length();
    for (int k = 0; k < kBarrierCorrectors && step < kBarrierLongStep; ++k) {
      keep_direction(true);
      const double dtau = dtau_, dkappa = dkappa_;
      correct_products(team_, sys_, b_, nan_min(1.0, step + kBarrierReach), sigma * mu_);
      direction(1 - sigma, complement);
      const double corrected = step_length();
      if (corrected > step + kBarrierGain) {
        step = corrected;
        continue;
      }
      keep_direction(false);
      dtau_ = dtau, dkappa_ = dkappa;
      break;
    }
    return step;
  }

  /// Saves dx, ds, dz, or brings them back.
  BPQP_HD void keep_direction(bool save) {
    const auto move = [save](R& now, R& kept) { save ? kept = now : now = kept; };
    for (int j : team_.items(p_.n)) move(w_.dx[j], w_.dx_kept[j]);
    for (const BarrierSide<R>* side : {&b_.upper, &b_.lower})
      for (int i : team_.items(p_.m)) {
        move(side->ds[i], side->ds_kept[i]);
        move(side->dz[i], side->dz_kept[i]);
      }
    team_.sync();
  }

  /// The step, then the whole embedding scaled back where tau and kappa have left [1e-3, 1e3].
  BPQP_HD void move(double step) {
    short_steps_ = step < kBarrierShortStep ? short_steps_ + 1 : 0;
    tau_ += step * dtau_;
    kappa_ += step * dkappa_;
    const double larger = nan_max(tau_, kappa_);
    const double shrink = larger > 1e3 || larger < 1e-3 ? 1 / larger : 1;
    for (int j : team_.items(p_.n)) w_.x[j] = R(shrink) * (w_.x[j] + R(step) * w_.dx[j]);
    move_sides(team_, sys_, b_, step, shrink);
    tau_ *= shrink;
    kappa_ *= shrink;
  }

  BPQP_HD BarrierReport finish(BarrierOutcome outcome) {
    report_.outcome = outcome;
    report_.units = 1 / (form_.cost * form_.beta);
    const bool primal = outcome == BarrierOutcome::primal_infeasible;
    const bool dual = outcome == BarrierOutcome::dual_infeasible;
    const bool point = report_.worst < INFINITY;
    for (int j : team_.items(p_.n)) x_[j] = dual ? w_.primal[j] : point ? x_best_[j] : R(0);
    for (int i : team_.items(p_.m)) y_[i] = primal ? w_.dual[i] : point ? y_best_[i] : R(0);
    team_.sync();
    return report_;
  }

  const BarrierOptions& o_;
  double target_;
  const KktVectors<R>& products_;
  R *x_best_, *y_best_, *x_, *y_;
  signed char* side_;
  BarrierReport report_;
  double tau_ = 1, kappa_ = 1, mu_ = 1, dtau_ = 0, dkappa_ = 0;
  double curvature_ = 0;  ///< of the gap's equation along the step, in the corrector
  double gap_ = 0, denominator_ = 1;
  int stalled_ = 0, short_steps_ = 0;
  int earlier_ = 0;            ///< iterations of an attempt before
  double attempt_ = INFINITY;  ///< worst relative residual of this attempt's best point
  bool finite_ = true;
};

}  // namespace bpqp::core
