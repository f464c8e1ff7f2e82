/// \file
/// A problem's bits on emulated blocks depend on nothing but the problem; and what becomes of those
/// that have no solution is what becomes of them on the CPU.
#include <limits>

#include "support/same_problem.hpp"
#include "twins.hpp"

namespace bpqp::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kN = 9, kM = 15;

class BatchesOnBlocks : public testing::TestWithParam<Mapping> {};
INSTANTIATE_TEST_SUITE_P(Gpu, BatchesOnBlocks, testing::ValuesIn(kMappings), mapping_name);

/// All that solve and backward give for a batch. The loss's gradient is the same for every problem.
struct Outcome {
  Answers<double> answers;
  Gradients<double> gradients, sums;
};

Outcome run(
    const std::vector<DenseProblem>& problems,
    const Mapping& mapping,
    const Settings& settings = {},
    int capacity = 0) {
  const Batch<double> batch(problems);
  auto gpu = gpu_engine(batch.shape, capacity ? capacity : batch.batch, mapping, settings);
  Outcome out{
      {batch.shape, batch.batch}, {batch.shape, batch.batch}, {batch.shape, batch.batch, true}};
  gpu.solve(batch.view(), out.answers.view(), Changed::everything);
  if (!settings.gradients) return out;
  const auto gx = random_vector(kN, 1), gy = random_vector(kM, 2);
  const SolutionGradient<double> loss{{gx.data(), kN, 0}, {gy.data(), kM, 0}};
  gpu.backward(loss, out.gradients.view());
  gpu.backward(loss, out.sums.view());
  return out;
}

/// Problem a of one outcome has the bits of problem b of another.
testing::AssertionResult same(const Outcome& first, int a, const Outcome& second, int b) {
  return same_problem(first.answers, first.gradients, a, second.answers, second.gradients, b);
}

/// Differently conditioned; 2 has a weakly active row, 4 a dependent one and does not go plainly.
std::vector<DenseProblem> good_problems() {
  std::vector<DenseProblem> problems;
  for (int b = 0; b < 5; ++b) {
    KnownOptions o{.n = kN};
    o.weakly_active = b == 2;
    o.dependent = b == 4;
    o.inactive = 10 - o.weakly_active - o.dependent;
    o.row_spread = b % 3;
    problems.push_back(random_known(o, 100 + std::uint64_t(b)).problem);
  }
  return problems;
}

/// One of every kind of trouble.
std::vector<DenseProblem> bad_problems() {
  std::vector<DenseProblem> problems{
      random_primal_infeasible(kN, kM, 1), random_dual_infeasible(kN, kM, 2),
      random_non_convex(kN, kM, 3)};
  for (int kind = 0; kind < 4; ++kind) {
    DenseProblem p = good_problems()[0];
    if (kind == 0) p.P[5] = kNaN;
    if (kind == 1) p.q[1] = kNaN;
    if (kind == 2) p.l[3] = p.u[3] + 1;
    if (kind == 3) p.A[7] = HUGE_VAL;
    problems.push_back(p);
  }
  return problems;
}

TEST_P(BatchesOnBlocks, BitsDependOnTheProblemAlone) {
  const auto problems = good_problems();
  const Outcome whole = run(problems, GetParam());
  for (int count = 1; count <= 5; ++count) {  // the last ones, in a larger Solver
    SCOPED_TRACE(std::to_string(count) + " problems");
    const Outcome part = run({problems.end() - count, problems.end()}, GetParam(), {}, 6);
    for (int b = 0; b < count; ++b) EXPECT_TRUE(same(part, b, whole, 5 - count + b)) << b;
  }
  auto reversed = problems;
  std::reverse(reversed.begin(), reversed.end());
  const Outcome turned = run(reversed, GetParam());
  for (int b = 0; b < 5; ++b) EXPECT_TRUE(same(turned, b, whole, 4 - b)) << b;
}

TEST_P(BatchesOnBlocks, BitsDoNotDependOnTheScheduleTheBlocksOrWhereArraysAre) {
  const auto problems = good_problems();
  const Outcome first = run(problems, GetParam());
  for (int other = 0; other < 4; ++other) {
    Mapping mapping = GetParam();
    if (other == 0) mapping.schedule += 17;
    if (other == 1) mapping.blocks = 1, mapping.schedule = 0;
    if (other == 2) mapping.blocks = 5;
    if (other == 3) mapping.fast_bytes = mapping.fast_bytes > 0 ? 0 : 4 << 10;
    SCOPED_TRACE("other mapping " + std::to_string(other));
    const Outcome again = run(problems, mapping);
    for (int b = 0; b < 5; ++b) EXPECT_TRUE(same(again, b, first, b)) << "problem " << b;
    EXPECT_TRUE(same_bits(again.sums.P, first.sums.P) && same_bits(again.sums.A, first.sums.A));
    EXPECT_TRUE(same_bits(again.sums.q, first.sums.q) && same_bits(again.sums.l, first.sums.l));
    EXPECT_TRUE(same_bits(again.sums.u, first.sums.u));
  }
}

TEST_P(BatchesOnBlocks, BadNeighboursChangeNoBitAndEndAsOnTheCpu) {
  const auto good = good_problems(), bad = bad_problems();
  std::vector<DenseProblem> mixed;
  for (std::size_t b = 0; b < bad.size(); ++b) {
    if (b < good.size()) mixed.push_back(good[b]);
    mixed.push_back(bad[b]);
  }
  const auto is_good = [](int b) { return b < 10 && b % 2 == 0; };
  const Outcome alone = run(good, GetParam()), between = run(mixed, GetParam());
  for (int b = 0; b < 5; ++b) EXPECT_TRUE(same(alone, b, between, 2 * b)) << "problem " << b;
  // Sums: those of the good ones, in their order; rows of zeros add nothing.
  EXPECT_TRUE(same_bits(alone.sums.P, between.sums.P));
  EXPECT_TRUE(same_bits(alone.sums.A, between.sums.A));
  EXPECT_TRUE(same_bits(alone.sums.q, between.sums.q));
  EXPECT_TRUE(same_bits(alone.sums.l, between.sums.l));
  EXPECT_TRUE(same_bits(alone.sums.u, between.sums.u));
  const auto expect_zero = [](const std::vector<double>& v, int b, int size) {
    for (int j = b * size; j < (b + 1) * size; ++j) ASSERT_EQ(v[std::size_t(j)], 0) << b;
  };
  for (int b = 0; b < int(mixed.size()); ++b) {
    if (is_good(b)) continue;
    EXPECT_GT(between.answers.report[std::size_t(b)].status, Status::numerical_error);
    expect_zero(between.gradients.P, b, kN * kN);
    expect_zero(between.gradients.q, b, kN);
    expect_zero(between.gradients.A, b, kM * kN);
    expect_zero(between.gradients.l, b, kM);
    expect_zero(between.gradients.u, b, kM);
  }
  for (const bool last_point : {false, true}) {
    SCOPED_TRACE(last_point ? "last points" : "NaN");
    // Certificates are as accurate as what ended the iterations. The last point of a problem
    // without a solution is anything on its way to infinity; but it is one where the CPU has one.
    Twins<> t(Batch<double>(bad), GetParam(), {.last_point = last_point});
    t.solve(t.batch.view(), Changed::everything, last_point ? HUGE_VAL : 1e-5);
  }
}

/// Slots that serve problem after problem.
TEST_P(BatchesOnBlocks, WithoutGradientsHaveTheSameBits) {
  auto problems = good_problems();
  const auto bad = bad_problems();
  problems.insert(problems.begin() + 2, bad.begin(), bad.end());
  Mapping mapping = GetParam();
  mapping.blocks = 1;
  const Outcome with = run(problems, mapping),
                without = run(problems, mapping, {.gradients = false});
  EXPECT_TRUE(same_bits(with.answers.x, without.answers.x));
  EXPECT_TRUE(same_bits(with.answers.y, without.answers.y));
  EXPECT_EQ(with.answers.active, without.answers.active);
  for (std::size_t b = 0; b < problems.size(); ++b)
    EXPECT_EQ(with.answers.report[b].status, without.answers.report[b].status) << b;
  const Shape shape{.n = kN, .m = kM};
  EXPECT_LT(
      gpu_engine(shape, 100, mapping, {.gradients = false}).bytes(),
      gpu_engine(shape, 100, mapping).bytes() / 2);
  // Matrices that are shared are factored once.
  Batch<double> data(good_problems());
  Problem<double> p = data.view();
  p.P.stride = p.A.stride = p.l.stride = p.u.stride = 0;
  Twins<> t(data, mapping, {.gradients = false});
  t.solve(p);
}

TEST_P(BatchesOnBlocks, ASmallerBatchAndAReusedEngineGiveTheBitsOfAFreshOne) {
  const auto problems = good_problems(), bad = bad_problems();
  const Outcome fresh = run(problems, GetParam());
  const Batch<double> first(bad), second(problems);
  auto gpu = gpu_engine(first.shape, first.batch, GetParam());
  Answers<double> ignored(first.shape, first.batch);
  Outcome out{{first.shape, 5}, {first.shape, 5}, {first.shape, 5, true}};
  gpu.solve(first.view(), ignored.view(), Changed::everything);
  gpu.solve(second.view(), out.answers.view(), Changed::everything);
  const auto gx = random_vector(kN, 1), gy = random_vector(kM, 2);
  const SolutionGradient<double> loss{{gx.data(), kN, 0}, {gy.data(), kM, 0}};
  gpu.backward(loss, out.gradients.view());
  for (int b = 0; b < 5; ++b) EXPECT_TRUE(same(out, b, fresh, b)) << "problem " << b;
}

}  // namespace
}  // namespace bpqp::test
