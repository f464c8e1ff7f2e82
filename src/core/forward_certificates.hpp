/// \file
/// How the passes prove that there is no solution (docs/math.md sections 6 and 7): steps that tend
/// to a direction of descent without end, rays of the multipliers, and the search for a point of
/// the rows alone.
#pragma once

#include "core/certificate.hpp"
#include "core/forward_sets.hpp"

namespace bpqp::core {

constexpr int kFeasibilityPasses = 60;

template <class D, class R, Team T>
class ForwardCertificates : protected ForwardSets<D, R, T> {
  using Sets = ForwardSets<D, R, T>;

 public:
  using Sets::Sets;

 protected:
  using Sets::c_;
  using Sets::dual_proximal;
  using Sets::find_active_set;
  using Sets::linearise_rows;
  using Sets::lost_;
  using Sets::move_x;
  using Sets::p_;
  using Sets::report_;
  using Sets::s_;
  using Sets::schur_;
  using Sets::team_;
  using Sets::verified_;
  using Sets::w_;
  using Sets::x_;
  using Sets::y_;

  /// Whether the last step (in t) is a direction of unboundedness; x then holds the certificate. A
  /// step that is one but for a distant row is extended to that row, where the next pass takes it
  /// up.
  BPQP_STAGE bool unbounded(bool stalled) {
    for (int j : team_.items(p_.n)) s_.h[j] = s_.t[j];
    team_.sync();
    double slope = 0;
    R* Ad = s_.kkt.r_y;
    const Descent kind =
        classify_descent(team_, p_, c_.report.symmetric, s_.h, slope, Ad, s_.kkt.r_x, s_.kkt.t);
    if (kind == Descent::certificate) {
      for (int j : team_.items(p_.n)) x_[j] = s_.h[j];
      team_.sync();
      report_.status = Status::dual_infeasible;
      report_.certified = true;
      return true;
    }
    if (kind == Descent::flat && stalled) extend_step(Ad, -slope);
    return false;
  }

  /// x += t h for the largest t that keeps the rows off the working set; Ad = A h, and the step
  /// just made was `made` h.
  BPQP_STAGE void extend_step(const R* Ad, double made) {
    double limit = INFINITY;
    for (int i : team_.items(p_.m)) {
      const double a = double(Ad[i]), Ax = double(s_.products.Ax[i]) + made * a;
      const double side = double(a > 0 ? p_.u[i] : p_.l[i]);
      if (w_.side[i] != 0 || a == 0 || !(std::fabs(side) < kAbsent)) continue;
      limit = nan_min(limit, (side - Ax) / a);
    }
    limit = team_.min(limit);
    if (!(limit > made && limit < INFINITY)) return;
    for (int j : team_.items(p_.n)) x_[j] += R(limit) * s_.h[j];
    team_.sync();
  }

  /// Whether the ray in w.change is a certificate, as it is or refined; y then holds it.
  BPQP_STAGE bool infeasible() {
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (attempt == 1) refine_ray(team_, p_, c_, w_, s_.kkt);
      for (int i : team_.items(p_.m)) s_.c[i] = w_.change[i] * c_.scaling.E[i];
      team_.sync();
      if (!primal_certificate(team_, p_, s_.c, s_.t)) continue;
      for (int i : team_.items(p_.m)) y_[i] = s_.c[i];
      team_.sync();
      report_.status = Status::primal_infeasible;
      report_.certified = true;
      return true;
    }
    return false;
  }

  /// Whether the rows alone have no solution: the proximal method of multipliers without the cost,
  /// H only as a metric. Its steps in y vanish if there is one, and tend to a certificate if not.
  BPQP_STAGE bool closest_feasible() {
    for (int i : team_.items(p_.m)) w_.y[i] = 0;
    team_.sync();
    w_.size = 0;
    guess_sides(team_, p_.linear_rows(), s_.l, s_.u, w_);
    const double mu = schur_.mu;
    schur_.mu = dual_proximal();
    bool found = false;
    for (int pass = 0; pass < kFeasibilityPasses && !found; ++pass) {
      linearise_rows();
      find_active_set(pass == 0 ? First::guess : First::none);
      if (!verified_ || abs_max(team_, w_.change, p_.m) == 0) break;
      move_x();
      found = infeasible_on_independent_rows();
    }
    for (int j : team_.items(p_.n)) x_[j] = s_.x_best[j];
    team_.sync();
    schur_.mu = mu;
    lost_ = true;
    return found;
  }

 private:
  /// infeasible() with the exact factor of as many rows of the set as are independent: those are
  /// changed until A'y = 0, the others keep their multipliers.
  BPQP_STAGE bool infeasible_on_independent_rows() {
    const double mu = schur_.mu;
    schur_.mu = 0;
    rebuild(team_, schur_, w_, s_.l, s_.u, s_.kkt.a);
    const bool found = infeasible();
    schur_.mu = mu;
    if (found) return true;
    guess_sides(team_, p_.linear_rows(), s_.l, s_.u, w_);
    rebuild(team_, schur_, w_, s_.l, s_.u, s_.kkt.a);
    return false;
  }
};

}  // namespace bpqp::core
