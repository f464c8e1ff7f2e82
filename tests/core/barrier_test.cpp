// The linear systems of the interior point method (docs/math.md section 10): solve_barrier against
// elimination in long double of the system without proximal terms, and a step of slacks and
// multipliers against the equations that it linearises.
#include "core/barrier_solve.hpp"
#include "core/barrier_steps.hpp"
#include "support/elimination.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::Workbench;
using Long = long double;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(Barrier);

constexpr int kN = 15, kCone = 4;  // n above all 13 rows, so that every form has its memory
constexpr double kAway = 1e30;

/// Bounds (two on x_1), an equality, general rows with one side and two, a free row, a bound that
/// is an equality, and a cone.
enum class Hessian { diagonal, singular, definite };
test::DenseProblem with_every_kind(Hessian hessian, std::uint64_t seed, bool single_cone = false) {
  std::mt19937_64 engine(seed);
  test::DenseProblem p;
  p.n = kN;
  p.P.assign(kN * kN, 0);
  const Values R = test::normals(kN * kN, engine);
  for (std::size_t i = 0; i < kN; ++i)
    for (std::size_t j = 0; j < kN; ++j) {
      if (hessian == Hessian::diagonal) p.P[i * kN + j] = i == j && i != 2 ? R[i] * R[i] : 0;
      if (hessian == Hessian::definite && i == j) p.P[i * kN + j] = 1;
      for (std::size_t k = 0; hessian != Hessian::diagonal && k < 6; ++k)  // rank 6
        p.P[i * kN + j] += R[k * kN + i] * R[k * kN + j];
    }
  p.q = test::normals(kN, engine);
  const auto add = [&](int only, double l, double u) {
    Values a = test::normals(kN, engine);
    for (int j = 0; j < kN; ++j)
      if (only >= 0 && j != only) a[std::size_t(j)] = 0;
    p.A.insert(p.A.end(), a.begin(), a.end());
    p.l.push_back(l), p.u.push_back(u);
    ++p.m;
  };
  add(1, -kAway, 1);
  add(-1, 2, 2);
  add(1, -1, kAway);
  add(-1, -kAway, 3);
  add(3, -1, 2);
  add(-1, -2, kAway);
  add(-1, -kAway, kAway);
  add(-1, -2, 1);
  add(4, 1, 1);
  for (int i = 0; i < kCone; ++i) add(single_cone ? 5 + i : -1, 0, i == 0 ? 4 : 0);
  for (std::size_t j = 0; j < kN && single_cone; ++j) p.A[std::size_t(p.m - kCone) * kN + j] = 0;
  p.cones = {kCone};
  return p;
}

RowKind kind_of(const Workbench& s, int i) {
  if (i >= s.view.linear_rows()) return RowKind::cone;
  const double l = s.view.l[i], u = s.view.u[i];
  return l == u                         ? RowKind::equality
         : has_lower(l) && has_upper(u) ? RowKind::both
         : has_upper(u)                 ? RowKind::upper
         : has_lower(l)                 ? RowKind::lower
                                        : RowKind::free;
}

/// Kinds, lists and unit scaling as the method sets them, and a point inside all sides.
template <Team T>
BarrierForm set_up(
    const T& team,
    Workbench& s,
    const ProblemView<double>& view,
    BarrierSystem<double>& sys,
    BarrierWay way) {
  const BarrierSides<double>& b = s.work.barrier.sides;
  sys.cones = s.view.cones;
  BarrierForm form;
  form.way = way;
  form.diagonal = true;
  for (int j = 0; j < s.n; ++j)
    for (int i = 0; i < s.n; ++i)
      if (i != j && s.dense.p(i, j) != 0) form.diagonal = false;
  for (int j : team.items(s.n)) sys.scaling.D[j] = 1;
  for (int i = 0; i < s.m; ++i) {
    int entries = 0, last = 0;
    for (int j = 0; j < s.n; ++j)
      if (s.dense.row(i)[j] != 0) ++entries, last = j;
    const RowKind kind = kind_of(s, i);
    const bool single = kind == RowKind::free || (entries == 1 && kind != RowKind::equality);
    if (team.rank() == 0) {
      sys.scaling.E[i] = 1;
      sys.kind[i] = kind;
      sys.column[i] = single ? last : -1;
      const double angle = 3.0 + i;
      for (const BarrierSide<double>* side : {&b.upper, &b.lower}) {
        const double sign = side == &b.upper ? 1 : -1;
        side->s[i] = std::exp(2 * std::sin(sign * angle));
        side->z[i] = std::exp(2 * std::cos(sign * angle));
        side->residual[i] = std::sin(5 * sign * angle);
        side->product[i] = std::cos(7 * sign * angle);
      }
      if (kind == RowKind::cone) {
        const bool first = i == s.view.cones.first(0);
        b.upper.s[i] = first ? 2 : 0.3 * i / s.m;
        b.upper.z[i] = first ? 3 : -1.1 * i / s.m;
      }
    }
  }
  team.sync();
  form.single_cones = find_single_cones(team, view, sys);
  for (int i = 0; i < s.m; ++i) {
    if (sys.column[i] >= 0) continue;
    if (team.rank() == 0) sys.general[form.general] = i;
    ++form.general;
    if (i < s.view.linear_rows()) ++form.linear_general;
  }
  form.order = way == BarrierWay::rows ? form.packed() : way == BarrierWay::schur ? s.m : s.n;
  team.sync();
  if (way == BarrierWay::schur) condense_barrier(team, s.view, form, sys);
  scale_sides(team, sys, b);
  return form;
}

/// W^2 of the whole problem, from sys after scale_sides.
test::Dense<Long> squares(const BarrierSystem<double>& sys) {
  test::Dense<Long> W2(sys.m, sys.m);
  for (int i = 0; i < sys.m; ++i)
    if (sys.is_linear(i)) W2(i, i) = sys.w2[i];
  for (int k = 0; k < sys.cones.count; ++k) {
    const int first = sys.cones.first(k), d = sys.cones.size(k);
    for (int c = 0; c < d; ++c) {
      std::vector<Long> e(std::size_t(d), 0);
      e[std::size_t(c)] = 1;
      for (int twice = 0; twice < 2; ++twice) {
        const std::vector<Long> w(sys.nt + first, sys.nt + first + d);
        soc::scale(sys.eta[first], w.data(), d, false, e.data());
      }
      for (int r = 0; r < d; ++r) W2(first + r, first + c) = e[std::size_t(r)];
    }
  }
  return W2;
}

/// (x, y) of [P A'; A -W^2], y = 0 on free rows.
std::vector<Long> by_elimination(
    const Workbench& s, const BarrierSystem<double>& sys, const Values& r_x, const Values& r_y) {
  const test::Dense<Long> W2 = squares(sys);
  test::Dense<Long> K(s.n + s.m, s.n + s.m);
  std::vector<Long> right(r_x.begin(), r_x.end());
  for (int j = 0; j < s.n; ++j)
    for (int i = 0; i < s.n; ++i) K(i, j) = s.dense.p(i, j);
  for (int i = 0; i < s.m; ++i) {
    const bool free = sys.kind[i] == RowKind::free;
    for (int j = 0; j < s.n && !free; ++j) K(s.n + i, j) = K(j, s.n + i) = s.dense.row(i)[j];
    for (int k = 0; k < s.m; ++k) K(s.n + i, s.n + k) = -W2(i, k);
    if (free) K(s.n + i, s.n + i) = 1;
    right.push_back(free ? 0 : r_y[std::size_t(i)]);
  }
  const test::Elimination<Long> solver(K);
  EXPECT_TRUE(solver.regular());
  return solver.solve(right);
}

/// With a cone of rows with one entry and its structure known, too.
TEST_P(Barrier, SystemMatchesEliminationInEveryForm) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    for (const auto& [hessian, way, single] :
         {std::tuple{Hessian::diagonal, BarrierWay::rows, false},
          {Hessian::diagonal, BarrierWay::columns, false},
          {Hessian::singular, BarrierWay::columns, false},
          {Hessian::definite, BarrierWay::schur, false},
          {Hessian::diagonal, BarrierWay::rows, true},
          {Hessian::diagonal, BarrierWay::columns, true},
          {Hessian::singular, BarrierWay::columns, true},
          {Hessian::definite, BarrierWay::schur, true}}) {
      SCOPED_TRACE(
          "seed " + std::to_string(seed) + ", P " + std::to_string(int(hessian)) + ", way " +
          std::to_string(int(way)) + (single ? ", single cone" : ""));
      Workbench s(with_every_kind(hessian, seed, single));
      std::mt19937_64 engine(seed + 50);
      const Values r_x = test::normals(kN, engine);
      const Values r_y = test::normals(std::size_t(s.m), engine);
      Values Ax(std::size_t(s.m), test::kNaN);
      bool factored = false;
      BarrierSystem<double> kept;
      run([&](const auto& team) {
        BarrierSystem<double> sys = s.work.barrier.system;
        const ProblemView<double> view = single ? s.structured(team) : s.view;
        const BarrierForm form = set_up(team, s, view, sys, way);
        double repair = 0;
        const bool done =
            factor_barrier(team, view, form, sys, repair) && form.single_cones == int(single);
        solve_barrier(
            team, view, form, sys, r_x.data(), r_y.data(), s.x.data(), s.y.data(), Ax.data());
        test::keep(team, done && repair == 0, factored);
        test::keep(team, sys, kept);
      });
      ASSERT_TRUE(factored);
      const auto exact = by_elimination(s, kept, r_x, r_y);
      Long size = 1;
      for (Long v : exact) size = std::fmax(size, std::fabs(v));
      for (std::size_t j = 0; j < kN; ++j)
        EXPECT_NEAR(s.x[j], double(exact[j]), 1e-9 * double(size)) << "x " << j;
      for (std::size_t i = 0; i < s.y.size(); ++i) {
        EXPECT_NEAR(s.y[i], double(exact[kN + i]), 1e-9 * double(size)) << "y " << i;
        double sum = 0;
        for (int j = 0; j < kN; ++j) sum += s.dense.row(int(i))[j] * s.x[std::size_t(j)];
        EXPECT_NEAR(Ax[i], sum, 1e-13 * double(size)) << "A x " << i;
      }
    }
}

/// Rows alike to rounding: the proximal terms hold the factorisation, and refinement the equations.
TEST_P(Barrier, SystemHoldsWithDependentEqualities) {
  test::KnownProblem known = test::random_known({.n = 6, .redundant = 2}, 3);
  Workbench s(known.problem);
  std::mt19937_64 engine(8);
  Values r_x(6), r_y(std::size_t(s.m), 0), Ax(std::size_t(s.m));
  const Values x0 = test::normals(6, engine);
  for (int i = 0; i < s.m; ++i)  // within the range of the rows
    for (int j = 0; j < 6; ++j) r_y[std::size_t(i)] += s.dense.row(i)[j] * x0[std::size_t(j)];
  for (std::size_t j = 0; j < 6; ++j) r_x[j] = s.dense.p(0, int(j));
  double error = test::kNaN;
  run([&](const auto& team) {
    BarrierSystem<double> sys = s.work.barrier.system;
    const BarrierForm form = set_up(team, s, s.view, sys, BarrierWay::columns);
    double repair = 0;
    factor_barrier(team, s.view, form, sys, repair);
    solve_barrier(
        team, s.view, form, sys, r_x.data(), r_y.data(), s.x.data(), s.y.data(), Ax.data());
    const double worst = barrier_residual(
        team, s.view, form, sys, r_x.data(), r_y.data(), s.x.data(), s.y.data(), Ax.data());
    test::keep(team, worst, error);
  });
  EXPECT_LT(error, 1e-9);
}

struct Step {
  Values x, y, Ax, z_upper, z_lower;
  BarrierSystem<double> sys;
};

/// One direction for the residuals times f and the products that set_up leaves.
Step step_of(Workbench& s, BarrierWay way, double f, const Values& r_x, const auto& run) {
  Step out;
  out.Ax.assign(std::size_t(s.m), test::kNaN);
  Values r_y(std::size_t(s.m), test::kNaN);
  run([&](const auto& team) {
    BarrierSystem<double> sys = s.work.barrier.system;
    const BarrierSides<double>& b = s.work.barrier.sides;
    const BarrierForm form = set_up(team, s, s.view, sys, way);
    double repair = 0;
    factor_barrier(team, s.view, form, sys, repair);
    eliminate_slacks(team, sys, b, f, r_y.data());
    solve_barrier(
        team, s.view, form, sys, r_x.data(), r_y.data(), s.x.data(), s.y.data(), out.Ax.data());
    split_multipliers(team, sys, b, s.y.data(), out.Ax.data(), b.upper.dz, b.lower.dz);
    step_slacks(team, sys, b);
    test::keep(team, sys, out.sys);
  });
  return out;
}

/// A dx + ds_u = -f residual_u, -A dx + ds_l = -f residual_l, y = dz_u - dz_l, and
/// s o dz + z o ds = -product for every side.
TEST_P(Barrier, StepSolvesTheLinearisedEquations) {
  for (BarrierWay way : {BarrierWay::rows, BarrierWay::columns, BarrierWay::schur}) {
    SCOPED_TRACE("way " + std::to_string(int(way)));
    Workbench s(
        with_every_kind(way == BarrierWay::schur ? Hessian::definite : Hessian::diagonal, 5));
    const double f = 0.7, near = 1e-9;
    std::mt19937_64 engine(6);
    const Step step = step_of(s, way, f, test::normals(kN, engine), *this);
    const BarrierSides<double>& b = s.work.barrier.sides;
    const BarrierSide<double>&U = b.upper, &L = b.lower;
    for (int i = 0; i < s.m; ++i) {
      SCOPED_TRACE("row " + std::to_string(i));
      const RowKind kind = step.sys.kind[i];
      const double Ax = step.Ax[std::size_t(i)];
      EXPECT_NEAR(s.y[std::size_t(i)], U.dz[i] - L.dz[i], near);
      if (kind == RowKind::free) {
        EXPECT_EQ(s.y[std::size_t(i)], 0);
        continue;
      }
      const bool up = bounded_above(kind), low = bounded_below(kind);
      const bool equality = kind == RowKind::equality, linear = kind != RowKind::cone;
      EXPECT_NEAR(up ? Ax + U.ds[i] + f * U.residual[i] : 0, 0, near);
      EXPECT_NEAR(low ? -Ax + L.ds[i] + f * L.residual[i] : 0, 0, near);
      EXPECT_NEAR(equality ? Ax + f * U.residual[i] : 0, 0, near);
      EXPECT_NEAR(up && linear ? U.s[i] * U.dz[i] + U.z[i] * U.ds[i] + U.product[i] : 0, 0, near);
      EXPECT_NEAR(low ? L.s[i] * L.dz[i] + L.z[i] * L.ds[i] + L.product[i] : 0, 0, near);
    }
    // lambda o (W^-1 ds + W dz) = -product
    const int first = s.view.cones.first(0);
    Values ds(U.ds + first, U.ds + s.m), dz(U.dz + first, U.dz + s.m), product(kCone);
    soc::scale(step.sys.eta[first], step.sys.nt + first, kCone, true, ds.data());
    soc::scale(step.sys.eta[first], step.sys.nt + first, kCone, false, dz.data());
    for (std::size_t i = 0; i < kCone; ++i) ds[i] += dz[i];
    soc::product(b.lambda + first, ds.data(), kCone, product.data());
    for (std::size_t i = 0; i < kCone; ++i)
      EXPECT_NEAR(product[i], -U.product[std::size_t(first) + i], near);
  }
}

/// The step to the boundary leaves everything inside, a longer one does not.
TEST_P(Barrier, LargestStepEndsOnTheBoundary) {
  Workbench s(with_every_kind(Hessian::diagonal, 7));
  std::mt19937_64 engine(8);
  const Step step = step_of(s, BarrierWay::columns, 1, test::normals(kN, engine), *this);
  const BarrierSides<double>& b = s.work.barrier.sides;
  double longest = test::kNaN;
  run([&](const auto& team) { test::keep(team, largest_step(team, step.sys, b), longest); });
  ASSERT_TRUE(longest > 0 && longest < INFINITY);
  const auto least = [&](double t) {  // how far inside the worst is
    double margin = INFINITY;
    for (const BarrierSide<double>* side : {&b.upper, &b.lower})
      for (int i = 0; i < s.view.linear_rows(); ++i) {
        const RowKind kind = step.sys.kind[i];
        if (!(side == &b.upper ? bounded_above(kind) : bounded_below(kind))) continue;
        margin = std::fmin(margin, side->s[i] + t * side->ds[i]);
        margin = std::fmin(margin, side->z[i] + t * side->dz[i]);
      }
    Values sc(kCone), zc(kCone);
    const int first = s.view.cones.first(0);
    for (int i = 0; i < kCone; ++i) {
      sc[std::size_t(i)] = b.upper.s[first + i] + t * b.upper.ds[first + i];
      zc[std::size_t(i)] = b.upper.z[first + i] + t * b.upper.dz[first + i];
    }
    return std::fmin(
        margin, std::fmin(soc::margin(sc.data(), kCone), soc::margin(zc.data(), kCone)));
  };
  EXPECT_GT(least(longest * (1 - 1e-9)), 0);
  EXPECT_LT(least(longest * (1 + 1e-9)), 0);
}

}  // namespace
}  // namespace bpqp::core
