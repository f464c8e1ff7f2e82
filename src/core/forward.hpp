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

#include "core/dual_active_set.hpp"
#include "core/regular.hpp"

namespace bpqp::core {

/// Passes before a problem is given up, P positive definite or singular.
constexpr int kPasses = 12;
constexpr int kPassesSingular = 200;
/// ADMM iterations before the first guess of the active set, and the accuracy that ends them early.
constexpr int kGuessIterations = 10;
constexpr double kGuessEps = 1e-3;
/// Block exchange is given up after this many rounds, or when a round exchanges no fewer rows.
constexpr int kBlockRounds = 10;
/// A pass whose residuals reach this ends the loop; one that only reaches eps ends it once further
/// passes stop helping.
constexpr double kPolished = 1e-11;
/// A row may exceed its side by this times 1 + |side| before it is exchanged (scaled).
constexpr double kRowTolerance = 1e-11;
/// Rounding in the activities (scaled) beyond which a set that seems right proves nothing.
constexpr double kDrowned = 1e-4;
/// mu over the largest S_ii, once the active-set method has lost its way kLosses times.
constexpr int kLosses = 3;
constexpr double kDualProximal = 1e-10;
constexpr int kFeasibilityPasses = 60;

/// Where the active-set method starts from.
enum class Start : int {
  cold = 0,
  warm,     ///< x and y
  interior  ///< x and y of the interior point method, and the sides that it found active
};

template <class D, class R, Team T>
class Forward {
 public:
  BPQP_HD Forward(
      const T& team,
      const ProblemView<D>& p,
      const ForwardOptions& options,
      const Condensed<R>& c,
      WorkingSet<R>& w,
      const ForwardWork<R>& s,
      R* x,
      R* y)
      : team_(team), p_(p), o_(options), c_(c), w_(w), s_(s), x_(x), y_(y) {}

  /// x, y: in: the start, out: the solution, the last point or the certificate, as the status says.
  /// The working set is left factored for the derivatives.
  BPQP_HD ForwardReport run(Start from) {
    report_.method = Method::admm;
    scale_bounds();
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
      if ((pass == 0 && from == Start::cold) || (lost_ && !interior_) || !o_.polish) {
        guess();
        if (!o_.polish && infeasible()) return report_;
      }
      if (!find_active_set(pass == 0 || lost_) && infeasible()) return report_;
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
    return finish();
  }

 private:
  /// The worst relative residual of the point; the best point so far is kept.
  BPQP_HD double judge(bool origin) {
    kkt_products(team_, p_, c_.report.symmetric, origin, x_, y_, s_.products, s_.t);
    const Residuals r = core::residuals(team_, p_, x_, y_, s_.products);
    const double worst = r.worst_relative();
    if (!(worst >= best_) || best_ == INFINITY) keep_best(worst, r);
    return worst;
  }

  /// The last pass confirmed the point, or no further pass will do better.
  BPQP_HD bool finished(int pass, int stalled) const {
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

  /// From an interior point few exchanges are needed, or none help; and where the interior point
  /// method waits, it is the quicker way beyond about this many.
  BPQP_HD int most_exchanges() const {
    const int size = p_.n + p_.m;
    const int most = interior_                        ? 50 + size / 10
                     : o_.method == Method::automatic ? 100 + size / 2
                                                      : o_.max_exchanges;
    return most < o_.max_exchanges ? most : o_.max_exchanges;
  }

  BPQP_HD void scale_bounds() {
    const Scaling<R> scale = c_.scaling;
    for (int i : team_.items(p_.m)) {
      const double l = double(p_.l[i]), u = double(p_.u[i]);
      s_.l[i] = i < p_.linear_rows() && has_lower(l) ? R(l) * scale.E[i] : R(-INFINITY);
      s_.u[i] = has_upper(u) ? R(u) * scale.E[i] : R(INFINITY);
    }
    schur_diagonal(team_, c_.Y, c_.S, p_.n, p_.m, s_.diagonal);
    double cost = 0;  // a linear program's cost is scaled to one; y then carries the scale
    if (!p_.P)
      for (int j : team_.items(p_.n))
        cost = nan_max(cost, std::fabs(double(p_.q[j]) * double(scale.D[j])));
    cost = team_.max(cost);
    cost_ = cost > 0 ? 1 / floor_power_of_two(cost) : 1;
    schur_ = {p_.n, p_.m, c_.Y, c_.S, s_.diagonal, s_.kkt.spare};
    rows_ = {s_.l, s_.u, kRowTolerance};
  }

  BPQP_HD void start(Start from) {
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

  /// The sides that (x, y) suggests: those whose multiplier exceeds their slack (scaled; OSQP's
  /// rule).
  BPQP_HD void sides_by_slack(const R* Ax) {
    for (int i : team_.items(p_.m)) {
      const double v = double(c_.scaling.E[i]) * double(Ax[i]), y = double(y_start(i));
      const bool equal = rows_.equality(i), up = y > 0 && y > double(s_.u[i]) - v;
      const bool low = y < 0 && -y > v - double(s_.l[i]);
      w_.side[i] = equal ? (y < 0 ? -1 : 1) : up ? 1 : low ? -1 : 0;
    }
    team_.sync();
  }

  /// y of the pass's start, scaled.
  BPQP_HD R y_start(int i) const { return R(double(y_[i]) * cost_ / double(c_.scaling.E[i])); }

  BPQP_HD void unscale_y() {
    for (int i : team_.items(p_.m)) y_[i] = R(double(w_.y[i]) * double(c_.scaling.E[i]) / cost_);
    team_.sync();
  }

  BPQP_HD void keep_best(double worst, const Residuals& r) {
    best_ = worst;
    report_.residuals = r;
    copy_point(team_, p_.n, p_.m, x_, y_, s_.x_best, s_.y_best);
  }

  /// h = L^-1 r and the activities v = A x + Y'h that follow if y stays, scaled.
  BPQP_HD void linearise() {
    const Scaling<R> scale = c_.scaling;
    for (int j : team_.items(p_.n))
      s_.h[j] =
          R(-cost_ * double(scale.D[j]) *
            (double(s_.products.Px[j]) + double(p_.q[j]) + double(s_.products.Aty[j])));
    activities_at_y(s_.products.Ax);
  }

  /// h = L^-1 h, v = A x + Y'h.
  BPQP_HD void activities_at_y(const R* Ax) {
    for (int i : team_.items(p_.m)) w_.change[i] = 0;
    team_.sync();
    solve_lower(team_, c_.L, p_.n, p_.n, s_.h, 1, p_.n);
    transposed_product(team_, c_.Y, p_.n, p_.m, p_.n, s_.h, s_.v);
    for (int i : team_.items(p_.m)) s_.v[i] += c_.scaling.E[i] * Ax[i];
    team_.sync();
    rows_.noise = 0;
  }

  /// ADMM from (x, y): its multipliers into w.y, v following, and the sides that they suggest.
  BPQP_HD void guess() {
    no_iterations_ = p_.m == 0;
    if (p_.m == 0) return;
    const AdmmState<R>& a = s_.admm;
    if (report_.iterations == 0) {
      for (int i : team_.items(p_.m)) {
        const R v = s_.v[i];
        a.z[i] = v < s_.l[i] ? s_.l[i] : v > s_.u[i] ? s_.u[i] : v;
        a.y[i] = w_.y[i];
      }
      team_.sync();
      rho_ = o_.rho > 0 ? o_.rho : starting_rho(team_, s_.diagonal, p_.m);
    }
    const int left = o_.max_iter - report_.iterations;
    const int wanted = o_.polish ? guess_iterations_ : left;
    const AdmmReport r = c_.S ? run_z_form(wanted < left ? wanted : left)
                              : run_x_form(wanted < left ? wanted : left);
    report_.iterations += r.iterations;
    no_iterations_ = r.iterations == 0;
    if (guess_iterations_ < o_.max_iter) guess_iterations_ *= 5;
    guess_eps_ *= 0.1;
    if (r.finite) take_multipliers(a.y);
  }

  /// c = v + S y: the activities at y = 0.
  BPQP_HD AdmmReport run_z_form(int budget) {
    product(team_, c_.S, p_.m, p_.m, p_.m, w_.y, s_.c);
    for (int i : team_.items(p_.m)) s_.c[i] += s_.v[i];
    team_.sync();
    const ZForm<R> op{p_.m, c_.S, s_.c, s_.admm_factor, s_.admm_operator, s_.kkt.a, s_.kkt.r_y};
    return admm(
        team_, op, s_.admm, s_.l, s_.u, p_.m, rho_, o_.alpha, o_.adaptive_rho, guess_eps_, budget,
        p_.cones);
  }

  /// L^-1 b = L'x + h + Y y, in x's scaled units.
  BPQP_HD AdmmReport run_x_form(int budget) {
    const int n = p_.n;
    for (int j : team_.items(n)) s_.kkt.r_x[j] = x_[j] / c_.scaling.D[j];
    product(team_, c_.Y, n, p_.m, n, w_.y, s_.t);
    for (int j : team_.items(n))
      s_.t[j] += s_.h[j] + dot(c_.L + std::size_t(j) * n + j, s_.kkt.r_x + j, n - j);
    team_.sync();
    const XForm<R> op{n,        p_.m,        c_.Y, s_.t, s_.admm_operator, s_.admm_factor,
                      s_.kkt.a, s_.kkt.spare};
    return admm(
        team_, op, s_.admm, s_.l, s_.u, p_.m, rho_, o_.alpha, o_.adaptive_rho, guess_eps_, budget,
        p_.cones);
  }

  /// w.y = y_new, v and the sides following.
  BPQP_HD void take_multipliers(const R* y_new) {
    int count = 0;
    for (int i = 0; i < p_.m; ++i) {
      if (y_new[i] == w_.y[i]) continue;
      if (team_.rank() == 0) {
        s_.list[count] = i;
        s_.kkt.a[count] = y_new[i] - w_.y[i];
      }
      ++count;
    }
    team_.sync();
    change_multipliers(team_, schur_, w_, s_.list, count, s_.kkt.a, s_.v);
    guess_sides(team_, p_.linear_rows(), s_.l, s_.u, w_);
  }

  /// Exchanges until KKT holds on all rows of the constraint-space problem. False: infeasible, and
  /// w.change holds the ray.
  BPQP_HD bool find_active_set(bool first) {
    verified_ = false;
    lost_ = false;
    if (!o_.polish) return true;
    if (first) {
      for (int round = 0, previous = p_.m + 1; round < kBlockRounds && !verified_; ++round) {
        const int exchanged = exchange_round(team_, schur_, rows_, w_, s_.v, s_.list, s_.kkt.a);
        report_.exchanges += exchanged;
        verified_ = exchanged == 0;
        if (exchanged >= previous) break;
        previous = exchanged;
      }
      if (verified_ && !drowned()) return true;
      rebuild(team_, schur_, w_, s_.l, s_.u, s_.kkt.a);
      release(team_, schur_, rows_, w_, s_.v, s_.list, s_.kkt.a);
    }
    const int left = most_exchanges() - report_.exchanges, fair = 50 + 4 * (p_.n + p_.m);
    const DualReport dual = dual_active_set(
        team_, schur_, rows_, w_, s_.v, s_.kkt.a, schur_.mu > 0 || left < fair ? left : fair);
    report_.exchanges += dual.exchanges;
    verified_ = dual.outcome == DualOutcome::optimal;
    lost_ = !verified_ || drowned();
    if (lost_ && ++losses_ >= kLosses) regularise();
    return dual.outcome != DualOutcome::infeasible;
  }

  /// Rounding hides violations: the multipliers have run off along nearly dependent rows.
  BPQP_HD bool drowned() const { return rows_.noise > kDrowned; }

  /// From here on the dual is proximal too (S + mu I, centre y of each pass): no row then depends
  /// on others, and no tie is exact. The passes become the proximal method of multipliers, whose
  /// steps in y tend to the certificate where there is no solution (Banjac et al. 2019).
  BPQP_HD void regularise() {
    if (schur_.mu == 0) schur_.mu = dual_proximal();
  }
  BPQP_HD R dual_proximal() const { return R(kDualProximal * abs_max(team_, s_.diagonal, p_.m)); }

  BPQP_HD void step() {
    move_x();
    unscale_y();
  }

  /// x += H^-1 (r - A'(change of y)).
  BPQP_HD void move_x() {
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

  /// Whether the last step (in t) is a direction of unboundedness; x then holds the certificate. A
  /// step that is one but for a distant row is extended to that row, where the next pass takes it
  /// up.
  BPQP_HD bool unbounded(bool stalled) {
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
  BPQP_HD void extend_step(const R* Ad, double made) {
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
  BPQP_HD bool infeasible() {
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
  BPQP_HD bool closest_feasible() {
    for (int i : team_.items(p_.m)) w_.y[i] = 0;
    team_.sync();
    w_.size = 0;
    guess_sides(team_, p_.linear_rows(), s_.l, s_.u, w_);
    const R mu = schur_.mu;
    schur_.mu = dual_proximal();
    bool found = false;
    for (int pass = 0; pass < kFeasibilityPasses && !found; ++pass) {
      linearise_rows();
      find_active_set(pass == 0);
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

  /// infeasible() with the exact factor of as many rows of the set as are independent: those are
  /// changed until A'y = 0, the others keep their multipliers.
  BPQP_HD bool infeasible_on_independent_rows() {
    const R mu = schur_.mu;
    schur_.mu = 0;
    rebuild(team_, schur_, w_, s_.l, s_.u, s_.kkt.a);
    const bool found = infeasible();
    schur_.mu = mu;
    if (found) return true;
    guess_sides(team_, p_.linear_rows(), s_.l, s_.u, w_);
    rebuild(team_, schur_, w_, s_.l, s_.u, s_.kkt.a);
    return false;
  }

  /// linearise() without P and q.
  BPQP_HD void linearise_rows() {
    for (int i : team_.items(p_.m)) s_.c[i] = w_.y[i] * c_.scaling.E[i];
    team_.sync();
    product(team_, p_.A, p_.n, p_.m, p_.n, s_.c, s_.h);
    for (int j : team_.items(p_.n)) s_.h[j] *= -c_.scaling.D[j];
    transposed_product(team_, p_.A, p_.n, p_.m, p_.n, x_, s_.c);
    activities_at_y(s_.c);
  }

  BPQP_HD ForwardReport finish() {
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
    return report_;
  }

  /// Whether the solution is differentiable; and where it is not, that its derivatives are safe.
  BPQP_HD void settle_derivatives() {
    w_.least_norm = false;
    if (report_.status == Status::iteration_limit || report_.status == Status::numerical_error)
      return;
    const bool free_rows = independent(team_, c_, schur_, w_, s_);
    report_.differentiable =
        report_.verified && free_rows && strict() && regular(team_, p_, c_, w_, s_);
    if (!free_rows)
      rebuild(team_, schur_, w_, s_.l, s_.u, s_.kkt.a, nearly_dependent(c_.report.singular));
    w_.least_norm = c_.report.singular && !report_.differentiable;
  }

  BPQP_HD bool strict() {
    double y_scale = 0;
    for (int i : team_.items(p_.m)) y_scale = nan_max(y_scale, std::fabs(double(w_.y[i])));
    for (int j : team_.items(p_.n)) {  // what the multipliers balance: they may all be rounding
      const double largest = nan_max(
          std::fabs(double(p_.q[j])),
          nan_max(std::fabs(double(s_.products.Px[j])), std::fabs(double(s_.products.Aty[j]))));
      y_scale = nan_max(y_scale, cost_ * double(c_.scaling.D[j]) * largest);
      // and so may what they balance: x is known to no more than this beside what moves it by one
      const double d = double(c_.scaling.D[j]);
      if (p_.P)
        y_scale = nan_max(y_scale, kBalance * d * d * double(p_.P[std::size_t(j) * p_.n + j]));
    }
    return strictly_complementary(team_, p_.m, team_.max(y_scale), [this](int i) {
      const double Ax = double(s_.products.Ax[i]) * double(c_.scaling.E[i]);
      return RowAtPoint{double(s_.l[i]), double(s_.u[i]), Ax, double(w_.y[i]), w_.side[i] != 0};
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
  double cost_ = 1;
  double rho_ = 0;
  double best_ = INFINITY;   ///< worst relative residual of the best point so far
  double least_ = INFINITY;  ///< the same, without the interior point
  double guess_eps_ = kGuessEps;
  int guess_iterations_ = kGuessIterations;
  bool verified_ = false;  ///< KKT holds on the working set in the constraint-space problem
  int losses_ = 0;
  bool interior_ = false;       ///< started from there: nothing but the end is wanted
  bool no_iterations_ = false;  ///< ADMM could do nothing
  bool lost_ = false;           ///< the active-set method gave up: more ADMM before the next try
  ForwardReport report_;
};

}  // namespace bpqp::core
