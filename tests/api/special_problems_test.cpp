// Shapes and structures at the edge of what a problem may be; judged by the oracle.
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/oracle.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

/// Solves, and expects relative residuals of at most eps = 1e-6 (the default).
Answers<double> expect_solved(const DenseProblem& p, const Settings& settings = {}) {
  auto a = solve(Batch<double>(p), settings);
  EXPECT_EQ(a.report[0].status, Status::solved) << to_string(a.report[0].status);
  EXPECT_LE(double(kkt_errors(p, a.x_of(0), a.y_of(0)).worst()), 2e-6);
  return a;
}

TEST(SpecialProblems, WithoutRows) {
  for (int n : {1, 2, 17}) {
    const KnownProblem k = random_known({.n = n, .equalities = 0, .active = 0, .inactive = 0}, 4);
    const auto a = expect_solved(k.problem);
    for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(a.x[j], k.x[j], 1e-10);
    EXPECT_TRUE(a.report[0].differentiable);
  }
}

TEST(SpecialProblems, OneVariable) {
  // min 1/2 x^2 - 3 x, x <= 1: x = 1, y = 2.
  const auto a = expect_solved({1, 1, {1}, {-3}, {1}, {-1e30}, {1}, {}});
  EXPECT_NEAR(a.x[0], 1, 1e-12);
  EXPECT_NEAR(a.y[0], 2, 1e-12);
  EXPECT_EQ(a.active[0], 1);
}

TEST(SpecialProblems, OnlyFreeRows) {
  const double inf = std::numeric_limits<double>::infinity();
  KnownProblem k =
      random_known({.n = 5, .equalities = 0, .active = 0, .inactive = 0, .free_rows = 7}, 6);
  k.problem.l[2] = -inf;  // infinite is infinite, in either way
  k.problem.u[3] = inf;
  const auto a = expect_solved(k.problem);
  for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(a.x[j], k.x[j], 1e-10);
  EXPECT_EQ(a.y, std::vector<double>(7, 0));
  EXPECT_EQ(a.active, std::vector<std::int8_t>(7, 0));
}

TEST(SpecialProblems, ZeroRowsInA) {
  KnownProblem k = random_known({.n = 5}, 7);
  DenseProblem& p = k.problem;
  for (std::size_t j = 0; j < 5; ++j) p.A[std::size_t(p.m - 1) * 5 + j] = 0;
  p.l.back() = -1;
  p.u.back() = 1;
  const auto a = expect_solved(p);
  for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(a.x[j], k.x[j], 1e-9);
  p.l.back() = 0.5;  // 0 >= 0.5
  EXPECT_EQ(solve(Batch<double>(p)).report[0].status, Status::primal_infeasible);
}

TEST(SpecialProblems, MoreEqualitiesThanNeededButConsistent) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const KnownProblem k = random_known({.n = 8, .equalities = 3, .redundant = 2}, seed);
    const auto a = expect_solved(k.problem);
    for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(a.x[j], k.x[j], 1e-7);
  }
}

TEST(SpecialProblems, DegenerateOnesAreSolvedAndNotCalledDifferentiable) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.n = 8;
    (seed % 2 ? o.weakly_active : o.dependent) = 1 + int(seed) % 3;
    const KnownProblem k = random_known(o, seed);
    const auto a = expect_solved(k.problem);
    for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(a.x[j], k.x[j], 1e-6);
    if (o.weakly_active > 0) {
      EXPECT_FALSE(a.report[0].differentiable);
    }
  }
}

TEST(SpecialProblems, BadlyScaled) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.n = 10;
    o.row_spread = o.column_spread = 2;  // 8 orders of magnitude within A
    const auto a = expect_solved(random_known(o, seed).problem);
    EXPECT_TRUE(a.report[0].verified);
  }
}

TEST(SpecialProblems, SingularP) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.n = 10;
    o.active = 5;
    o.rank_P = 4;  // 4 + 2 equalities + 5 active > 10: the solution is unique
    const KnownProblem k = random_known(o, seed);
    const auto a = expect_solved(k.problem);
    for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(a.x[j], k.x[j], 1e-5);
  }
}

TEST(SpecialProblems, LinearProgramsAtAVertex) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.n = 8;
    o.equalities = 3;
    o.active = 5;
    o.rank_P = 0;
    const KnownProblem k = random_known(o, seed);
    auto batch = Batch<double>(k.problem);
    Problem<double> lp = batch.view();
    lp.P = {};  // null: a linear program
    Solver<double> solver(batch.shape, 1);
    Answers<double> a(batch.shape, 1);
    solver.solve(lp, a.view());
    ASSERT_EQ(a.report[0].status, Status::solved) << to_string(a.report[0].status);
    for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(a.x[j], k.x[j], 1e-5);
    const auto zeros = solve(batch);  // P = 0 given as zeros
    ASSERT_EQ(zeros.report[0].status, Status::solved);
    for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(zeros.x[j], k.x[j], 1e-5);
  }
}

TEST(SpecialProblems, AsymmetricPCountsByItsSymmetricPart) {
  const KnownProblem k = random_known({.n = 6}, 9);
  DenseProblem p = k.problem;
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < i; ++j) p.P[i * 6 + j] += 0.25, p.P[j * 6 + i] -= 0.25;
  const auto a = solve(Batch<double>(p)), b = solve(Batch<double>(k.problem));
  ASSERT_EQ(a.report[0].status, Status::solved);
  for (std::size_t j = 0; j < 6; ++j) EXPECT_NEAR(a.x[j], b.x[j], 1e-9);
}

TEST(SpecialProblems, AFixedPointByEqualities) {
  // As many equalities as variables: x is theirs, y what q needs.
  const KnownProblem k = random_known({.n = 6, .equalities = 6, .active = 0, .inactive = 4}, 10);
  const auto a = expect_solved(k.problem);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(a.x[i], k.x[i], 1e-9);
}

TEST(SpecialProblems, SidesAsLargeAs1e15AreNotInfinite) {
  const DenseProblem p{1, 2, {1}, {-3}, {1, 1}, {-1e15, -1e30}, {1e15, 2}, {}};
  const auto a = expect_solved(p);
  EXPECT_NEAR(a.x[0], 2, 1e-9);
}

}  // namespace
}  // namespace bpqp::test
