// Small problems go in packs, one to a SIMD lane: what comes out is what a problem by itself, the
// interior point method and the definition of a derivative say. That no lane knows of the others is
// in batch_test.cpp.
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

/// One more than several packs of any width.
constexpr int kCount = 41;

Batch<double> small(io::Family family, int n, std::uint64_t seed) {
  io::FamilyOptions options;
  options.n = n;
  if (family == io::Family::qp || family == io::Family::lp) options.eq = options.ineq = n / 3;
  options.batch = kCount;
  options.seed = seed;
  const io::ProblemBatch made = io::generate(family, options);
  Batch<double> batch;
  batch.shape = made.shape;
  for (int b = 0; b < kCount; ++b) batch.add(problem_of(made, b));
  return batch;
}

struct FamilyCase {
  const char* name;
  io::Family family;
  int n;
};

class Packs : public testing::TestWithParam<FamilyCase> {};
INSTANTIATE_TEST_SUITE_P(
    Of,
    Packs,
    testing::Values(
        FamilyCase{"qp", io::Family::qp, 10},
        FamilyCase{"qp", io::Family::qp, 37},
        FamilyCase{"lp", io::Family::lp, 12},
        FamilyCase{"box", io::Family::box, 17},
        FamilyCase{"mpc", io::Family::mpc, 16},
        FamilyCase{"portfolio", io::Family::portfolio, 25}),
    [](const testing::TestParamInfo<FamilyCase>& of) {
      return std::string(of.param.name) + std::to_string(of.param.n);
    });

TEST_P(Packs, FindTheSolutionsOfTheInteriorPointMethod) {
  const auto batch = small(GetParam().family, GetParam().n, 1);
  const auto packs = solve(batch);
  const auto inside = solve(batch, {.method = Method::interior_point});
  for (int b = 0; b < kCount; ++b) {
    const Report &r = packs.report[std::size_t(b)], &q = inside.report[std::size_t(b)];
    ASSERT_EQ(r.status, Status::solved) << b;
    EXPECT_TRUE(r.verified) << b;
    EXPECT_EQ(r.method, Method::admm) << "not by the interior point method: " << b;
    EXPECT_EQ(r.differentiable, q.differentiable) << b;
    EXPECT_LE(r.primal_residual_relative, 1e-11) << b;
    EXPECT_LE(r.dual_residual_relative, 1e-11) << b;
    EXPECT_EQ(packs.active_of(b), inside.active_of(b)) << b;
  }
  // Both are within 1e-11 of KKT; the condition numbers of the families are below 1e4.
  for (std::size_t i = 0; i < packs.x.size(); ++i) ASSERT_NEAR(packs.x[i], inside.x[i], 1e-7);
}

/// backward() goes by packs, adjoint_solve() by the factors that are taken out of them.
TEST_P(Packs, DifferentiateAsOneByOne) {
  const auto batch = small(GetParam().family, GetParam().n, 2);
  const int n = batch.shape.n, m = batch.shape.m;
  std::mt19937_64 engine(3);
  const auto g_x = normals(std::size_t(kCount * n), engine),
             g_y = normals(std::size_t(kCount * m), engine);
  Solver<double> solver(batch.shape, kCount);
  Answers<double> a(batch.shape, kCount);
  solver.solve(batch.view(), a.view());
  Gradients<double> g(batch.shape, kCount);
  solver.backward({{g_x.data(), n, n}, {g_y.data(), m, m}}, g.view());
  std::vector<double> w(g_x.size()), d(g_y.size());
  solver.adjoint_solve(1, g_x.data(), g_y.data(), w.data(), d.data());
  double largest = 0;
  for (double v : w) largest = std::fmax(largest, std::fabs(v));
  // Both end at a KKT residual of 1e-12 of the right-hand side.
  for (std::size_t i = 0; i < w.size(); ++i) ASSERT_NEAR(g.q[i], -w[i], 1e-9 * (1 + largest)) << i;
  for (int b = 0; b < kCount; ++b)
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        const std::size_t x = std::size_t(b * n);
        const double dP = -(w[x + std::size_t(i)] * a.x[x + std::size_t(j)] +
                            w[x + std::size_t(j)] * a.x[x + std::size_t(i)]) /
                          2;
        ASSERT_NEAR(
            g.P[(x + std::size_t(i)) * std::size_t(n) + std::size_t(j)], dP, 1e-8 * (1 + largest));
      }
}

/// A start at the solution needs no exchange, with new factors or those of the solve before.
TEST_P(Packs, StartFromWhatIsGiven) {
  const auto batch = small(GetParam().family, GetParam().n, 4);
  Solver<double> solver(batch.shape, kCount);
  Answers<double> cold(batch.shape, kCount), warm(batch.shape, kCount);
  solver.solve(batch.view(), cold.view());
  for (const Changed changed : {Changed::everything, Changed::vectors}) {
    solver.warm_start(
        kCount, {cold.x.data(), batch.shape.n, batch.shape.n},
        {cold.y.data(), batch.shape.m, batch.shape.m});
    solver.solve(batch.view(), warm.view(), changed);
    for (int b = 0; b < kCount; ++b) {
      EXPECT_EQ(warm.report[std::size_t(b)].status, Status::solved) << b;
      EXPECT_EQ(warm.report[std::size_t(b)].exchanges, 0) << b;
      EXPECT_EQ(warm.active_of(b), cold.active_of(b)) << b;
    }
  }
}

TEST_P(Packs, KeepTheirFactorsForNewVectors) {
  const auto old = small(GetParam().family, GetParam().n, 5);
  auto now = old;
  std::mt19937_64 engine(6);
  for (double& q : now.q) q *= 1 + 0.1 * normals(1, engine)[0];
  Solver<double> solver(old.shape, kCount);
  Answers<double> a(old.shape, kCount);
  solver.solve(old.view(), a.view());
  solver.solve(now.view(), a.view(), Changed::vectors);
  const auto fresh = solve(now);
  EXPECT_TRUE(same_bits(a.x, fresh.x) && same_bits(a.y, fresh.y));
}

/// Problems that a lane cannot solve are solved beside it.
TEST(Packs, LeaveToOthersWhatTheyCannotDo) {
  constexpr int kN = 10;
  std::vector<DenseProblem> problems;
  for (int b = 0; b < kCount; ++b) {
    KnownOptions options{.n = kN, .equalities = 2, .active = 3, .inactive = 7};
    const int kind = b % 5;
    if (kind == 1) options.rank_P = 5;
    if (kind == 2) options.dependent = 1, options.inactive = 6;
    if (kind == 3) options.redundant = 1, options.inactive = 6;
    DenseProblem p = random_known(options, std::uint64_t(100 + b)).problem;
    if (kind == 4) p.P[1] += 0.01;  // the symmetric part counts
    problems.push_back(p);
  }
  const Batch<double> batch(problems);
  const auto a = solve(batch);
  for (int b = 0; b < kCount; ++b) {
    const Report& r = a.report[std::size_t(b)];
    ASSERT_EQ(r.status, Status::solved) << b;
    EXPECT_LE(r.primal_residual_relative, 1e-9) << b;
    EXPECT_LE(r.dual_residual_relative, 1e-9) << b;
    EXPECT_EQ(r.differentiable, b % 5 != 2 && b % 5 != 3) << b;
  }
}

/// Also where P differs from P' so little that refinement would end.
TEST(Packs, TakeTheSymmetricPartOfP) {
  for (const double off : {1e-7, 1e-5, 1e-4}) {
    const auto batch = small(io::Family::qp, 10, 7);
    auto skew = batch, even = batch;
    for (std::size_t b = 0; b < kCount; ++b) {
      skew.P[b * 100 + 1] += off;
      for (const std::size_t at : {1, 10}) even.P[b * 100 + at] += off / 2;
    }
    const auto a = solve(skew), expected = solve(even);
    for (std::size_t i = 0; i < a.x.size(); ++i) ASSERT_NEAR(a.x[i], expected.x[i], 1e-10) << off;
  }
}

TEST(Packs, GiveNoGradientForALossThatHasNone) {
  auto batch = small(io::Family::qp, 10, 8);
  const int n = batch.shape.n;
  std::vector<double> g_x(std::size_t(kCount * n), 1.0);
  Solver<double> solver(batch.shape, kCount);
  Answers<double> a(batch.shape, kCount);
  solver.solve(batch.view(), a.view());
  Gradients<double> expected(batch.shape, kCount), g(batch.shape, kCount);
  solver.backward({{g_x.data(), n, n}, {}}, expected.view());
  g_x[std::size_t(5 * n + 3)] = std::nan("");
  solver.backward({{g_x.data(), n, n}, {}}, g.view());
  EXPECT_FALSE(solver.reports()[5].backward_residual < 1);
  for (int b = 0; b < kCount; ++b)
    for (int j = 0; j < n; ++j) {
      const auto at = std::size_t(b * n + j);
      EXPECT_EQ(g.q[at], b == 5 ? 0 : expected.q[at]) << b;
    }
}

TEST(Packs, GiveUpAfterTheExchangesAllowed) {
  const auto batch = small(io::Family::mpc, 16, 9);
  const auto all = solve(batch), one = solve(batch, {.max_exchanges = 1});
  int needed_more = 0;
  for (std::size_t b = 0; b < kCount; ++b) {
    needed_more += all.report[b].exchanges > 1;
    EXPECT_TRUE(one.report[b].method != Method::admm || one.report[b].exchanges <= 1) << b;
  }
  EXPECT_GT(needed_more, kCount / 2);
}

/// Of P and A that all share, one problem is as any batch.
TEST(Packs, DoNotDependOnTheSizeOfASharingBatch) {
  const auto batch = small(io::Family::qp, 10, 10);
  Problem<double> p = batch.view();
  p.P.stride = p.A.stride = p.l.stride = p.u.stride = 0;
  for (const bool gradients : {true, false}) {
    Solver<double> solver(batch.shape, kCount, {.gradients = gradients});
    Answers<double> all(batch.shape, kCount), first(batch.shape, 1);
    p.batch = kCount;
    solver.solve(p, all.view());
    p.batch = 1;
    solver.solve(p, first.view());
    EXPECT_TRUE(same_bits(first.x.data(), all.x.data(), batch.shape.n)) << gradients;
  }
}

TEST(Packs, StartFromMinusZeroAsFromZero) {
  const Batch<double> batch(
      DenseProblem{3, 0, {1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 0}, {}, {}, {}, {}});
  Solver<double> solver(batch.shape, 1);
  Answers<double> a(batch.shape, 1);
  const double start[] = {-0.0, -0.0, -0.0};
  solver.warm_start(1, {start, 3, 3}, {});
  solver.solve(batch.view(), a.view());
  for (const double x : a.x) EXPECT_FALSE(std::signbit(x));
}

}  // namespace
}  // namespace bpqp::test
