/// \file
/// The polish of a problem with cones: semismooth Newton on its KKT conditions (docs/math.md
/// section 11), each step an equality-constrained QP (cone_kkt.hpp). The last one's factor serves
/// the derivatives. Sources: Ali, Wong and Kolter 2017 (semismooth Newton for conic programs).
#pragma once

#include "core/cone_kkt.hpp"

namespace bpqp::core {

constexpr int kConeSteps = 10;
/// Steps that do not halve the best residual in a row before the end: the first may raise it.
constexpr int kConeWorse = 3;
/// The same on trial.
constexpr int kConeTrialSteps = 8, kConeTrialWorse = 2;
/// Newton's method has converged where a step ends at this relative residual: at what rounding
/// leaves, mostly 1e-14, or where the states are not the solution's, at 1e-11 or more. (The start's
/// says nothing: an interior point need not know the states.)
constexpr double kConeConverged = 1e-12;
/// Steps end at this relative residual.
constexpr double kConePolished = 1e-13;

/// The same of a problem with cones: k and c, which is not constant here, become the QP at the
/// point and its factors.
template <class D, class R, Team T>
struct ConeTask : ForwardTask<D, R, T> {
  const ConeKkt<R>& k;
  Condensed<R>& qp;
};

template <class D, class R, Team T>
class ConePolish {
 public:
  /// (x, y): in the point, out the polished one. set.side: in, in the linear rows, which are
  /// active.
  BPQP_HD explicit ConePolish(const ConeTask<D, R, T>& task)
      : team_(task.team),
        p_(task.p),
        o_(task.options),
        k_(task.k),
        c_(task.qp),
        set_(task.set),
        s_(task.s),
        x_(task.x),
        y_(task.y) {}

  /// `trial`: ends without the last QP where the point has not become a solution in a few steps.
  BPQP_STAGE const ForwardReport& run(bool trial = false) {
    symmetric_ = c_.report.symmetric;
    largest_A_ = largest_entry();
    judge();
    int worse = 0;
    for (int step = 0;; ++step) {
      const bool last = step == (trial ? kConeTrialSteps : kConeSteps) ||
                        worse == (trial ? kConeTrialWorse : kConeWorse) ||
                        stepped_ <= kConePolished || !finite_ || o_.out_of_time();
      if (last && trial && !(best_ <= kConeConverged)) return report_;
      if (last) copy_point(team_, p_.n, p_.m, s_.x_best, s_.y_best, x_, y_);
      const bool independent = build(last || !finite_);
      if (last || !finite_) {
        finish(independent);
        return report_;
      }
      newton();
      const double before = best_;
      stepped_ = nan_min(stepped_, judge());
      worse = best_ < 0.5 * before ? 0 : worse + 1;
      ++report_.exchanges;
    }
  }

 private:
  /// Keeps the point if it is the best so far; returns its relative residual.
  BPQP_STAGE double judge() {
    kkt_products(team_, p_, symmetric_, false, x_, y_, s_.products, s_.t);
    const Residuals r = residuals(team_, p_, x_, y_, s_.products);
    const double worst = r.worst_relative();
    if (!(worst < best_)) return worst;
    best_ = worst;
    report_.residuals = r;
    copy_point(team_, p_.n, p_.m, x_, y_, s_.x_best, s_.y_best);
    return worst;
  }

  /// The QP at (x, y), for a Newton step or for the derivatives; true if its rows are independent.
  /// s.admm.v holds s - y/rho.
  BPQP_STAGE bool build(bool derivatives) {
    R* Ax = s_.products.Ax;
    rows_product(team_, p_, x_, Ax);
    strict_ =
        classify_cones(team_, p_, Ax, y_, dual_scale(), derivatives, k_, set_.side, s_.admm.v);
    const bool independent = factor_cone_kkt(team_, p_, o_.scaling, k_, c_, set_, s_);
    finite_ = c_.report.outcome == Condensing::done;
    return independent;
  }

  /// (x, y) += the Newton step.
  BPQP_STAGE void newton() {
    const R* Ax = s_.products.Ax;
    R *g_x = s_.h, *g_y = s_.c, *w = s_.polish_step, *d = s_.admm.y;
    for (int i : team_.items(p_.linear_rows())) {
      const bool held = set_.side[i] != 0;
      if (!held) y_[i] = 0;
      g_y[i] =
          held ? R((set_.side[i] > 0 ? double(p_.u[i]) : double(p_.l[i])) - double(Ax[i])) : R(0);
    }
    for (int c : team_.items(p_.cones.count)) cone_rhs(c, Ax, g_y);
    team_.sync();
    kkt_products(team_, p_, symmetric_, false, x_, y_, s_.products, s_.t);
    for (int j : team_.items(p_.n))
      g_x[j] = R(-(double(s_.products.Px[j]) + double(p_.q[j]) + double(s_.products.Aty[j])));
    team_.sync();
    to_cone_qp(team_, p_, k_, g_x, g_y, s_.admm.z, s_.v, s_.t);
    const ProblemView<R> qp = k_.view(p_);
    const DirectKkt<R> solve{&c_, &set_, p_.n, p_.m, s_.v};
    kkt_solve(team_, qp, c_, set_, solve, (const R*)g_x, (const R*)g_y, w, d, s_.kkt);
    from_cone_qp(team_, p_, k_, w, s_.admm.z, d, s_.v);
    for (int j : team_.items(p_.n)) x_[j] += w[j];
    for (int i : team_.items(p_.m)) y_[i] += d[i];
    team_.sync();
  }

  /// The cone's share of g_y; and of y what its state leaves no room for: all of it inside, the
  /// part along e1 on the boundary.
  BPQP_STAGE void cone_rhs(int c, const R* Ax, R* g_y) {
    const int first = p_.cones.first(c), d = p_.cones.size(c);
    const ConeState state = k_.state_of(first);
    double along_s = 0, along_y = 0, r = 0;
    const double t = double(s_.admm.v[first]);
    for (int i = first; i < first + d; ++i) {
      g_y[i] = R(double(p_.u[i]) - double(Ax[i]));
      if (state == ConeState::inside) y_[i] = g_y[i] = 0;
      along_s += double(k_.axis[i]) * double(g_y[i]);
      along_y += double(k_.axis[i]) * double(y_[i]);
      r += double(k_.axis[i]) * double(s_.admm.v[i]);
    }
    if (state != ConeState::boundary) return;
    const double along_e1 = (double(y_[first]) + along_y) / 2, rest = 2 * r / (r - t);
    y_[first] -= R(along_e1);
    for (int i = first + 1; i < first + d; ++i) {  // Q s/(1 - mu)
      const double a = double(k_.axis[i]), across = double(g_y[i]) - along_s * a;
      g_y[i] = R(along_s * a + rest * across);
      y_[i] -= R(along_e1 * a);
    }
  }

  BPQP_STAGE void finish(bool independent) {
    const double best = best_;
    // Where no dual solution is attained multipliers grow until rounding ends it.
    const bool attained = abs_max(team_, y_, p_.m) <= kConeLargest * dual_scale();
    bool regular_here = false, weak = !strict_ || !attained || !linear_rows_strict();
    if (finite_) {
      const Schur<R> schur = cone_schur(p_, c_, s_);
      const ProblemView<R> qp = k_.view(p_);
      const bool free_rows = core::independent(team_, c_, schur, set_, s_);
      regular_here = independent && free_rows && regular(team_, qp, c_, set_, s_);
      if (!free_rows)
        rebuild(team_, schur, set_, s_.l, s_.u, s_.kkt.a, nearly_dependent(c_.report));
    }
    report_.status = status_of(report_.residuals, o_.eps_abs, o_.eps_rel);
    if (!(best < INFINITY)) report_.status = Status::numerical_error;
    report_.verified = report_.status == Status::solved && best <= kConeVerified;
    report_.differentiable =
        report_.verified && stepped_ <= kConeConverged && !weak && regular_here;
    set_.least_norm = c_.report.singular && !report_.differentiable;
  }

  BPQP_STAGE double largest_entry() const {
    double largest = 0;
    for (int i : team_.items(p_.m)) {
      if (p_.known.column && p_.known.column[i] >= 0) {
        largest = nan_max(largest, std::fabs(p_.known.value[i]));
        continue;
      }
      for (int j = 0; j < p_.n; ++j)
        largest = nan_max(largest, std::fabs(double(p_.A[std::size_t(i) * p_.n + j])));
    }
    return team_.max(largest);
  }

  /// What the multipliers balance, over the largest entry of A: they may all be rounding.
  BPQP_STAGE double dual_scale() const {
    return largest_A_ > 0 ? report_.residuals.dual_scale / largest_A_ : 0;
  }

  BPQP_STAGE bool linear_rows_strict() {
    const double y_scale = nan_max(abs_max(team_, y_, p_.m), dual_scale());
    return strictly_complementary(team_, p_.linear_rows(), y_scale, [this](int i) {
      return RowAtPoint<double>{
          double(p_.l[i]), double(p_.u[i]), double(s_.products.Ax[i]), double(y_[i]),
          set_.side[i] != 0};
    });
  }

  /// A point is verified from this residual on.
  static constexpr double kConeVerified = 1e-8;
  /// Multipliers this many times what they balance are no solution's.
  static constexpr double kConeLargest = 1e5;

  const T& team_;
  const ProblemView<D>& p_;
  const ForwardOptions& o_;
  const ConeKkt<R>& k_;
  Condensed<R>& c_;
  WorkingSet<R>& set_;
  const ForwardWork<R>& s_;
  R *x_, *y_;
  ForwardReport report_;
  double best_ = INFINITY, stepped_ = INFINITY, largest_A_ = 0;
  bool symmetric_ = true, strict_ = false, finite_ = true;
};

}  // namespace bpqp::core
