#include "api/cones.hpp"

namespace bpqp::test {
namespace {

TEST(ConesLarge, ABallOf500VariablesHasItsClosedForm) {
  expect_ball(500, 3, 1);
}

TEST(ConesLarge, GradientOfABallOf500VariablesWithRowsIsItsCentralDifference) {
  expect_differences(ball_problem(500, 250, 2, 3), 3, 1e-6, false);
}

}  // namespace
}  // namespace bpqp::test
