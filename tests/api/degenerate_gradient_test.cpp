// Gradients where the solution is not differentiable: finite, flagged, of a sensible size, and a
// defined element (docs/math.md section 8): least norm where the solution is not unique.
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "support/batch.hpp"

namespace bpqp::test {
namespace {

constexpr double kFar = 1e30;

struct Answer {
  Report report;
  Answers<double> solution;
  Gradients<double> gradient;
};

Answer differentiate(const DenseProblem& p, const std::vector<double>& g) {
  const Batch<double> batch(p);
  Solver<double> solver(batch.shape, 1);
  Answer a{{}, Answers<double>(batch.shape, 1), Gradients<double>(batch.shape, 1)};
  solver.solve(batch.view(), a.solution.view());
  solver.backward({{g.data(), p.n, 0}, {}}, a.gradient.view());
  a.report = a.solution.report[0];
  return a;
}

double largest(const Gradients<double>& g) {
  double most = 0;
  for (const auto* v : {&g.P, &g.q, &g.A, &g.l, &g.u})
    for (double e : *v) most = std::fmax(most, std::isfinite(e) ? std::fabs(e) : INFINITY);
  return most;
}

/// x1 + x2 >= 1 at equal cost: every point of the segment is a solution, and of all changes of x
/// with db = 1 the shortest is (1/2, 1/2).
TEST(DegenerateGradient, OfASegmentOfSolutionsIsOfLeastNorm) {
  const DenseProblem p{2, 3, {}, {1, 1}, {1, 1, 1, 0, 0, 1}, {1, 0, 0}, {kFar, 5, 5}, {}};
  const Answer a = differentiate(p, {1, 0});
  ASSERT_EQ(a.report.status, Status::solved);
  EXPECT_FALSE(a.report.differentiable);
  ASSERT_GT(a.solution.x[0], 1e-3);  // inside the segment, where the interior point method ends
  ASSERT_GT(a.solution.x[1], 1e-3);
  EXPECT_NEAR(a.gradient.l[0], 0.5, 1e-9);
  EXPECT_NEAR(a.gradient.q[0], 0, 1e-9);
  EXPECT_NEAR(a.gradient.q[1], 0, 1e-9);
}

/// P = diag(1, 0, 0) and no cost on x2, x3: only dq_1 is determined, the rest is zero.
TEST(DegenerateGradient, IsZeroWhereNothingHoldsTheSolution) {
  const DenseProblem p{
      3, 2, {1, 0, 0, 0, 0, 0, 0, 0, 0}, {-1, 0, 0}, {0, 1, 0, 0, 0, 1}, {-1, -1}, {1, 1}, {}};
  const Answer a = differentiate(p, {1, 1, 1});
  ASSERT_EQ(a.report.status, Status::solved);
  EXPECT_FALSE(a.report.differentiable);
  EXPECT_NEAR(a.gradient.q[0], -1, 1e-9);
  EXPECT_NEAR(a.gradient.q[1], 0, 1e-9);
  EXPECT_NEAR(a.gradient.q[2], 0, 1e-9);
}

TEST(DegenerateGradient, OfAVertexIsZeroInTheCost) {
  const DenseProblem p{2, 3, {}, {-2, -1}, {1, 1, 1, 0, 0, 1}, {-kFar, 0, 0}, {3, 2, 2}, {}};
  const Answer a = differentiate(p, {1, 1});
  ASSERT_EQ(a.report.status, Status::solved);
  EXPECT_TRUE(a.report.differentiable);
  EXPECT_NEAR(a.gradient.q[0], 0, 1e-12);
  EXPECT_NEAR(a.gradient.q[1], 0, 1e-12);
  EXPECT_NEAR(a.gradient.u[0], 1, 1e-12);  // x = (2, 1): x2 = u1 - u2
  EXPECT_NEAR(a.gradient.u[1], 0, 1e-12);
  EXPECT_NEAR(a.gradient.A[0], -2, 1e-12);
}

/// The same row twice: one of the two carries the derivative, or both share it.
TEST(DegenerateGradient, OfARowThatIsThereTwiceIsThatOfTheRow) {
  const DenseProblem once{2, 1, {1, 0, 0, 1}, {0, 0}, {1, 2}, {5}, {kFar}, {}};
  const DenseProblem twice{2, 2, {1, 0, 0, 1}, {0, 0}, {1, 2, 1, 2}, {5, 5}, {kFar, kFar}, {}};
  const Answer a = differentiate(once, {1, 1}), b = differentiate(twice, {1, 1});
  EXPECT_TRUE(a.report.differentiable);
  EXPECT_FALSE(b.report.differentiable);
  EXPECT_NEAR(a.gradient.l[0], b.gradient.l[0] + b.gradient.l[1], 1e-9);
  for (std::size_t j = 0; j < 2; ++j) EXPECT_NEAR(a.gradient.q[j], b.gradient.q[j], 1e-9);
}

/// Small integers make ties: vertices with too many rows, edges and faces of solutions, P of any
/// rank. No gradient may exceed what integers this small can give; a differentiable one is at most
/// an inverse of a 5 x 5 block, far below the limit.
TEST(DegenerateGradient, OfIntegerProblemsIsFiniteAndOfASensibleSize) {
  constexpr int kProblems = 3000;
  constexpr double kMost = 200;
  const unsigned seed = 7;
  std::mt19937 engine(seed);
  const auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(engine);
  };
  int flagged = 0, solved = 0;
  for (int k = 0; k < kProblems; ++k) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", problem " + std::to_string(k));
    const int n = pick(2, 5), m = n + pick(1, 5), rank = pick(0, n - 1);
    const std::size_t N = std::size_t(n);
    DenseProblem p{n, m, {}, {}, {}, {}, {}, {}};
    if (rank > 0) {
      p.P.assign(N * N, 0);
      for (int r = 0; r < rank; ++r) {
        std::vector<double> v(N);
        for (double& e : v) e = pick(-1, 1);
        for (std::size_t i = 0; i < N; ++i)
          for (std::size_t j = 0; j < N; ++j) p.P[i * N + j] += v[i] * v[j];
      }
    }
    for (int j = 0; j < n; ++j) p.q.push_back(pick(-2, 2));
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) p.A.push_back(i < n ? double(i == j) : double(pick(-1, 1)));
      p.l.push_back(i < n ? -2 : -kFar);
      p.u.push_back(i < n ? 2 : pick(0, 3));
    }
    std::vector<double> g(N);
    for (double& e : g) e = pick(-2, 2);
    const Answer a = differentiate(p, g);
    ASSERT_EQ(a.report.status, Status::solved);  // x = 0 is feasible, and x is bounded
    ++solved;
    flagged += !a.report.differentiable;
    ASSERT_LE(largest(a.gradient), kMost) << "differentiable: " << a.report.differentiable;
  }
  EXPECT_GT(flagged, kProblems / 10);
  EXPECT_LT(flagged, solved);
}

}  // namespace
}  // namespace bpqp::test
