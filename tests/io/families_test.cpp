#include "io/families.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "bpqp/status.hpp"
#include "io/random.hpp"

namespace bpqp::io {
namespace {

TEST(Random, IsTheSameEverywhere) {
  // The first numbers of seed 1, stream 0; uniform() is exact, normal() to rounding.
  Random first(1, 0), second(1, 0), other(1, 1);
  const double u = first.uniform();
  EXPECT_EQ(u, second.uniform());
  EXPECT_NE(u, other.uniform());
  EXPECT_EQ(u, 0x1.c41664bccfccap-2);
  EXPECT_NEAR(first.normal(), -0.031158163168689919, 1e-14);
}

TEST(Random, HasTheRightMoments) {
  Random random(3);
  double sum = 0, squares = 0, uniforms = 0;
  const int count = 200000;
  for (int i = 0; i < count; ++i) {
    const double v = random.normal(), u = random.uniform();
    sum += v;
    squares += v * v;
    uniforms += u;
    ASSERT_TRUE(u >= 0 && u < 1);
    ASSERT_TRUE(std::isfinite(v));
  }
  EXPECT_NEAR(sum / count, 0, 0.01);
  EXPECT_NEAR(squares / count, 1, 0.02);
  EXPECT_NEAR(uniforms / count, 0.5, 0.005);
}

class AllFamilies : public testing::TestWithParam<Family> {};

TEST_P(AllFamilies, DependOnSeedAndIndexNotOnTheBatch) {
  const FamilyOptions options{.n = 12, .batch = 3, .seed = 5};
  const auto three = generate(GetParam(), options);
  auto fewer = options;
  fewer.batch = 1;
  const auto one = generate(GetParam(), fewer);
  const auto starts_with = [](const std::vector<double>& all, const std::vector<double>& first) {
    return std::equal(first.begin(), first.end(), all.begin());
  };
  EXPECT_TRUE(starts_with(three.P, one.P) && starts_with(three.q, one.q));
  EXPECT_TRUE(starts_with(three.A, one.A) && starts_with(three.u, one.u));
  EXPECT_NE(
      std::vector<double>(three.q.begin(), three.q.begin() + 12),
      std::vector<double>(three.q.begin() + 12, three.q.begin() + 24));
  fewer.seed = 6;
  EXPECT_NE(generate(GetParam(), fewer).q, one.q);
}

TEST_P(AllFamilies, HaveSymmetricPositiveDiagonalAndOrderedSides) {
  const auto batch = generate(GetParam(), {.n = 15, .batch = 4});
  const int n = batch.shape.n, m = batch.shape.m;
  ASSERT_EQ(batch.P.size(), std::size_t(4 * n * n));
  ASSERT_EQ(batch.A.size(), std::size_t(4 * m * n));
  for (int b = 0; b < 4; ++b) {
    const double* P = batch.P.data() + b * n * n;
    for (int i = 0; i < n; ++i) {
      EXPECT_GE(P[i * n + i], GetParam() == Family::socp ? 0 : 1e-6);
      for (int j = 0; j < n; ++j) ASSERT_EQ(P[i * n + j], P[j * n + i]);
    }
    for (int i = b * m; i < b * m + m; ++i) {
      EXPECT_LE(batch.l[i], batch.u[i]);
      EXPECT_LT(batch.u[i], kInfinity);
    }
  }
  const auto view = batch.view();
  EXPECT_EQ(view.batch, 4);
  EXPECT_EQ(view.A.stride, m * n);
}

INSTANTIATE_TEST_SUITE_P(
    Families,
    AllFamilies,
    testing::Values(
        Family::qp,
        Family::lp,
        Family::socp,
        Family::dense_ineq,
        Family::portfolio,
        Family::mpc,
        Family::box),
    [](const auto& test) { return std::string(to_string(test.param)); });

TEST(Families, HaveTheRowsAskedFor) {
  const auto qp = generate(Family::qp, {.n = 10, .eq = 3, .ineq = 4});
  ASSERT_EQ(qp.shape.m, 7);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(qp.l[i], i < 3 ? qp.u[i] : -kInfinity);
  const auto socp = generate(Family::socp, {.n = 10, .eq = 3});
  EXPECT_EQ(socp.shape.m, 14);
  EXPECT_EQ(socp.shape.cones, std::vector<int>{11});
  const auto portfolio = generate(Family::portfolio, {.n = 40});
  EXPECT_EQ(portfolio.shape.m, 41);
  EXPECT_EQ(portfolio.u[0], 1);
  EXPECT_EQ(portfolio.u[40], 0.1);
  EXPECT_EQ(generate(Family::dense_ineq, {.n = 10, .ineq = 30}).shape.m, 30);
  EXPECT_EQ(generate(Family::lp, {.n = 4, .p_diagonal = 0.5}).P[5], 0.5);
}

TEST(Families, RefuseRowsTheyCannotHave) {
  EXPECT_THROW(generate(Family::qp, {.n = 0}), InvalidArgument);
  EXPECT_THROW(generate(Family::qp, {.n = 3, .batch = 0}), InvalidArgument);
  EXPECT_THROW(generate(Family::qp, {.n = 3, .eq = 4}), InvalidArgument);
  EXPECT_THROW(generate(Family::box, {.n = 3, .eq = 1}), InvalidArgument);
  EXPECT_THROW(generate(Family::portfolio, {.n = 3, .ineq = 2}), InvalidArgument);
  EXPECT_THROW(generate(Family::lp, {.n = 3, .p_diagonal = -1}), InvalidArgument);
  EXPECT_THROW(family_from("milp"), InvalidArgument);
  for (const auto& name : family_names()) EXPECT_EQ(to_string(family_from(name)), name);
}

}  // namespace
}  // namespace bpqp::io
