/// \file
/// The interior point method (docs/math.md section 10): the way for linear programs, singular P,
/// cones and whatever the active-set methods leave.
///
/// Mehrotra's predictor-corrector on the homogeneous embedding with a quadratic cost
/// (embedding.hpp), whose tau and kappa end in a solution or in a certificate.
///
/// Sources: Goulart and Chen 2024 (Clarabel: the embedding, Nesterov-Todd steps, start), Andersen
/// and Ye 1999; Mehrotra 1992. Data are scaled so that rows, cost and right-hand sides are all of
/// order one: without the last, problems with sides of 1e8 take twice the iterations or fail.
#pragma once

#include "bpqp/status.hpp"
#include "core/certificate.hpp"
#include "core/embedding.hpp"

namespace bpqp::core {

/// Iterations without a better point before the method is given up; with one within tolerance
/// fewer.
constexpr int kBarrierStall = 40, kBarrierStallReached = 6;
/// Further correctors where the step is shorter than kBarrierLongStep: they aim at a step longer by
/// kBarrierReach, and must gain kBarrierGain.
constexpr int kBarrierCorrectors = 2;
constexpr double kBarrierLongStep = 0.9, kBarrierReach = 0.3, kBarrierGain = 0.03;

/// Steps are refined to this part of the residual that the method is to reach.
constexpr double kBarrierStepAccuracy = 1e-4;

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
class InteriorPoint : private Embedding<D, R, T> {
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
      : Embedding<D, R, T>(team, p, w, products),
        o_(options),
        target_(options.target),
        x_best_(x_best),
        y_best_(y_best),
        x_(x),
        y_(y),
        side_(side) {}

  BPQP_STAGE const BarrierReport& run() {
    if (!set_up()) return finish(BarrierOutcome::failed);
    form_.accuracy = accuracy_for(target_);
    iterate();
    // Free variables make K worse than N, and so does a rough P: what stalls is tried by columns.
    if (form_.way != BarrierWay::columns && !(report_.worst <= target_) &&
        report_.outcome != BarrierOutcome::primal_infeasible &&
        report_.outcome != BarrierOutcome::dual_infeasible && !out_of_time()) {
      form_.way = BarrierWay::columns;
      form_.order = p_.n;
      iterate();
    }
    return report_;
  }

  /// Goes on from where run() ended, to a tighter target. x_best, y_best and the products may have
  /// been used in between.
  BPQP_STAGE const BarrierReport& resume(double target) {
    target_ = target;
    form_.accuracy = accuracy_for(target_);
    report_.worst = attempt_ = INFINITY;
    stalled_ = short_steps_ = 0;
    return proceed();
  }

  /// Of the last of these.
  BPQP_HD const BarrierReport& report() const { return report_; }

 private:
  /// What the steps to a residual of `target` are refined to.
  BPQP_HD static double accuracy_for(double target) {
    return nan_max(kBarrierTarget, kBarrierStepAccuracy * target);
  }

  using Steps = Embedding<D, R, T>;
  using Steps::b_;
  using Steps::complement_;
  using Steps::constant_direction;
  using Steps::curvature_;
  using Steps::curvature_ahead;
  using Steps::degree_;
  using Steps::direction;
  using Steps::dkappa_;
  using Steps::dtau_;
  using Steps::form_;
  using Steps::kappa_;
  using Steps::keep_direction;
  using Steps::move;
  using Steps::p_;
  using Steps::part_;
  using Steps::products_;
  using Steps::repair_;
  using Steps::residuals_of_embedding;
  using Steps::set_up;
  using Steps::short_steps_;
  using Steps::start;
  using Steps::step_length;
  using Steps::sys_;
  using Steps::tau_;
  using Steps::team_;
  using Steps::w_;

  BPQP_STAGE const BarrierReport& iterate() {
    tau_ = kappa_ = 1;
    stalled_ = short_steps_ = 0;
    earlier_ = report_.iterations;
    attempt_ = INFINITY;
    return start() ? proceed() : finish(BarrierOutcome::failed);
  }

  BPQP_STAGE const BarrierReport& proceed() {
    BarrierOutcome outcome = BarrierOutcome::stalled;
    while (!ended(outcome) && step()) ++report_.iterations;
    return finish(outcome);
  }

  /// Judges the point; whether the method ends there, and then how.
  BPQP_STAGE bool ended(BarrierOutcome& outcome) {
    judge();
    if (report_.worst <= target_)
      outcome = BarrierOutcome::converged;
    else if (primal_infeasible())
      outcome = BarrierOutcome::primal_infeasible;
    else if (dual_infeasible())
      outcome = BarrierOutcome::dual_infeasible;
    else
      return given_up();
    return true;
  }

  /// One predictor and corrector; false: there is no factor.
  BPQP_STAGE bool step() {
    mu_ = (complementarity(team_, sys_, b_) + tau_ * kappa_) / (degree_ + 1);
    scale_sides(team_, sys_, b_);
    if (!factor_barrier(team_, p_, form_, sys_, repair_)) return false;
    constant_direction();
    residuals_of_embedding();
    set_products(team_, sys_, b_, false, 0);
    part_ = 1, complement_ = kappa_ * tau_, curvature_ = 0;
    direction();
    curvature_ = curvature_ahead();
    centre();
    direction();
    move(nan_min(1.0, kBarrierStep * corrected_step()));
    return true;
  }

  /// The point in the user's units, judged there; the best is kept, with its active rows.
  BPQP_STAGE void judge() {
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

  BPQP_STAGE bool given_up() const {
    const bool reached = report_.residuals.over(o_.eps_abs, o_.eps_rel) <= 1;
    return !finite_ || stalled_ >= (reached ? kBarrierStallReached : kBarrierStall) ||
           short_steps_ >= 3 || report_.iterations - earlier_ >= o_.max_iter || out_of_time();
  }
  BPQP_STAGE bool out_of_time() const {
#ifdef __CUDA_ARCH__
    return false;
#else
    return o_.expired && o_.expired(o_.clock);
#endif
  }

  /// Whether the multipliers are a certificate; w.dual then holds it.
  BPQP_STAGE bool primal_infeasible() {
    if (!(kappa_ > tau_)) return false;
    for (int i : team_.items(p_.m)) w_.dual[i] = y_[i];
    team_.sync();
    return primal_certificate(team_, p_, w_.dual, w_.t);
  }
  BPQP_STAGE bool dual_infeasible() {
    if (!(kappa_ > tau_)) return false;
    for (int j : team_.items(p_.n)) w_.primal[j] = x_[j];
    team_.sync();
    double slope = 0;
    return classify_descent(team_, p_, form_.symmetric, w_.primal, slope, w_.Adx, w_.t, w_.r_x) ==
           Descent::certificate;
  }

  /// What the corrector aims at, from the affine step.
  BPQP_STAGE void centre() {
    const double affine = nan_min(1.0, step_length());
    const double sigma = (1 - affine) * (1 - affine) * (1 - affine);
    aim_ = sigma * mu_;
    part_ = 1 - sigma;
    set_products(team_, sys_, b_, true, aim_);
    complement_ = kappa_ * tau_ + dkappa_ * dtau_ - sigma * mu_;
  }

  /// The step length, after further correctors where it is short (Gondzio 1996): one more solve
  /// with the same factor each, kept if it lengthens the step clearly.
  BPQP_STAGE double corrected_step() {
    double step = step_length();
    for (int k = 0; k < kBarrierCorrectors && step < kBarrierLongStep; ++k) {
      keep_direction(true);
      correct_products(team_, sys_, b_, nan_min(1.0, step + kBarrierReach), aim_);
      direction();
      const double corrected = step_length();
      if (!(corrected > step + kBarrierGain)) {
        keep_direction(false);
        break;
      }
      step = corrected;
    }
    return step;
  }

  BPQP_STAGE const BarrierReport& finish(BarrierOutcome outcome) {
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
  R *x_best_, *y_best_, *x_, *y_;
  signed char* side_;
  BarrierReport report_;
  double mu_ = 1;
  double aim_ = 0;  ///< what the corrector wants of every product
  int stalled_ = 0;
  int earlier_ = 0;            ///< iterations of an attempt before
  double attempt_ = INFINITY;  ///< worst relative residual of this attempt's best point
  bool finite_ = true;
};

}  // namespace bpqp::core
