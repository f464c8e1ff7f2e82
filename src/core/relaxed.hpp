/// \file
/// The barrier-relaxed point and its derivatives (docs/math.md section 12), for Settings::kappa:
///
///   minimise 1/2 x'P x + q'x - kappa (sum of log of every slack)   subject to the equalities
///
/// Its solution x(kappa) is smooth in all data and tends to the problem's: a linear program, whose
/// solution stays at a vertex until it jumps, so gets gradients that say where the jump is (Mandi
/// and Guns 2020). Newton's method on s o z = kappa finds it; the adjoint is the same system once
/// more, with W^2 = s/z of the point:
///
///   [P A'; A -W^2] [w; d] = [g_x; g_y]
///
/// Reads: the problem, kappa. Writes: RelaxedPoint. Uses the interior point method's scratch.
#pragma once

#include "core/barrier_problem.hpp"

namespace bpqp::core {

/// Newton's method ends where every product is kappa and every residual zero to this, relative, or
/// after so many steps.
constexpr double kRelaxedTarget = 1e-10;
constexpr int kRelaxedSteps = 100;
/// And no slack may differ from what x leaves by more than this part of itself, nor x times the
/// dual residual from 0 by more than this part of kappa: where nothing lies inside, slacks shrink
/// to the residual, and where the solutions are unbounded, x grows to 1 over it.
constexpr double kRelaxedReal = 1e-3;
/// A system solved to less than this counts as having no solution.
constexpr double kRelaxedSolved = 1e-6;
/// Until kappa is reached the products aim at this part of their mean.
constexpr double kRelaxedReduction = 0.1;

template <class R>
struct RelaxedPoint {
  R *x = nullptr, *y = nullptr;              ///< [n], [m] user's units
  R *s_upper = nullptr, *z_upper = nullptr;  ///< [m] scaled units
  R *s_lower = nullptr, *z_lower = nullptr;  ///< [m]
  R* upper = nullptr;  ///< [m] part of db that is du, the rest being dl; -1: the row has no side

  BPQP_HD static RelaxedPoint lay_out(Arena& arena, int n, int m) {
    RelaxedPoint k;
    k.x = arena.take<R>(n);
    for (R** v : {&k.y, &k.s_upper, &k.z_upper, &k.s_lower, &k.z_lower, &k.upper})
      *v = arena.take<R>(m);
    return k;
  }
};

template <class D, class R, Team T>
class Relaxed : private BarrierProblem<D, R, T> {
 public:
  BPQP_HD Relaxed(
      const T& team,
      const ProblemView<D>& p,
      const BarrierWork<R>& work,
      const RelaxedPoint<R>& point)
      : BarrierProblem<D, R, T>(team, p, work), k_(point) {}

  /// Finds the point; false if there is none (no point lies inside all inequalities, or the
  /// solutions are unbounded), x is not unique, or it was not found. `regular`: y is unique, too.
  BPQP_STAGE bool find(double kappa, bool& regular) {
    if (!(set_up() && start())) return false;
    const double aim = kappa * form_.cost / form_.beta;  // kappa in scaled units
    for (int step = 0; step < kRelaxedSteps; ++step) {
      const double mean = degree_ > 0 ? complementarity(team_, sys_, b_) / degree_ : 0;
      const bool near = !(kRelaxedReduction * mean > aim);
      scale_sides(team_, sys_, b_);
      const double off = set_residuals(near ? aim : kRelaxedReduction * mean);
      if (!(off < INFINITY)) return false;
      if (near && off <= kRelaxedTarget) {
        publish();
        if (!factor_barrier(team_, p_, form_, sys_, repair_)) return false;
        regular = solvable(false);
        return solvable(true);
      }
      if (!factor_barrier(team_, p_, form_, sys_, repair_)) return false;
      newton();
    }
    return false;
  }

  /// Factors the system at the point; `form` is then what solve() needs, in another object too, as
  /// long as the scratch is not used otherwise.
  BPQP_STAGE bool factor(BarrierForm& form) {
    if (!set_up()) return false;
    for (int i : team_.items(p_.m)) {
      b_.upper.s[i] = k_.s_upper[i], b_.upper.z[i] = k_.z_upper[i];
      b_.lower.s[i] = k_.s_lower[i], b_.lower.z[i] = k_.z_lower[i];
    }
    team_.sync();
    scale_sides(team_, sys_, b_);
    repair_ = 0;
    form = form_;
    return factor_barrier(team_, p_, form_, sys_, repair_);
  }

  /// (w, d) for (g_x, g_y), user's units; returns the residual relative to the right-hand side,
  /// infinite if there is no solution (equalities that depend on one another, and g_y on them).
  BPQP_STAGE double solve(const BarrierForm& form, const R* g_x, const R* g_y, R* w, R* d) {
    form_ = form;
    const Scaling<R> scale = sys_.scaling;
    for (int j : team_.items(p_.n)) w_.r_x[j] = R(form_.cost * double(scale.D[j]) * double(g_x[j]));
    for (int i : team_.items(p_.m))
      w_.r_y[i] = sys_.kind[i] == RowKind::free
                      ? R(0)
                      : R(double(scale.E[i]) / form_.beta * double(g_y[i]));
    team_.sync();
    const double residual = solve_scaled();
    for (int j : team_.items(p_.n)) w[j] = R(form_.beta * double(scale.D[j]) * double(w_.dx[j]));
    for (int i : team_.items(p_.m)) d[i] = R(double(scale.E[i]) / form_.cost * double(w_.dy[i]));
    team_.sync();
    return residual < kRelaxedSolved ? residual : INFINITY;
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

  /// Residuals of the three equations with s o z = target; returns the worst, relative to what it
  /// is made of.
  BPQP_STAGE double set_residuals(double target) {
    const BarrierSide<R>&U = b_.upper, &L = b_.lower;
    for (int i : team_.items(p_.m)) w_.y[i] = U.z[i] - L.z[i];
    scaled_hessian_product(team_, p_, form_, sys_, w_.x, w_.residual);
    for (int j : team_.items(p_.n)) w_.t[j] = 0;
    team_.sync();
    add_scaled_columns(team_, p_, sys_, w_.y, R(1), w_.t);
    double dual = 0, dual_size = 1, primal = 0, primal_size = 1, product = 0, unreal = 0;
    for (int j : team_.items(p_.n)) {
      for (double v : {double(w_.residual[j]), double(w_.t[j]), double(scaled_q(j))})
        dual_size = nan_max(dual_size, std::fabs(v));
      w_.residual[j] += scaled_q(j) + w_.t[j];
      dual = nan_max(dual, std::fabs(double(w_.residual[j])));
      if (target > 0)
        unreal = nan_max(unreal, std::fabs(double(w_.residual[j]) * double(w_.x[j])) / target);
    }
    scaled_rows_product(team_, p_, sys_, w_.x, w_.Adx);
    set_products(team_, sys_, b_, false, 0);
    // target e has it in a cone's first row only, and side() takes it from every row
    for (int k : team_.items(p_.cones.count)) {
      const int first = p_.cones.first(k);
      for (int i = 1; i < p_.cones.size(k); ++i) U.product[first + i] += R(target);
    }
    team_.sync();
    const auto side = [&](const BarrierSide<R>& v, int i, double sign, R bound) {
      v.residual[i] = R(sign) * (w_.Adx[i] - bound) + v.s[i];
      v.product[i] -= R(target);
      primal = nan_max(primal, std::fabs(double(v.residual[i])));
      primal_size = nan_max(primal_size, nan_max(std::fabs(double(bound)), double(v.s[i])));
      product = nan_max(product, std::fabs(double(v.product[i])));
      if (sys_.is_linear(i))
        unreal = nan_max(unreal, std::fabs(double(v.residual[i])) / double(v.s[i]));
    };
    for (int i : team_.items(p_.m)) {
      const RowKind k = sys_.kind[i];
      if (bounded_above(k)) side(U, i, 1, b_.u[i]);
      if (bounded_below(k)) side(L, i, -1, b_.l[i]);
      if (k != RowKind::equality) continue;
      U.residual[i] = w_.Adx[i] - b_.u[i];
      primal = nan_max(primal, std::fabs(double(U.residual[i])));
      primal_size = nan_max(primal_size, std::fabs(double(b_.u[i])));
    }
    team_.sync();
    for (int k : team_.items(p_.cones.count)) {
      const int first = p_.cones.first(k), d = p_.cones.size(k);
      const double margin = soc::margin(U.s + first, d);
      for (int i = first; i < first + d; ++i)
        unreal = nan_max(unreal, std::fabs(double(U.residual[i])) / margin);
    }
    dual /= team_.max(dual_size), primal /= team_.max(primal_size);
    product = target > 0 ? product / target : 0;
    unreal *= kRelaxedTarget / kRelaxedReal;  // so that one limit holds for all
    return team_.max(nan_max(nan_max(dual, primal), nan_max(product, unreal)));
  }

  /// Whether the system at the point has a solution for a right-hand side without structure, in the
  /// equations of x or of the rows: else P and A leave x free, or equalities depend on one another.
  BPQP_STAGE bool solvable(bool in_x) {
    for (int j : team_.items(p_.n)) w_.r_x[j] = in_x ? R(std::cos(1.0 + 2.0 * j)) : R(0);
    for (int i : team_.items(p_.m))
      w_.r_y[i] = in_x || sys_.kind[i] == RowKind::free ? R(0) : R(std::cos(1.0 + 2.0 * i));
    team_.sync();
    return solve_scaled() < kRelaxedSolved;
  }

  /// dx, dy for r_x, r_y; returns the residual relative to them.
  BPQP_STAGE double solve_scaled() {
    solve_barrier(team_, p_, form_, sys_, w_.r_x, w_.r_y, w_.dx, w_.dy, w_.Adx);
    const double size = nan_max(abs_max(team_, w_.r_x, p_.n), abs_max(team_, w_.r_y, p_.m));
    const double left =
        barrier_residual(team_, p_, form_, sys_, w_.r_x, w_.r_y, w_.dx, w_.dy, w_.Adx);
    return !(left < INFINITY) ? INFINITY : size > 0 ? left / size : left;
  }

  BPQP_STAGE void newton() {
    for (int j : team_.items(p_.n)) w_.r_x[j] = -w_.residual[j];
    team_.sync();
    solve_sides(b_.upper.dz, b_.lower.dz, w_.dx, w_.dy);
    step_slacks(team_, sys_, b_);
    const double step = nan_min(1.0, kBarrierStep * largest_step(team_, sys_, b_));
    for (int j : team_.items(p_.n)) w_.x[j] += R(step) * w_.dx[j];
    move_sides(team_, sys_, b_, step, 1.0);
  }

  BPQP_STAGE void publish() {
    const BarrierSide<R>&U = b_.upper, &L = b_.lower;
    for (int j : team_.items(p_.n))
      k_.x[j] = R(form_.beta * double(sys_.scaling.D[j]) * double(w_.x[j]));
    for (int i : team_.items(p_.m)) {
      k_.y[i] = R(double(sys_.scaling.E[i]) / form_.cost * double(w_.y[i]));
      k_.s_upper[i] = U.s[i], k_.z_upper[i] = U.z[i];
      k_.s_lower[i] = L.s[i], k_.z_lower[i] = L.z[i];
      const RowKind kind = sys_.kind[i];
      const double up = double(U.z[i]) * double(L.s[i]), low = double(L.z[i]) * double(U.s[i]);
      k_.upper[i] = kind == RowKind::both       ? R(up / (up + low))
                    : kind == RowKind::lower    ? R(0)
                    : kind == RowKind::equality ? R(w_.y[i] < 0 ? 0 : 1)
                    : kind == RowKind::free     ? R(-1)
                                                : R(1);
    }
    team_.sync();
  }

  const RelaxedPoint<R>& k_;
};

}  // namespace bpqp::core
