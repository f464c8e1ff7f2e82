// KKT residuals (docs/math.md section 2) against the oracle's, which are in long double.
#include "core/residuals.hpp"

#include "support/oracle.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::DenseProblem;
using test::keep;
using test::Workbench;

BPQP_ON_EVERY_TEAM(ResidualsOf);

Residuals residuals_of(
    Workbench& s, const std::vector<double>& x, const std::vector<double>& y, const auto& run) {
  Residuals out;
  bool symmetric = true;
  for (int i = 0; i < s.n * s.n && s.view.P; ++i)
    symmetric &= s.view.P[i] == s.view.P[(i % s.n) * s.n + i / s.n];
  run([&](const auto& team) {
    kkt_products(team, s.view, symmetric, false, x.data(), y.data(), s.work.products, s.work.t);
    keep(team, residuals(team, s.view, x.data(), y.data(), s.work.products), out);
  });
  return out;
}

/// x = (2, 1), y = 3 of: min 1/2 (x1^2 + 4 x2^2) - x1, x1 + x2 <= 2.
/// Px + q + A'y = (2 - 1 + 3, 4 + 3); A x = 3, s = 2; x'Px = 8, q'x = -2, h = 6.
TEST_P(ResidualsOf, AClosedForm) {
  Workbench s({2, 1, {1, 0, 0, 4}, {-1, 0}, {1, 1}, {-1e30}, {2}, {}});
  const Residuals r = residuals_of(s, {2, 1}, {3}, *this);
  EXPECT_EQ(r.primal, 1);
  EXPECT_EQ(r.dual, 7);
  EXPECT_EQ(r.gap, 12);
  EXPECT_EQ(r.primal_scale, 3);
  EXPECT_EQ(r.dual_scale, 4);
  EXPECT_EQ(r.gap_scale, 8);
  EXPECT_EQ(r.objective, 2);
  EXPECT_DOUBLE_EQ(r.worst_relative(), 7.0 / 4);
  EXPECT_DOUBLE_EQ(r.over(1, 0), 12);
}

TEST_P(ResidualsOf, RandomPointsMatchTheOracle) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    DenseProblem p =
        test::random_known({.n = 9, .free_rows = 1, .rank_P = seed % 3 ? 9 : 0}, seed).problem;
    if (seed % 2 && !p.P.empty()) p.P[3] += 1;  // not symmetric
    std::mt19937_64 engine(seed);
    const auto x = test::normals(9, engine), y = test::normals(std::size_t(p.m), engine);
    Workbench s(p);
    const Residuals r = residuals_of(s, x, y, *this);
    const test::KktErrors e = test::kkt_errors(p, x.data(), y.data());
    EXPECT_NEAR(r.primal, double(e.primal), 1e-12);
    EXPECT_NEAR(r.dual, double(e.dual), 1e-12);
    EXPECT_NEAR(r.gap, double(e.gap), 1e-12);
    EXPECT_NEAR(r.primal_scale, double(e.primal_scale), 1e-12);
    EXPECT_NEAR(r.dual_scale, double(e.dual_scale), 1e-12);
    EXPECT_NEAR(r.gap_scale, double(e.gap_scale), 1e-12);
    EXPECT_NEAR(r.objective, double(e.objective), 1e-12);
  }
}

TEST_P(ResidualsOf, MultipliersAtAbsentSidesCountAsDualResidual) {
  Workbench s({1, 1, {1}, {-1}, {0}, {-1e30}, {1}, {}});
  EXPECT_EQ(residuals_of(s, {1}, {-0.5}, *this).dual, 0.5);
  EXPECT_EQ(residuals_of(s, {1}, {0.0}, *this).dual, 0);
}

TEST_P(ResidualsOf, NaNAnywhereIsNeverSmall) {
  const auto known = test::random_known({.n = 9}, 7);
  for (int where = 0; where < 3; ++where) {
    auto point = known;
    (where == 0 ? point.x[4] : where == 1 ? point.y[5] : point.problem.q[0]) = test::kNaN;
    Workbench s(point.problem);
    const Residuals r = residuals_of(s, point.x, point.y, *this);
    EXPECT_FALSE(r.worst_relative() < INFINITY) << where;
    EXPECT_FALSE(r.over(1, 1) <= 1) << where;
  }
}

TEST_P(ResidualsOf, TheOriginNeedsNoProducts) {
  Workbench s(test::random_known({.n = 9}, 8).problem);
  const std::vector<double> x(9, 0), y(std::size_t(s.m), 0);
  const Residuals full = residuals_of(s, x, y, *this);
  Residuals quick;
  run([&](const auto& team) {
    kkt_products(team, s.view, true, true, x.data(), y.data(), s.work.products, s.work.t);
    keep(team, residuals(team, s.view, x.data(), y.data(), s.work.products), quick);
  });
  EXPECT_EQ(full.primal, quick.primal);
  EXPECT_EQ(full.dual, quick.dual);
  EXPECT_EQ(full.gap, quick.gap);
}

TEST_P(ResidualsOf, FloatDataAreReadAsTheyAre) {
  const DenseProblem p = test::random_known({.n = 9}, 9).problem;
  const auto narrow = [](const std::vector<double>& v) {
    return std::vector<float>(v.begin(), v.end());
  };
  const auto P = narrow(p.P), q = narrow(p.q), A = narrow(p.A), l = narrow(p.l), u = narrow(p.u);
  const auto wide = [](const std::vector<float>& v) {
    return std::vector<double>(v.begin(), v.end());
  };
  const ProblemView<float> view{p.n, p.m, P.data(), q.data(), A.data(), l.data(), u.data()};
  Workbench s({p.n, p.m, wide(P), wide(q), wide(A), wide(l), wide(u), {}});
  std::mt19937_64 engine(10);
  const auto x = test::normals(9, engine), y = test::normals(std::size_t(p.m), engine);
  const Residuals in_double = residuals_of(s, x, y, *this);
  Residuals r;
  run([&](const auto& team) {
    kkt_products(team, view, false, false, x.data(), y.data(), s.work.products, s.work.t);
    keep(team, residuals(team, view, x.data(), y.data(), s.work.products), r);
  });
  EXPECT_NEAR(r.dual, in_double.dual, 1e-12);
  EXPECT_NEAR(r.primal, in_double.primal, 1e-12);
}

TEST(ResidualsOf, DoesNotDependOnTheTeam) {
  test::expect_team_independent(
      [](const auto& run) {
        const auto known = test::random_known({.n = 9}, 11);
        Workbench s(known.problem);
        const Residuals r = residuals_of(s, known.x, known.y, run);
        return std::vector<double>{r.primal, r.dual, r.gap, r.gap_scale, r.objective};
      },
      1e-12);
}

}  // namespace
}  // namespace bpqp::core
