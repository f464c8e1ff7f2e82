/// \file
/// The forward pass by verified active sets (docs/math.md section 6), of a problem without cones:
///
///   [residuals - linearise - guess - exchange - step] ... - report
///
/// The loop is in delta form. From the point (x, y), with r = -(P x + q + A'y) from the user's
/// data,
///
///   x+ = x + H^-1 (r - A'(y+ - y)),   A x+ = c - S y+,   c = A x + A H^-1 r + S y
///
/// so that the constraint-space problem (c, S, l, u) yields y+, and each pass also refines. Where P
/// is positive definite one pass solves and the next confirms; where it is singular, the passes are
/// the proximal point method with centre x (Rockafellar 1976), finite for linear programs.
#pragma once

#include "core/forward_certificates.hpp"

namespace bpqp::core {

/// Passes before a problem is given up, P positive definite or singular.
constexpr int kPasses = 12;
constexpr int kPassesSingular = 200;

/// Where the active-set method starts from.
enum class Start : int {
  cold = 0,
  warm,     ///< x and y
  interior  ///< x and y of the interior point method, and the sides that it found active
};

template <class D, class R, Team T>
class Forward : private ForwardCertificates<D, R, T> {
  using Certificates = ForwardCertificates<D, R, T>;

 public:
  using Certificates::Certificates;

  /// x, y: in: the start, out: the solution, the last point or the certificate, as the status says.
  /// The working set is left factored for the derivatives.
  BPQP_STAGE const ForwardReport& run(Start from) {
    report_.method = Method::admm;
    interior_ = from == Start::interior;
    if (interior_) judge(false);
    start(from);
    int stalled = 0;
    for (int pass = 0;; ++pass) {
      const double worst = judge(pass == 0 && from == Start::cold);
      if (!(worst < INFINITY) && from == Start::warm && pass == 0) {  // a start beyond all bounds
        from = Start::cold;
        best_ = least_ = INFINITY;
        start(from);
        pass = -1;
        continue;
      }
      stalled = worst < 0.5 * least_ ? 0 : stalled + 1;
      if (worst < least_) least_ = worst;
      if (!(worst < INFINITY) || finished(pass, stalled)) break;
      linearise();
      First first = pass == 0 || lost_ ? First::guess : First::none;
      if (pass == 0 && from == Start::cold && o_.polish && o_.method == Method::automatic) {
        first = start_set();
      } else if ((pass == 0 && from == Start::cold) || (lost_ && !interior_) || !o_.polish) {
        guess();
        if (!o_.polish && infeasible()) return report_;
      }
      if (!find_active_set(first) && infeasible()) return report_;
      if (lost_ && interior_) break;
      if (lost_ && closest_feasible()) return report_;
      if (lost_) {  // back to the pass's start, and by another way
        for (int i : team_.items(p_.m)) w_.y[i] = y_start(i);
        team_.sync();
        w_.size = 0;
        guess_sides(team_, p_.linear_rows(), s_.l, s_.u, w_);
        continue;
      }
      step();
      if (c_.report.singular && pass > 0 && unbounded(stalled >= 2)) return report_;
    }
    finish();
    return report_;
  }

 private:
  using Certificates::best_;
  using Certificates::c_;
  using Certificates::closest_feasible;
  using Certificates::cost_;
  using Certificates::find_active_set;
  using Certificates::guess;
  using Certificates::infeasible;
  using Certificates::interior_;
  using Certificates::judge;
  using Certificates::linearise;
  using Certificates::lost_;
  using Certificates::most_exchanges;
  using Certificates::move_x;
  using Certificates::no_iterations_;
  using Certificates::o_;
  using Certificates::p_;
  using Certificates::report_;
  using Certificates::rows_;
  using Certificates::s_;
  using Certificates::schur_;
  using Certificates::sides_by_slack;
  using Certificates::start_set;
  using Certificates::strict;
  using Certificates::team_;
  using Certificates::unbounded;
  using Certificates::unscale_y;
  using Certificates::verified_;
  using Certificates::w_;
  using Certificates::x_;
  using Certificates::y_;
  using Certificates::y_start;

  /// The last pass confirmed the point, or no further pass will do better.
  BPQP_STAGE bool finished(int pass, int stalled) const {
    if (pass == 0) return false;
    const bool reached = report_.residuals.over(o_.eps_abs, o_.eps_rel) <= 1;
    if (!o_.polish)
      return reached || report_.iterations >= o_.max_iter || no_iterations_ || o_.out_of_time();
    if (best_ <= kPolished || (reached && stalled >= 2)) return true;
    const bool singular = c_.report.singular || schur_.mu > 0;
    return (stalled >= 6 && (!singular || interior_)) ||
           pass >= (singular ? kPassesSingular : kPasses) || o_.out_of_time() ||
           report_.exchanges >= most_exchanges();
  }

  BPQP_STAGE void start(Start from) {
    for (int j : team_.items(p_.n))
      if (from == Start::cold) x_[j] = 0;
    if (from == Start::interior) sides_by_slack(s_.products.Ax);
    for (int i : team_.items(p_.m - p_.linear_rows())) w_.side[p_.linear_rows() + i] = 0;
    for (int i : team_.items(p_.m)) {
      const bool held = from == Start::warm || (from == Start::interior && w_.side[i] != 0);
      w_.y[i] = held ? y_start(i) : R(0);
    }
    team_.sync();
    w_.size = 0;
    guess_sides(team_, p_.linear_rows(), s_.l, s_.u, w_);
    unscale_y();
  }

  BPQP_STAGE void step() {
    move_x();
    unscale_y();
  }

  BPQP_STAGE void finish() {
    copy_point(team_, p_.n, p_.m, s_.x_best, s_.y_best, x_, y_);
    if (best_ < least_) verified_ = false;  // the interior point is better: it is not the set's
    const bool given_up = interior_ && !verified_;
    if (given_up) {  // the derivatives go by the interior point
      transposed_product(team_, p_.A, p_.n, p_.m, p_.n, x_, s_.v);
      sides_by_slack(s_.v);
      for (int i : team_.items(p_.m)) w_.y[i] = w_.side[i] != 0 ? y_start(i) : R(0);
      team_.sync();
    }
    if (schur_.mu > 0 || given_up) {  // the derivatives want independent rows
      schur_.mu = 0;
      rebuild(team_, schur_, w_, s_.l, s_.u, s_.kkt.a);
    }
    for (int i : team_.items(p_.m))  // an equality counts as held at the side of its multiplier
      if (w_.side[i] != 0 && rows_.equality(i)) w_.side[i] = w_.y[i] < 0 ? -1 : 1;
    team_.sync();
    report_.status = best_ < INFINITY ? status_of(report_.residuals, o_.eps_abs, o_.eps_rel)
                                      : Status::numerical_error;
    report_.verified = verified_ && report_.status == Status::solved;
    settle_derivatives();
  }

  /// Whether the solution is differentiable; and where it is not, that its derivatives are safe.
  BPQP_STAGE void settle_derivatives() {
    w_.least_norm = false;
    if (report_.status == Status::iteration_limit || report_.status == Status::numerical_error)
      return;
    const bool free_rows = independent(team_, c_, schur_, w_, s_);
    report_.differentiable =
        report_.verified && free_rows && strict() && regular(team_, p_, c_, w_, s_);
    if (!free_rows) rebuild(team_, schur_, w_, s_.l, s_.u, s_.kkt.a, nearly_dependent(c_.report));
    w_.least_norm = c_.report.singular && !report_.differentiable;
  }

  double least_ = INFINITY;  ///< like best_, without the interior point
};

}  // namespace bpqp::core
