// Small problems that once got a wrong answer: falsely infeasible or unbounded, falsely
// differentiable, endless, or another problem's. Most come from random integers or 2 x 2 matrices.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/oracle.hpp"
#include "support/random_cones.hpp"

namespace bpqp::test {
namespace {

constexpr double kFar = 1e30;

void expect_solution(const DenseProblem& p, const std::vector<double>& x, double near = 1e-9) {
  for (Method method : {Method::automatic, Method::admm, Method::interior_point}) {
    SCOPED_TRACE(to_string(method));
    const auto a = solve(Batch<double>(p), {.method = method});
    if (method == Method::admm && a.report[0].status > Status::solved &&
        a.report[0].status <= Status::numerical_error)
      continue;  // ADMM alone may give up, but not claim what is wrong
    ASSERT_EQ(a.report[0].status, Status::solved) << to_string(a.report[0].status);
    EXPECT_LE(double(kkt_errors(p, a.x_of(0), a.y_of(0)).worst()), 2e-6);
    for (std::size_t j = 0; j < x.size(); ++j) EXPECT_NEAR(a.x[j], x[j], near) << j;
  }
}

TEST(Regression, AnEqualityThatAnotherRowRepeatsIsFeasible) {
  expect_solution({1, 3, {}, {-3}, {3, -1, 1}, {-9, 3, -kFar}, {-9, 3, -1}, {}}, {-3});
}

TEST(Regression, AnEqualityThatFollowsFromTheOthersIsFeasible) {
  expect_solution(
      {2, 4, {}, {3, -3}, {2, 2, 0, 1, 2, 1, -2, 0}, {10, 1, 7, -6}, {10, 3, 7, -2}, {}}, {2, 3});
}

TEST(Regression, ThreeEqualitiesAndTheirCombinationAreFeasible) {
  expect_solution(
      {4,
       8,
       {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1},
       {-2, -1, -3, -2},
       {0, 2, 3,  -1, 0, -2, 2, -3, 3,  1, 0,  0, 1, 0,  1, 0,
        3, 2, -1, 0,  1, -3, 2, 0,  -1, 0, -3, 2, 2, -3, 1, 0},
       {-8, -12, 10, -kFar, 14, -6, 6, 0},
       {-7, kFar, 10, 0, 14, -6, 10, 0},
       {}},
      {3, 1, -3, 1});
}

/// More active rows than variables, or rows within the span of others: solved, but no derivative.
void expect_flagged(const DenseProblem& p) {
  const Batch<double> batch(p);
  Solver<double> solver(batch.shape, 1);
  Answers<double> a(batch.shape, 1);
  solver.solve(batch.view(), a.view());
  EXPECT_EQ(a.report[0].status, Status::solved) << to_string(a.report[0].status);
  EXPECT_FALSE(a.report[0].differentiable);
  const std::vector<double> ones(std::size_t(p.n), 1);
  Gradients<double> g(batch.shape, 1);
  solver.backward({{ones.data(), p.n, 0}, {}}, g.view());
  for (const auto* v : {&g.P, &g.q, &g.A, &g.l, &g.u})
    for (double e : *v) EXPECT_TRUE(std::isfinite(e));
}

TEST(Regression, TwoEqualitiesAndAnActiveSideInThePlaneAreDependent) {
  expect_flagged(
      {2,
       4,
       {0.33883261432436146, -0.15347390191988164, -0.15347390191988164, 1.277674487065091},
       {-2.2277909971080754, 5.119481790412641},
       {-0.5262514917279255, 0.9612075400285107, -0.6772307420236261, 0.4730445020817118,
        -0.7019409622181121, 1.2840994304340363, -0.26799330491984225, 0.9406579808109474},
       {-1.8147841772499873, -kFar, -2.42351127544748, -1.7767638046356673},
       {-1.8147841772499873, -1.238639174148773, -2.42351127544748, -1.3130342193473568},
       {}});
}

TEST(Regression, AnEqualityAndTwoSidesAHairApartAreDependent) {
  expect_flagged(
      {2,
       4,
       {84.03590484975608, 15.421185145349746, 15.421185145349746, 3.0279405327298874},
       {24.770877162651278, -0.11360738527702653},
       {-1.675330992740686, -0.9638023406771008, -1.4055999240544925, 0.27757161814405373,
        -0.6750402577520247, 1.7849243052361885, 0.5073791344669358, 0.2822559071675492},
       {0.6944159811692169, 1.2421855734111698, 1.2248298419518948, -0.21615640985755696},
       {1.6944159811692168, 1.2421855755383102, 1.8222677718450355, -0.21615640985755696},
       {}});
}

TEST(Regression, ThreeEqualitiesInSpaceWithASideAreDependent) {
  expect_flagged(
      {3,
       4,
       {0.001222154088866091, 0.0009192940601373439, -0.0008776314558342148, 0.0009192940601373439,
        0.0006979817733824971, -0.0007391092433737524, -0.0008776314558342148,
        -0.0007391092433737524, 0.0016324258723634788},
       {-0.002022541525825718, -0.0018362730552367148, -0.0015428202427627033},
       {1.6431990782366754, 0.13693311992332885, 0.23990693994439719, -0.9997160929996267,
        0.3771172166226813, 1.8848725383422023, 0.7141109951416228, -1.1336885443761473,
        0.19459379051733444, 1.2912239280199787, 1.1955055968976047, 0.10403979964234629},
       {1.7470936403690358, -kFar, 0.31099662162453745, 1.780261776314706},
       {1.7470936403690358, 0.38904213947188526, 0.31099662162453745, 1.780261776314706},
       {}});
}

/// The third row is the difference of the first two: fewer rows than variables do not make them
/// independent.
TEST(Regression, ARowInTheSpanOfOthersIsDependent) {
  expect_flagged(
      {3,
       3,
       {2.2758, 0.09039999999999995, 0.7729, 0.09039999999999995, 2.7965, -1.5826000000000002,
        0.7729, -1.5826000000000002, 1.3441000000000003},
       {3.530820239989182, 1.082992846805832, 0.15113737194307614},
       {-0.663, -0.021, 0.322, -0.664, -0.022, 0.321, 0.003, 0.003, 0.003},
       {1.35164, 1.35231, -0.0020099999999999996},
       {1.35164, 1.35231, -0.0020099999999999996},
       {}});
}

/// x = -q/3 without the row, which it meets exactly.
TEST(Regression, ARowMetWithoutAMultiplierIsWeaklyActive) {
  const DenseProblem p{2,         1,       {3, 0, 0, 3},          {2.7, -1.7999999999999998},
                       {-0.1, 0}, {-kFar}, {0.09000000000000001}, {}};
  const auto a = solve(Batch<double>(p));
  EXPECT_EQ(a.report[0].status, Status::solved);
  EXPECT_FALSE(a.report[0].differentiable);
}

/// An interval's flat cost of any size is bounded; d = -1/q is no certificate however small.
TEST(Regression, ALargeCostDoesNotMakeAnIntervalUnbounded) {
  for (double q : {1e6, 1e7, 2e8, 1e9, 1e10}) {
    SCOPED_TRACE(q);
    for (const std::vector<double>& P : {std::vector<double>{}, std::vector<double>{0}})
      expect_solution({1, 1, P, {q}, {1}, {1}, {3}, {}}, {1}, 1e-6);
    expect_solution(
        {2, 2, {1, 1, 1, 1}, {q, -q}, {1, 0, 0, 1}, {-1, -1}, {1, 1}, {}}, {-1, 1}, 1e-6);
  }
}

/// 0 <= 0 + eps_rel * 0: a residual of zero is small enough whatever the tolerance.
TEST(Regression, ToleranceWithoutAnAbsolutePartCanBeMet) {
  const Settings relative{.eps_abs = 0, .eps_rel = 1e-6, .time_limit = 5};
  for (bool polish : {true, false}) {
    SCOPED_TRACE(polish ? "polish" : "no polish");
    Settings s = relative;
    s.polish = polish;
    const auto no_rows = solve(Batch<double>({1, 0, {1}, {-1}, {}, {}, {}, {}}), s);
    EXPECT_EQ(no_rows.report[0].status, Status::solved);
    EXPECT_NEAR(no_rows.x[0], 1, 1e-6);
    const auto at_zero = solve(Batch<double>({1, 1, {1}, {0}, {1}, {-kFar}, {1}, {}}), s);
    EXPECT_EQ(at_zero.report[0].status, Status::solved);
    EXPECT_NEAR(at_zero.x[0], 0, 1e-6);
  }
}

/// The factors alone reach 1e-16; a tolerance beneath that must not keep ADMM going without rows.
TEST(Regression, WithoutRowsAndPolishItEnds) {
  for (double eps : {1e-6, 1e-18}) {
    SCOPED_TRACE(eps);
    const auto a = solve(
        Batch<double>({2, 0, {3, 1, 1, 7}, {-1, 0.3}, {}, {}, {}, {}}),
        {.eps_abs = 0, .eps_rel = eps, .time_limit = 20, .polish = false});
    EXPECT_LT(a.report[0].seconds, 10);
    EXPECT_NEAR(a.x[0], 0.365, 1e-9);  // (7 + 0.3)/20
  }
}

/// The second problem overflows. Whatever it gets, it is not the first one's x.
TEST(Regression, AProblemThatOverflowsGetsNothingFromItsNeighbour) {
  std::vector<double> x_of_second;
  for (double first : {3.25, -8.5}) {
    const std::vector<double> P{1, 8e307}, q{-first, 1.5e308}, start{0, 1};
    Solver<double> solver({1, 0}, 2, {.threads = 1});
    const auto view =
        contiguous<double>(solver.shape(), 2, P.data(), q.data(), nullptr, nullptr, nullptr);
    std::vector<double> x(2);
    Report report[2];
    solver.warm_start(2, {start.data(), 1, 1}, {});
    solver.solve(view, {x.data(), nullptr, nullptr, report});
    EXPECT_EQ(report[0].status, Status::solved);
    EXPECT_NEAR(x[0], first, 1e-12);
    EXPECT_NE(x[1], x[0]);
    x_of_second.push_back(x[1]);
  }
  EXPECT_TRUE(same_bits(&x_of_second[0], &x_of_second[1], 1));
}

/// Sides at 1e30 are absent, for points beyond them too.
TEST(Regression, AnAbsentSideIsNotViolatedBeyondItsMagnitude) {
  for (double far : {1e30, 1e31, HUGE_VAL})
    for (double sign : {1.0, -1.0}) {
      SCOPED_TRACE(sign * far);
      const DenseProblem p{1, 1, {1}, {-sign * 1e31}, {1}, {-far}, {far}, {}};
      const auto a = solve(Batch<double>(p));
      EXPECT_EQ(a.report[0].status, Status::solved) << to_string(a.report[0].status);
      EXPECT_EQ(a.report[0].primal_residual, 0);
      EXPECT_NEAR(a.x[0], sign * 1e31, 1e18);
    }
}

/// Bounded, but with a direction of 1e16 along which everything vanishes up to rounding, q'd too.
TEST(Regression, ARayOfRoundingProvesNothing) {
  const DenseProblem p{
      4,
      2,
      {},
      {-0.45029267188903577, -0.37138129607711207, -0.3001546045645972, 0.2731039568154993},
      {2.0710743495583834, 0.7040778625808192, 2.06979641970191, -1.1192681857486537,
       -20.75268601821675, 1.1825097965109233, -26.394833354625828, 10.092630038745265},
      {-kFar, -kFar},
      {-1.8462352990305035, 23.664236332531527},
      {}};
  for (Method method : {Method::automatic, Method::interior_point})
    EXPECT_EQ(solve(Batch<double>(p), {.method = method}).report[0].status, Status::solved);
}

/// Directions that the system does not see must not be scaled up from their rounding.
TEST(Regression, ConesAndAFreeVariableAreFoundUnboundedOrInfeasible) {
  const DenseProblem unbounded{
      2, 3, {}, {-3, -3}, {0, 0, 0, 0, 1, 3}, {-1, -kFar, -kFar}, {kFar, 2, -1}, {2}};
  const DenseProblem infeasible{
      1,
      9,
      {},
      {2},
      {2, 0, 0, 0, 0, 0, 0, 0, -3},
      {-4, -1, -kFar, -kFar, -kFar, -kFar, -kFar, -kFar, -kFar},
      {-4, kFar, 2, 4, 1, 2, 3, -3, 7},
      {3, 3}};
  EXPECT_EQ(solve(Batch<double>(unbounded)).report[0].status, Status::dual_infeasible);
  EXPECT_EQ(solve(Batch<double>(infeasible)).report[0].status, Status::primal_infeasible);
}

/// P = 0 and a cone whose rows' tails are all parallel: no curvature, but rounding of some.
TEST(Regression, AConeWithoutCurvatureHasNone) {
  const DenseProblem p{1, 3, {}, {-3}, {1, 1, -2}, {-kFar, -kFar, -kFar}, {3, -1, 2}, {3}};
  const Batch<double> batch(p);
  for (BackwardMethod backward : {BackwardMethod::direct, BackwardMethod::admm}) {
    Solver<double> solver(batch.shape, 1, {.backward_method = backward});
    solver.solve(batch.view(), {});
    const double gx = 0.7, gy[] = {1, 2, 3};
    Gradients<double> both(batch.shape, 1), one(batch.shape, 1), other(batch.shape, 1);
    solver.backward({{&gx, 1, 0}, {gy, 3, 0}}, both.view());
    EXPECT_LT(solver.reports()[0].backward_residual, 1e-9);
    solver.backward({{&gx, 1, 0}, {}}, one.view());
    solver.backward({{}, {gy, 3, 0}}, other.view());
    EXPECT_NEAR(both.q[0], one.q[0] + other.q[0], 1e-9);
  }
}

/// The cone's slack is (1, 6 - 3 x, -1): x = 2 is all there is, and its multiplier is not attained.
TEST(Regression, AConeWithoutInteriorIsNotDifferentiable) {
  const DenseProblem p{1, 3, {}, {2}, {0, 3, 0}, {-kFar, -kFar, -kFar}, {1, 6, -1}, {3}};
  const auto a = solve(Batch<double>(p));
  EXPECT_FALSE(a.report[0].differentiable);
}

/// q = 0, and the solution 0 lies on a side: the multiplier is rounding of nothing.
TEST(Regression, AMultiplierOfRoundingIsNoMultiplier) {
  const DenseProblem p{2, 1, {6, -5, -5, 6}, {0, 0}, {1, 0}, {0}, {1}, {}};
  for (Method method : {Method::automatic, Method::admm, Method::interior_point})
    EXPECT_FALSE(solve(Batch<double>(p), {.method = method}).report[0].differentiable);
}

/// The factors of a problem with cones end as its point's, and are of no use to the next solve.
TEST(Regression, ConesByAdmmSolveAgainWithNewVectors) {
  for (std::uint64_t seed : {4, 5, 9, 11, 12}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Batch<double> batch(random_cones({.places = {ConePlace::boundary}}, seed).problem);
    Solver<double> solver(batch.shape, 1, {.method = Method::admm});
    Answers<double> first(batch.shape, 1), again(batch.shape, 1);
    solver.solve(batch.view(), first.view());
    solver.solve(batch.view(), again.view(), Changed::vectors);
    EXPECT_TRUE(same_bits(first.x, again.x));
    EXPECT_EQ(first.report[0].iterations, again.report[0].iterations);
  }
}

}  // namespace
}  // namespace bpqp::test
