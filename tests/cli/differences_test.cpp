#include "cli/differences.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace bpqp::cli {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();

// What differences of a function with derivative 1 give: an error of curvature h^2 and noise / h.
std::vector<Quotient> quotients(double curvature, double noise, bool same = true) {
  std::vector<Quotient> result;
  double sign = 1;
  for (const double h : {1e-4, 1e-5, 1e-6, 1e-3, 1e-7}) {
    result.push_back({h, 1 + curvature * h * h + sign * noise / h, same});
    sign = -sign;
  }
  return result;
}

TEST(Estimate, BelievesSmallStepsOfACurvedFunction) {
  EXPECT_NEAR(estimate(quotients(1e6, 1e-16)).value, 1, 1e-6);
}

TEST(Estimate, BelievesLargeStepsWhereSolvesAreNoisy) {
  EXPECT_NEAR(estimate(quotients(1, 1e-10)).value, 1, 1e-5);
}

TEST(Estimate, LeavesOutStepsWithAnotherActiveSet) {
  auto steps = quotients(0, 0);
  steps[3] = {1e-3, 5, false};
  EXPECT_EQ(estimate(steps).value, 1);
  EXPECT_EQ(estimate(steps).difference, 0);
}

TEST(Estimate, TakesTheSmallestStepAsTheLastResort) {
  EXPECT_EQ(estimate({{1e-4, 3, false}, {1e-5, 2, false}}).value, 2);
  EXPECT_EQ(estimate({{1e-4, 3, true}, {1e-5, 2, false}}).value, 3);
  EXPECT_TRUE(std::isinf(estimate({{1e-4, 3, true}}).difference));
}

TEST(Estimate, IsNaNWithoutADifference) {
  EXPECT_TRUE(std::isnan(estimate({}).value));
  EXPECT_TRUE(std::isnan(estimate({{1e-4, kNaN, false}}).value));
  EXPECT_EQ(estimate({{1e-4, 3, true}, {1e-5, kNaN, false}}).value, 3);
}

// minimise 1/2 p x^2 + q x  subject to  x <= u: x = -q/p or u.
TEST(DifferenceQuotients, MeasureTheDerivative) {
  io::ProblemFile p;
  p.shape = {1, 1, {}};
  p.P = {2};
  p.A = {4};
  p.l = {-kInfinity};
  for (const bool active : {false, true}) {
    p.q = {-3};
    p.u = {active ? 2.0 : 20.0};
    const DifferenceQuotients quotient(p, {});
    ASSERT_TRUE(quotient.is_solved());
    EXPECT_NEAR(quotient.x()[0], active ? 0.5 : 1.5, 1e-9);
    const Directions directions(p, quotient.x(), quotient.y(), 1);
    const auto measured = quotient.measure(directions, 8, {1});
    for (int k = 0; k < 8; ++k) {
      const auto d = directions.make(k);
      const double expected = active ? d.u[0] / 4 - 2 * d.A[0] / 16 : -d.q[0] / 2 - 3 * d.P[0] / 4;
      EXPECT_NEAR(measured[std::size_t(k)], expected, 1e-7 * std::fabs(expected) + 1e-12) << k;
    }
  }
}

TEST(DifferenceQuotients, AreNotTakenWithoutASolution) {
  io::ProblemFile p;
  p.shape = {1, 1, {}};
  p.P = {1};
  p.q = {0};
  p.A = {1};
  p.l = {2};
  p.u = {1};
  EXPECT_FALSE(DifferenceQuotients(p, {}).is_solved());
}

}  // namespace
}  // namespace bpqp::cli
