// Parts of a batch, each solved by a Solver of its own, are the whole batch bit for bit.
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/refusal.hpp"

namespace bpqp::test {
namespace {

TEST(Split, CoversTheBatchInOrderByPartsOfAboutOneSize) {
  for (int batch = 1; batch <= 20; ++batch)
    for (int parts = 1; parts <= 25; ++parts) {
      const auto ranges = split(batch, parts);
      ASSERT_EQ(int(ranges.size()), std::min(batch, parts));
      int next = 0, least = batch, most = 0;
      for (const Range& range : ranges) {
        ASSERT_EQ(range.begin, next);
        next = range.end;
        least = std::min(least, range.size()), most = std::max(most, range.size());
      }
      ASSERT_EQ(next, batch);
      ASSERT_GE(least, 1);
      ASSERT_LE(most - least, 1);
    }
}

constexpr int kBatch = 11;

/// Everything that a Solver gives for a batch.
struct Outcome {
  explicit Outcome(const Shape& shape)
      : answers(shape, kBatch),
        again(shape, kBatch),
        gradients(shape, kBatch),
        w(std::size_t(kBatch) * std::size_t(shape.n)),
        dx(w.size()),
        dy(std::size_t(kBatch) * std::size_t(shape.m)) {}
  Answers<double> answers, again;
  Gradients<double> gradients;
  std::vector<double> w, dx, dy;
};

struct Call {
  Problem<double> problem;
  Shape shape;
  std::vector<double> g;

  /// The problems of the range by a Solver of their own.
  void run(Range range, Outcome& out) const {
    const int n = shape.n, m = shape.m;
    Solver<double> solver(shape, range.size(), {.threads = 1});
    const Problem<double> part = part_of(problem, range);
    const SolutionGradient<double> loss{{g.data(), n, n}, {}};
    solver.solve(part, part_of(out.answers.view(), shape, range));
    solver.backward(part_of(loss, range), part_of(out.gradients.view(), range));
    ProblemTangent<double> tangent;
    tangent.q = {g.data(), n, n}, tangent.A = problem.A;
    solver.jvp(
        part_of(tangent, range),
        part_of(SolutionTangent<double>{out.dx.data(), out.dy.data()}, shape, range));
    const VectorBatch<double> x{out.answers.x.data(), n, n}, y{out.answers.y.data(), m, m};
    solver.warm_start(range.size(), part_of(x, range), part_of(y, range));
    solver.solve(part, part_of(out.again.view(), shape, range), Changed::vectors);
    KktPoint<double> point;
    point.batch = kBatch;
    point.P = problem.P, point.A = problem.A, point.x = x, point.y = y;
    point.active = out.answers.active.data();
    solver.differentiate(part_of(point, range), nullptr);
    solver.adjoint_solve(
        1, g.data() + range.begin * n, nullptr, out.w.data() + range.begin * n, nullptr);
  }
};

class Parts : public testing::TestWithParam<int> {};  // variables: in packs, one by one
INSTANTIATE_TEST_SUITE_P(Of, Parts, testing::Values(12, 64));

TEST_P(Parts, BySolversAtTheSameTimeAreTheWholeBitForBit) {
  const auto made = io::generate(io::Family::qp, {.n = GetParam(), .batch = kBatch, .seed = 7});
  Call call{made.view(), made.shape, std::vector<double>(std::size_t(kBatch * made.shape.n))};
  for (std::size_t i = 0; i < call.g.size(); ++i) call.g[i] = std::cos(double(i));
  for (const bool shared : {false, true}) {
    SCOPED_TRACE(shared ? "P and A shared" : "all separate");
    if (shared) call.problem.P.stride = call.problem.A.stride = 0;
    Outcome whole(made.shape);
    call.run({0, kBatch}, whole);
    ASSERT_EQ(whole.answers.report[kBatch - 1].status, Status::solved);
    for (const int parts : {2, 3, kBatch}) {
      SCOPED_TRACE(std::to_string(parts) + " parts");
      Outcome out(made.shape);
      std::vector<std::thread> threads;
      for (const Range& range : split(kBatch, parts))
        threads.emplace_back([&call, &out, range] { call.run(range, out); });
      for (std::thread& thread : threads) thread.join();
      EXPECT_TRUE(same_bits(out.answers.x, whole.answers.x));
      EXPECT_TRUE(same_bits(out.answers.y, whole.answers.y));
      EXPECT_EQ(out.answers.active, whole.answers.active);
      EXPECT_TRUE(same_bits(out.again.x, whole.again.x));
      for (std::size_t b = 0; b < kBatch; ++b) {
        EXPECT_EQ(out.answers.report[b].status, whole.answers.report[b].status);
        EXPECT_EQ(out.answers.report[b].objective, whole.answers.report[b].objective);
        EXPECT_EQ(out.again.report[b].exchanges, whole.again.report[b].exchanges);
      }
      EXPECT_TRUE(same_bits(out.gradients.P, whole.gradients.P));
      EXPECT_TRUE(same_bits(out.gradients.q, whole.gradients.q));
      EXPECT_TRUE(same_bits(out.gradients.A, whole.gradients.A));
      EXPECT_TRUE(same_bits(out.gradients.l, whole.gradients.l));
      EXPECT_TRUE(same_bits(out.gradients.u, whole.gradients.u));
      EXPECT_TRUE(same_bits(out.dx, whole.dx));
      EXPECT_TRUE(same_bits(out.dy, whole.dy));
      EXPECT_TRUE(same_bits(out.w, whole.w));
    }
  }
}

TEST(Split, KeepsNullAndSharedArrays) {
  const double one[12] = {};
  const Problem<double> all{4, {}, {one, 2, 3}, {one, 3, 2}, {one, 3}, {one, 3}};
  const Problem<double> part = part_of(all, {2, 4});
  EXPECT_EQ(part.batch, 2);
  EXPECT_EQ(part.P.data, nullptr);
  EXPECT_EQ(part.q.data, one + 6);
  EXPECT_EQ(part.q.stride, 3);
  EXPECT_EQ(part.A.data, one);
  EXPECT_EQ(part.l.data, one);
  const Solution<double> none = part_of(Solution<double>(), {2, 3}, {1, 2});
  EXPECT_EQ(none.x, nullptr);
  EXPECT_EQ(none.report, nullptr);
}

TEST(Split, RefusesWhatHasNoPartsByName) {
  EXPECT_EQ(refusal([] { split(0, 2); }), "batch: expected at least 1, got 0");
  EXPECT_EQ(refusal([] { split(3, -1); }), "parts: expected at least 1, got -1");
  const double one[12] = {};
  const Problem<double> all{4, {}, {one, 2, 3}, {one, 3, 2}, {one, 3}, {one, 3}};
  for (const Range& range : {Range{-1, 2}, Range{2, 2}, Range{3, 2}, Range{2, 5}})
    EXPECT_EQ(refusal([&] { part_of(all, range); }).find("range: expected "), 0u);
  double out[4] = {};
  ProblemGradient<double> sum;
  sum.A = {out, 0};
  const std::string message = refusal([&] { part_of(sum, {1, 2}); });
  EXPECT_EQ(message.find("out.A.stride: expected "), 0u) << message;
}

}  // namespace
}  // namespace bpqp::test
