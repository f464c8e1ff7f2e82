/// \file
/// The homogeneous embedding of the interior point method and its steps (docs/math.md M40, M46):
///
///   P x + A'y + q tau = 0,   A x + s = u tau (each side),   x'P x/tau + q'x + h'z + kappa = 0
///
/// where h'z is u'z_upper - l'z_lower.
#pragma once

#include "core/barrier_problem.hpp"
#include "core/residuals.hpp"

namespace bpqp::core {

constexpr double kBarrierShortStep = 1e-5;  ///< three such steps in a row: stuck

template <class D, class R, Team T>
class Embedding : protected BarrierProblem<D, R, T> {
 public:
  BPQP_HD Embedding(
      const T& team,
      const ProblemView<D>& p,
      const BarrierWork<R>& w,
      const KktVectors<R>& products)
      : BarrierProblem<D, R, T>(team, p, w), products_(products) {}

 protected:
  using Problem = BarrierProblem<D, R, T>;
  using Problem::b_;
  using Problem::form_;
  using Problem::p_;
  using Problem::scaled_q;
  using Problem::solve_sides;
  using Problem::sys_;
  using Problem::team_;
  using Problem::w_;

  /// Residuals of the three equations of the embedding, from the products in the user's units.
  BPQP_STAGE void residuals_of_embedding() {
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
  BPQP_STAGE void constant_direction() {
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

  /// What x'P x/tau gains over its linearisation by the whole affine step: what ds o dz is to s o
  /// z. Beyond the gap itself it says nothing (the step is far from whole).
  BPQP_STAGE double curvature_ahead() {
    for (int j : team_.items(p_.n)) w_.t[j] = w_.dx[j] - R(dtau_ / tau_) * w_.x[j];
    team_.sync();
    const double gain = quadratic_form(w_.t) / (tau_ + dtau_);
    return gain > 0 && gain < std::fabs(gap_) ? gain : 0;
  }

  /// The step for part_ of the residuals, the products set, and complement_.
  BPQP_STAGE void direction() {
    for (int j : team_.items(p_.n)) w_.r_x[j] = R(-part_) * w_.residual[j];
    team_.sync();
    solve_sides(b_.upper.dz, b_.lower.dz, w_.dx, w_.dy, part_);
    double sum = 0;  // (2 P x/tau + q)'dx
    for (int j : team_.items(p_.n))
      sum += (2 * double(w_.Px[j]) / tau_ + double(scaled_q(j))) * double(w_.dx[j]);
    const double numerator = part_ * gap_ + curvature_ - complement_ / tau_ + team_.sum(sum) +
                             sides_dot(team_, sys_, b_, b_.upper.dz, b_.lower.dz);
    dtau_ = numerator / denominator_;
    dkappa_ = -(complement_ + kappa_ * dtau_) / tau_;
    const BarrierSide<R>&U = b_.upper, &L = b_.lower;
    for (int j : team_.items(p_.n)) w_.dx[j] += R(dtau_) * w_.x2[j];
    for (int i : team_.items(p_.m)) {
      U.dz[i] += R(dtau_) * U.z2[i];
      L.dz[i] += R(dtau_) * L.z2[i];
    }
    team_.sync();
    step_slacks(team_, sys_, b_);
  }

  BPQP_STAGE double step_length() {
    double step = largest_step(team_, sys_, b_);
    if (dtau_ < 0) step = nan_min(step, -tau_ / dtau_);
    if (dkappa_ < 0) step = nan_min(step, -kappa_ / dkappa_);
    return step;
  }

  /// Saves the step, or brings it back.
  BPQP_STAGE void keep_direction(bool save) {
    const auto move = [save](R& now, R& kept) { save ? kept = now : now = kept; };
    for (int j : team_.items(p_.n)) move(w_.dx[j], w_.dx_kept[j]);
    for (const BarrierSide<R>* side : {&b_.upper, &b_.lower})
      for (int i : team_.items(p_.m)) {
        move(side->ds[i], side->ds_kept[i]);
        move(side->dz[i], side->dz_kept[i]);
      }
    team_.sync();
    if (save)
      dtau_kept_ = dtau_, dkappa_kept_ = dkappa_;
    else
      dtau_ = dtau_kept_, dkappa_ = dkappa_kept_;
  }

  /// The step, then the whole embedding scaled back where tau and kappa have left [1e-3, 1e3].
  BPQP_STAGE void move(double step) {
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

  const KktVectors<R>& products_;  ///< of the point in the user's units
  double tau_ = 1, kappa_ = 1, dtau_ = 0, dkappa_ = 0;
  double part_ = 1;        ///< of the residuals that the step is to take away
  double complement_ = 0;  ///< right-hand side of kappa tau
  double curvature_ = 0;   ///< of the gap's equation along the step, in the corrector
  int short_steps_ = 0;

 private:
  BPQP_STAGE double quadratic_form(const R* x) {
    scaled_hessian_product(team_, p_, form_, sys_, x, w_.r_x);
    double sum = 0;
    for (int j : team_.items(p_.n)) sum += double(x[j]) * double(w_.r_x[j]);
    return team_.sum(sum);
  }

  double gap_ = 0, denominator_ = 1;
  double dtau_kept_ = 0, dkappa_kept_ = 0;
};

}  // namespace bpqp::core
