#include "cli/directions.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace bpqp::cli {
namespace {

// P = diag(4, 1e-6, 0); rows: x0 + x1 = 1, twice that, x2 <= 3, -1 <= x0.
io::ProblemFile make_problem() {
  io::ProblemFile p;
  p.shape = {3, 4, {}};
  p.P = {4, 0, 0, 0, 1e-6, 0, 0, 0, 0};
  p.q = {0, 2, 0};
  p.A = {1, 1, 0, 2, 2, 0, 0, 0, 1, 1, 0, 0};
  p.l = {1, 2, -kInfinity, -1};
  p.u = {1, 2, 3, kInfinity};
  return p;
}

class MovedProblem : public testing::TestWithParam<int> {
 protected:
  io::ProblemFile problem_ = make_problem();
  Direction direction_ = Directions(problem_, {0.5, 0.5, 0}, {1, 0, 0, 0}, 7).make(GetParam());
};

TEST_P(MovedProblem, KeepsTheNullSpaceOfPAndMovesWithItsSize) {
  const auto& E = direction_.P;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(E[i * 3 + 2], 0);
    for (int j = 0; j < 3; ++j) EXPECT_EQ(E[i * 3 + j], E[j * 3 + i]);
  }
  EXPECT_NE(E[0], 0);
  EXPECT_NE(E[4], 0);
  EXPECT_LT(std::fabs(E[4]), 1e-5) << "units do not matter";
}

TEST_P(MovedProblem, KeepsDependentEqualitiesConsistent) {
  for (int j = 0; j < 3; ++j) {
    EXPECT_NEAR(direction_.A[3 + j], 2 * direction_.A[j], 1e-14);
  }
  EXPECT_NEAR(direction_.u[1], 2 * direction_.u[0], 1e-14);
  EXPECT_NE(direction_.u[0], 0);
  EXPECT_EQ(direction_.l[0], direction_.u[0]) << "both sides of an equality together";
  EXPECT_EQ(direction_.l[1], direction_.u[1]);
}

TEST_P(MovedProblem, KeepsInfiniteSidesAndMovesTheOthers) {
  EXPECT_EQ(direction_.l[2], 0);
  EXPECT_EQ(direction_.u[3], 0);
  EXPECT_NE(direction_.u[2], 0);
  EXPECT_NE(direction_.l[3], 0);
  for (int j = 0; j < 3; ++j) EXPECT_NE(direction_.q[j], 0);
  for (int j = 6; j < 12; ++j) EXPECT_NE(direction_.A[j], 0) << "entries that are 0 move too";
}

INSTANTIATE_TEST_SUITE_P(Directions, MovedProblem, testing::Range(0, 5));

TEST(Directions, LeaveALinearProgramLinear) {
  auto problem = make_problem();
  problem.P.assign(9, 0.0);
  const auto direction = Directions(problem, {0, 0, 0}, {0, 0, 0, 0}, 1).make(0);
  EXPECT_EQ(direction.P, std::vector<double>(9, 0.0));
}

TEST(Directions, DependOnSeedAndNumber) {
  const auto problem = make_problem();
  const Directions one(problem, {1, 0, 0}, {0, 0, 0, 0}, 1),
      two(problem, {1, 0, 0}, {0, 0, 0, 0}, 2);
  EXPECT_EQ(one.make(3).A, one.make(3).A);
  EXPECT_NE(one.make(3).q, one.make(4).q);
  EXPECT_NE(one.make(3).q, two.make(3).q);
}

}  // namespace
}  // namespace bpqp::cli
