/// \file
/// A problem as the interior point methods see it (docs/math.md section 10): rows sorted into
/// kinds, everything scaled to order one, a point inside to start from, and the solve for one step.
/// Next: embedding.hpp and interior_point.hpp, or relaxed.hpp.
#pragma once

#include "core/barrier_solve.hpp"
#include "core/barrier_steps.hpp"

namespace bpqp::core {

constexpr int kBarrierScaling = 10;          ///< passes of Ruiz
constexpr double kBarrierScaledEnough = 2;   ///< and where they end
constexpr double kBarrierStep = 0.99;        ///< of the way to the boundary
constexpr double kBarrierLargestSide = 1e6;  ///< most that x is scaled by, and its inverse

template <class R>
struct BarrierWork {
  BarrierSystem<R> system;
  BarrierSides<R> sides;
  R *x = nullptr, *dx = nullptr, *dx_kept = nullptr, *x2 = nullptr, *Px = nullptr,
    *residual = nullptr, *r_x = nullptr, *t = nullptr;                           ///< [n]
  R *y = nullptr, *dy = nullptr, *Adx = nullptr, *y2 = nullptr, *r_y = nullptr;  ///< [m]
  R *dual = nullptr, *primal = nullptr;  ///< [m], [n] candidates for certificates

  BPQP_HD static BarrierWork lay_out(Arena& arena, int n, int m) {
    BarrierWork w;
    w.system = BarrierSystem<R>::lay_out(arena, n, m);
    w.sides = BarrierSides<R>::lay_out(arena, m);
    for (R** v : {&w.x, &w.dx, &w.dx_kept, &w.x2, &w.Px, &w.residual, &w.r_x, &w.t, &w.primal})
      *v = arena.take<R>(n);
    for (R** v : {&w.y, &w.dy, &w.Adx, &w.y2, &w.r_y, &w.dual}) *v = arena.take<R>(m);
    return w;
  }
};

template <class D, class R, Team T>
class BarrierProblem {
 protected:
  BPQP_HD BarrierProblem(const T& team, const ProblemView<D>& p, const BarrierWork<R>& w)
      : team_(team), p_(p), w_(w), sys_(w.system), b_(w.sides) {
    sys_.cones = p.cones;
  }

  // ---- set-up

  BPQP_STAGE bool set_up() {
    form_.symmetric = p_.known.diagonal || load_hessian(team_, p_, sys_.M);
    if (!equilibrate(
            team_, p_, sys_.M, sys_.scaling, kBarrierScaling, w_.r_y, w_.t, kBarrierScaledEnough))
      return false;
    classify_rows();
    scale_cost_and_sides();
    form_.diagonal = hessian_is_diagonal();
    choose_way();
    return true;
  }

  /// The smallest matrix that will do.
  BPQP_STAGE void choose_way() {
    form_.order = p_.n;
    form_.way = BarrierWay::columns;
    if (form_.diagonal && form_.packed() < p_.n) {
      form_.way = BarrierWay::rows;
      form_.order = form_.packed();
    } else if (!form_.diagonal && p_.m < p_.n && condense_barrier(team_, p_, form_, sys_)) {
      form_.way = BarrierWay::schur;
      form_.order = p_.m;
    }
  }

  BPQP_STAGE void classify_rows() {
    const int linear = p_.linear_rows();
    for (int i : team_.items(p_.m)) {
      const D* row = p_.A + std::size_t(i) * p_.n;
      int last = 0;
      const bool few =
          p_.known.column ? p_.known.column[i] >= 0 : count_entries(row, p_.n, last) < 2;
      if (few && p_.known.column) last = p_.known.column[i];
      const double l = i < linear ? double(p_.l[i]) : -INFINITY, u = double(p_.u[i]);
      const bool low = has_lower(l), up = has_upper(u);
      const RowKind kind = i >= linear ? RowKind::cone
                           : l == u    ? RowKind::equality
                           : low && up ? RowKind::both
                           : up        ? RowKind::upper
                           : low       ? RowKind::lower
                                       : RowKind::free;
      sys_.kind[i] = kind;
      const bool single = few && kind != RowKind::cone && kind != RowKind::equality;
      sys_.column[i] = single || kind == RowKind::free ? last : -1;
    }
    team_.sync();
    form_.single_cones = find_single_cones(team_, p_, sys_);
    double sides = 0;
    for (int i : team_.items(p_.m))
      sides += sys_.kind[i] == RowKind::cone
                   ? 0
                   : int(bounded_above(sys_.kind[i])) + int(bounded_below(sys_.kind[i]));
    degree_ = int(team_.sum(sides)) + p_.cones.count;
    form_.general = form_.linear_general = 0;
    for (int i = 0; i < p_.m; ++i) {
      if (sys_.column[i] >= 0) continue;
      if (team_.rank() == 0) sys_.general[form_.general] = i;
      ++form_.general;
      if (i < linear) ++form_.linear_general;
    }
    team_.sync();
  }

  /// beta: the largest side becomes 1; cost: so does the largest of q and the diagonal of P.
  BPQP_STAGE void scale_cost_and_sides() {
    const Scaling<R> scale = sys_.scaling;
    double side = 0, cost = 0;
    for (int i : team_.items(p_.m)) {
      const RowKind k = sys_.kind[i];
      const double E = double(scale.E[i]);
      if (bounded_above(k) || k == RowKind::equality)
        side = nan_max(side, std::fabs(double(p_.u[i])) * E);
      if (bounded_below(k)) side = nan_max(side, std::fabs(double(p_.l[i])) * E);
    }
    side = team_.max(side);
    if (side > 0)
      form_.beta =
          floor_power_of_two(nan_max(1 / kBarrierLargestSide, nan_min(kBarrierLargestSide, side)));
    for (int j : team_.items(p_.n)) {
      const double d = double(scale.D[j]);
      cost = nan_max(cost, std::fabs(double(p_.q[j])) * d);
      cost = nan_max(cost, std::fabs(p_.hessian_entry(j)) * d * d * form_.beta);
    }
    cost = team_.max(cost);
    form_.cost = cost > 0 ? 1 / floor_power_of_two(cost) : 1;
    for (int i : team_.items(p_.m)) {
      const RowKind k = sys_.kind[i];
      const R factor = R(double(scale.E[i]) / form_.beta);
      b_.u[i] = bounded_above(k) || k == RowKind::equality ? R(p_.u[i]) * factor : R(0);
      b_.l[i] = bounded_below(k) ? R(p_.l[i]) * factor : R(0);
    }
    team_.sync();
  }

  BPQP_STAGE bool hessian_is_diagonal() const {
    double off = 0;
    if (p_.P && !p_.known.diagonal)
      for (int j : team_.items(p_.n))
        for (int i = 0; i < p_.n; ++i)
          if (i != j && p_.P[std::size_t(j) * p_.n + i] != 0) off = 1;
    return team_.max(off) == 0;
  }

  // ---- start

  /// Least-squares slacks and multipliers, moved inside (Mehrotra 1992; Goulart and Chen 2024): one
  /// system with W = 1 for a quadratic cost, two for a linear one.
  BPQP_STAGE bool start() {
    repair_ = 0;
    const BarrierSide<R>&U = b_.upper, &L = b_.lower;
    for (int i : team_.items(p_.m)) {
      U.s[i] = U.z[i] = L.s[i] = L.z[i] = 1;  // so that W = 1
      U.product[i] = L.product[i] = 0;
      U.residual[i] = -b_.u[i];
      L.residual[i] = b_.l[i];
      sys_.nt[i] = 0;
      b_.lambda[i] = 0;
    }
    team_.sync();
    for (int k : team_.items(p_.cones.count)) {
      const int first = p_.cones.first(k);
      for (int i = 1; i < p_.cones.size(k); ++i) U.s[first + i] = U.z[first + i] = 0;
    }
    team_.sync();
    scale_sides(team_, sys_, b_);
    if (!factor_barrier(team_, p_, form_, sys_, repair_)) return false;
    const bool quadratic = p_.P && !(form_.diagonal && hessian_is_zero());
    for (int j : team_.items(p_.n)) w_.r_x[j] = quadratic ? -scaled_q(j) : R(0);
    solve_sides(U.ds, L.ds, w_.x, w_.y);  // z; until they are moved inside s = -z in ds, z in dz
    for (int i : team_.items(p_.m)) {
      U.dz[i] = U.ds[i], L.dz[i] = L.ds[i];
      U.ds[i] = -U.ds[i], L.ds[i] = -L.ds[i];
    }
    team_.sync();
    if (!quadratic) {
      for (int j : team_.items(p_.n)) w_.r_x[j] = -scaled_q(j);
      for (int i : team_.items(p_.m)) U.residual[i] = L.residual[i] = 0;
      team_.sync();
      solve_sides(U.dz, L.dz, w_.dx, w_.y);
    }
    for (int i : team_.items(p_.m)) {
      U.s[i] = U.ds[i], L.s[i] = L.ds[i];
      U.z[i] = U.dz[i], L.z[i] = L.dz[i];
      if (sys_.kind[i] == RowKind::equality) U.s[i] = 0;
    }
    team_.sync();
    shift_inside(team_, sys_, U.s, L.s, degree_);
    shift_inside(team_, sys_, U.z, L.z, degree_);
    clear_absent_sides();
    return true;
  }

  BPQP_STAGE bool hessian_is_zero() const {
    double largest = 0;
    for (int j : team_.items(p_.n)) largest = nan_max(largest, std::fabs(p_.hessian_entry(j)));
    return team_.max(largest) == 0;
  }

  BPQP_STAGE R scaled_q(int j) const {
    return R(form_.cost * double(p_.q[j]) * double(sys_.scaling.D[j]));
  }

  BPQP_STAGE void clear_absent_sides() {
    for (int i : team_.items(p_.m)) {
      const RowKind k = sys_.kind[i];
      if (!bounded_above(k)) b_.upper.s[i] = 0;
      if (!bounded_above(k) && k != RowKind::equality) b_.upper.z[i] = 0;
      if (!bounded_below(k)) b_.lower.s[i] = b_.lower.z[i] = 0;
    }
    team_.sync();
  }

  /// Solves with the sides' `product` and `residual` and r_x; w.Adx gets A x.
  BPQP_STAGE void solve_sides(
      R* z_upper, R* z_lower, R* x, R* y, double f = 1, double inconsistent = INFINITY) {
    eliminate_slacks(team_, sys_, b_, f, w_.r_y);
    solve_barrier(team_, p_, form_, sys_, w_.r_x, w_.r_y, x, y, w_.Adx, inconsistent);
    split_multipliers(team_, sys_, b_, y, w_.Adx, z_upper, z_lower);
  }

  const T& team_;
  const ProblemView<D>& p_;
  const BarrierWork<R>& w_;
  BarrierSystem<R> sys_;
  const BarrierSides<R>& b_;
  BarrierForm form_;
  int degree_ = 0;  ///< sides and cones
  double repair_ = 0;
};

}  // namespace bpqp::core
