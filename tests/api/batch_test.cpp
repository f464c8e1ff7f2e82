// Promises 3 and 5: what a problem gives depends on nothing but the problem.
#include "support/batch.hpp"

#include <numeric>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "support/random_problems.hpp"
#include "support/same_problem.hpp"

namespace bpqp::test {
namespace {

constexpr int kM = 15;
/// Variables of the problems, which the fixture sets: with 9 they go one by one (more than 3/2 n
/// rows), with 10 in packs.
int g_n = 0;

class Batches : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { g_n = GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(
    Of, Batches, testing::Values(9, 10), [](const testing::TestParamInfo<int>& of) {
      return std::to_string(of.param) + "Variables";
    });

/// Good problems of one shape, differently conditioned, some degenerate.
std::vector<DenseProblem> good_problems(int count, std::uint64_t seed) {
  std::vector<DenseProblem> problems;
  for (int b = 0; b < count; ++b) {
    KnownOptions o;
    o.n = g_n;
    o.weakly_active = b % 5 == 4 ? 1 : 0;
    o.dependent = b % 7 == 6 ? 1 : 0;
    o.inactive = 10 - o.weakly_active - o.dependent;
    o.row_spread = b % 3;
    problems.push_back(random_known(o, seed + std::uint64_t(b)).problem);
  }
  return problems;
}

/// One of every kind of trouble, of the same shape.
std::vector<DenseProblem> bad_problems() {
  std::vector<DenseProblem> problems{
      random_primal_infeasible(g_n, kM, 1), random_dual_infeasible(g_n, kM, 2),
      random_non_convex(g_n, kM, 3)};
  for (int kind = 0; kind < 4; ++kind) {
    DenseProblem p = good_problems(1, 50)[0];
    if (kind == 0) p.P[5] = std::nan("");
    if (kind == 1) p.q[1] = std::nan("");
    if (kind == 2) p.l[3] = p.u[3] + 1;
    if (kind == 3) p.A[7] = HUGE_VAL;
    problems.push_back(p);
  }
  return problems;
}

/// Everything that solve and backward give for a batch.
struct Outcome {
  Answers<double> answers;
  Gradients<double> gradients;
};

std::vector<double> weights(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  return normals(count, engine);
}

/// The loss's gradient is the same for every problem, whatever its place.
Outcome run(const std::vector<DenseProblem>& problems, int threads, int capacity = 0) {
  const Batch<double> batch(problems);
  Settings settings;
  settings.threads = threads;
  Solver<double> solver(batch.shape, capacity ? capacity : batch.batch, settings);
  Outcome out{{batch.shape, batch.batch}, {batch.shape, batch.batch}};
  solver.solve(batch.view(), out.answers.view());
  const auto gx = weights(g_n, 1), gy = weights(kM, 2);
  solver.backward({{gx.data(), g_n, 0}, {gy.data(), kM, 0}}, out.gradients.view());
  return out;
}

/// Problem a of one outcome has the bits of problem b of another.
testing::AssertionResult same(const Outcome& first, int a, const Outcome& second, int b) {
  return same_problem(first.answers, first.gradients, a, second.answers, second.gradients, b);
}

TEST_P(Batches, EqualsALoopOfSinglesBitByBit) {
  const auto problems = good_problems(40, 100);
  const Outcome together = run(problems, 2);
  for (int b = 0; b < 40; ++b)
    EXPECT_TRUE(same(together, b, run({problems[std::size_t(b)]}, 1), 0)) << "problem " << b;
}

TEST_P(Batches, DoesNotDependOnThreadsCapacityOrRepetition) {
  const auto problems = good_problems(40, 200);
  const Outcome one = run(problems, 1);
  for (const Outcome& other :
       {run(problems, 2), run(problems, 4), run(problems, 1, 64), run(problems, 1)})
    for (int b = 0; b < 40; ++b) EXPECT_TRUE(same(one, b, other, b)) << "problem " << b;
}

TEST_P(Batches, DoesNotDependOnTheOrder) {
  const auto problems = good_problems(40, 300);
  std::vector<int> order(40);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(3));
  std::vector<DenseProblem> shuffled;
  for (int b : order) shuffled.push_back(problems[std::size_t(b)]);
  const Outcome straight = run(problems, 2), mixed = run(shuffled, 2);
  for (int b = 0; b < 40; ++b)
    EXPECT_TRUE(same(mixed, b, straight, order[std::size_t(b)])) << "problem " << b;
}

TEST_P(Batches, BadNeighboursChangeNoBit) {
  const auto good = good_problems(21, 400);
  const auto bad = bad_problems();
  std::vector<DenseProblem> mixed;
  for (std::size_t b = 0; b < good.size(); ++b) {
    mixed.push_back(good[b]);
    mixed.push_back(bad[b % bad.size()]);
  }
  const Outcome alone = run(good, 1), between = run(mixed, 2);
  for (int b = 0; b < int(good.size()); ++b) {
    EXPECT_TRUE(same(alone, b, between, 2 * b)) << "problem " << b;
    EXPECT_GT(between.answers.report[std::size_t(2 * b + 1)].status, Status::numerical_error);
    for (int j = 0; j < g_n; ++j)
      EXPECT_EQ(between.gradients.q[std::size_t((2 * b + 1) * g_n + j)], 0) << "bad " << b;
  }
}

TEST_P(Batches, ReusedSolverGivesTheBitsOfAFreshOne) {
  const auto first = good_problems(12, 500), second = good_problems(7, 600);
  Batch<double> a(first), b(second);
  Solver<double> solver(a.shape, 12);
  Answers<double> ignored(a.shape, 12), answers(b.shape, 7);
  solver.solve(a.view(), ignored.view());
  solver.solve(b.view(), answers.view());
  const auto fresh = solve(b);
  EXPECT_TRUE(same_bits(answers.x, fresh.x) && same_bits(answers.y, fresh.y));
}

TEST_P(Batches, BadProblemsAddNothingToSharedGradients) {
  const auto good = good_problems(10, 700);
  auto mixed = good;
  const auto bad = bad_problems();
  mixed.insert(mixed.begin() + 4, bad.begin(), bad.end());
  const auto summed = [](const std::vector<DenseProblem>& problems) {
    const Batch<double> batch(problems);
    Solver<double> solver(batch.shape, batch.batch);
    solver.solve(batch.view(), {});
    Gradients<double> g(batch.shape, batch.batch, true);
    const auto gx = weights(g_n, 1);
    solver.backward({{gx.data(), g_n, 0}, {}}, g.view());
    return g;
  };
  const auto a = summed(good), b = summed(mixed);
  EXPECT_TRUE(same_bits(a.P, b.P) && same_bits(a.q, b.q) && same_bits(a.A, b.A));
  EXPECT_TRUE(same_bits(a.l, b.l) && same_bits(a.u, b.u));
}

TEST_P(Batches, SharedGradientsAreTheSums) {
  const auto problems = good_problems(30, 800);
  const Outcome each = run(problems, 2);
  const Batch<double> batch(problems);
  for (int threads : {1, 2}) {
    Solver<double> solver(batch.shape, batch.batch, {.threads = threads});
    solver.solve(batch.view(), {});
    Gradients<double> g(batch.shape, batch.batch, true);
    const auto gx = weights(g_n, 1), gy = weights(kM, 2);
    solver.backward({{gx.data(), g_n, 0}, {gy.data(), kM, 0}}, g.view());
    const auto expect_sum = [](const std::vector<double>& sum, const std::vector<double>& parts) {
      for (std::size_t i = 0; i < sum.size(); ++i) {
        long double total = 0, size = 0;
        for (std::size_t k = i; k < parts.size(); k += sum.size()) {
          total += parts[k];
          size += std::fabs(parts[k]);
        }
        // 30 terms in double, in whatever order.
        ASSERT_NEAR(sum[i], double(total), 30 * 2.3e-16 * double(size));
      }
    };
    expect_sum(g.P, each.gradients.P);
    expect_sum(g.q, each.gradients.q);
    expect_sum(g.A, each.gradients.A);
    expect_sum(g.l, each.gradients.l);
    expect_sum(g.u, each.gradients.u);
  }
}

/// Shares every subset of the inputs; copied ones hold the same numbers for every problem.
TEST_P(Batches, SharedInputsGiveWhatCopiesGive) {
  const int count = 6;
  const std::vector<DenseProblem> copies(count, random_known({.n = g_n}, 900).problem);
  const Batch<double> batch(copies);
  const auto copied = solve(batch);
  for (unsigned set = 1; set < 32; ++set) {
    Problem<double> p = batch.view();
    if (set & 1) p.P.stride = 0;
    if (set & 2) p.q.stride = 0;
    if (set & 4) p.A.stride = 0;
    if (set & 8) p.l.stride = 0;
    if (set & 16) p.u.stride = 0;
    Solver<double> solver(batch.shape, count);
    Answers<double> a(batch.shape, count);
    solver.solve(p, a.view());
    // Same problem, other order of operations: rounding times condition number.
    for (std::size_t i = 0; i < a.x.size(); ++i) ASSERT_NEAR(a.x[i], copied.x[i], 1e-10) << set;
    for (std::size_t i = 0; i < a.y.size(); ++i) ASSERT_NEAR(a.y[i], copied.y[i], 1e-10) << set;
    ASSERT_EQ(a.active, copied.active) << set;
  }
}

TEST_P(Batches, SharedMatricesWithTheirOwnVectors) {
  // P and A shared, q of each problem its own: the usual layer.
  auto problems = good_problems(1, 950);
  for (int b = 1; b < 20; ++b) {
    problems.push_back(problems[0]);
    problems.back().q = weights(g_n, std::uint64_t(b));
  }
  const Batch<double> batch(problems);
  Problem<double> shared = batch.view();
  shared.P.stride = shared.A.stride = shared.l.stride = shared.u.stride = 0;
  Solver<double> one(batch.shape, 20, {.threads = 1}), two(batch.shape, 20, {.threads = 2});
  Answers<double> a(batch.shape, 20), b(batch.shape, 20);
  one.solve(shared, a.view());
  two.solve(shared, b.view());
  EXPECT_TRUE(same_bits(a.x, b.x) && same_bits(a.y, b.y));
  const auto copied = solve(batch);
  for (std::size_t i = 0; i < a.x.size(); ++i) ASSERT_NEAR(a.x[i], copied.x[i], 1e-9);
  // A part of the batch gives the bits of the whole.
  Problem<double> part = shared;
  part.batch = 7;
  part.q.data += 5 * g_n;
  Answers<double> c(batch.shape, 7);
  one.solve(part, c.view());
  EXPECT_TRUE(same_bits(c.x.data(), a.x.data() + 5 * g_n, 7 * g_n));
}

TEST_P(Batches, StridesLargerThanTheSizeSkipWhatLiesBetween) {
  const auto problems = good_problems(5, 970);
  const Batch<double> batch(problems);
  std::vector<double> q(5 * 20, std::nan(""));
  for (int b = 0; b < 5; ++b) std::copy_n(batch.q.begin() + b * g_n, g_n, q.begin() + b * 20);
  Problem<double> p = batch.view();
  p.q = {q.data(), g_n, 20};
  Solver<double> solver(batch.shape, 5);
  Answers<double> a(batch.shape, 5);
  solver.solve(p, a.view());
  EXPECT_TRUE(same_bits(a.x, solve(batch).x));
}

}  // namespace
}  // namespace bpqp::test
