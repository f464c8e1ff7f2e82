// Every Status, what the outputs hold with it, and the certificates.
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/oracle.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

bool all_nan(const std::vector<double>& v) {
  return std::all_of(v.begin(), v.end(), [](double e) { return std::isnan(e); });
}

bool all_finite(const std::vector<double>& v) {
  return std::all_of(v.begin(), v.end(), [](double e) { return std::isfinite(e); });
}

/// The gradient of sum(x) + sum(y) in all data is 0 where there is no solution.
void expect_zero_gradient(const DenseProblem& p, const Settings& settings) {
  const Batch<double> batch(p);
  Solver<double> solver(batch.shape, 1, settings);
  solver.solve(batch.view(), {});
  const std::vector<double> gx(std::size_t(p.n), 1), gy(std::size_t(p.m), 1);
  Gradients<double> g(batch.shape, 1);
  solver.backward({{gx.data(), p.n, p.n}, {gy.data(), p.m, p.m}}, g.view());
  for (const auto* v : {&g.P, &g.q, &g.A, &g.l, &g.u})
    EXPECT_EQ(*v, std::vector<double>(v->size(), 0));
}

TEST(Status, SolvedHoldsTheKktConditionsTheReportStates) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const KnownProblem k = random_known({.n = 10 + int(seed) % 20}, seed);
    const auto a = solve(Batch<double>(k.problem));
    const Report& r = a.report[0];
    ASSERT_EQ(r.status, Status::solved);
    EXPECT_TRUE(r.verified && r.differentiable);
    const KktErrors e = kkt_errors(k.problem, a.x_of(0), a.y_of(0));
    EXPECT_LE(double(e.worst()), 1e-9);  // polished: far below eps
    // The report's own residuals are computed in double: they differ by its rounding.
    const double rounding = 1e-13;
    EXPECT_NEAR(r.objective, double(e.objective), rounding * (1 + std::fabs(r.objective)));
    EXPECT_NEAR(r.primal_residual, double(e.primal), rounding * double(1 + e.primal_scale));
    EXPECT_NEAR(r.dual_residual, double(e.dual), rounding * double(1 + e.dual_scale));
    EXPECT_NEAR(r.gap, double(e.gap), rounding * double(1 + e.gap_scale));
    for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(a.x[j], k.x[j], 1e-8);
    int active = 0;
    for (std::size_t i = 0; i < k.y.size(); ++i) {
      EXPECT_EQ(a.active[i], k.y[i] > 0 ? 1 : k.y[i] < 0 ? -1 : 0) << "row " << i;
      active += k.y[i] != 0;
    }
    EXPECT_EQ(r.active, active);
  }
}

TEST(Status, PlainAdmmEndsAtEpsWithoutPolish) {
  const KnownProblem k = random_known({.n = 12}, 5);
  const auto a = solve(Batch<double>(k.problem), {.max_iter = 100000, .polish = false});
  ASSERT_EQ(a.report[0].status, Status::solved);
  EXPECT_EQ(a.report[0].method, Method::admm);
  EXPECT_GT(a.report[0].iterations, 0);
  const KktErrors e = kkt_errors(k.problem, a.x_of(0), a.y_of(0));
  EXPECT_LE(double(e.primal), 1e-6 + 1e-6 * double(e.primal_scale));
  EXPECT_LE(double(e.dual), 1e-6 + 1e-6 * double(e.dual_scale));
  EXPECT_LE(double(e.gap), 1e-6 + 1e-6 * double(e.gap_scale));
}

TEST(Status, IterationLimitAndInaccurateGiveTheLastPoint) {
  const KnownProblem k = random_known({.n = 30, .active = 10, .inactive = 20}, 8);
  bool limited = false, inaccurate = false;
  for (int max_iter = 1; max_iter < 2000 && !(limited && inaccurate); ++max_iter) {
    const auto a = solve(Batch<double>(k.problem), {.max_iter = max_iter, .polish = false});
    const Status status = a.report[0].status;
    const double over = double(kkt_errors(k.problem, a.x_of(0), a.y_of(0)).worst()) / 1e-6;
    if (status == Status::solved) break;
    EXPECT_TRUE(all_finite(a.x) && all_finite(a.y));
    if (status == Status::iteration_limit) {
      limited = true;
      EXPECT_GT(over, 50);  // eps is eps_abs + eps_rel * scale: up to twice the relative one
    } else {
      ASSERT_EQ(status, Status::solved_inaccurate);
      inaccurate = true;
      EXPECT_LE(over, 200);
    }
  }
  EXPECT_TRUE(limited);
  EXPECT_TRUE(inaccurate);
}

TEST(Status, NumericalErrorWhereTheArithmeticOverflows) {
  // x = 1e600: no double.
  const DenseProblem p{1, 1, {1e-300}, {1e300}, {1}, {-1e30}, {1e29}, {}};
  const auto a = solve(Batch<double>(p));
  EXPECT_EQ(a.report[0].status, Status::numerical_error) << to_string(a.report[0].status);
  expect_zero_gradient(p, {});
}

TEST(Status, PrimalInfeasibleComesWithACertificate) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const int n = 3 + int(seed) % 17;
    const DenseProblem p = random_primal_infeasible(n, n + 1 + int(seed) % 3, seed);
    const auto a = solve(Batch<double>(p));
    ASSERT_EQ(a.report[0].status, Status::primal_infeasible) << to_string(a.report[0].status);
    EXPECT_TRUE(all_nan(a.x));
    EXPECT_TRUE(std::isnan(a.report[0].objective));
    EXPECT_FALSE(a.report[0].differentiable);
    const PrimalCertificate c = primal_certificate(p, a.y_of(0));
    EXPECT_NEAR(double(c.h), -1, 1e-8);
    EXPECT_LE(double(c.Aty), 1e-8);
    EXPECT_LE(double(c.wrong_side), 0);
  }
  expect_zero_gradient(random_primal_infeasible(5, 8, 1), {});
}

TEST(Status, DualInfeasibleComesWithACertificate) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const DenseProblem p = random_dual_infeasible(3 + int(seed) % 17, 4 + int(seed) % 10, seed);
    const auto a = solve(Batch<double>(p));
    ASSERT_EQ(a.report[0].status, Status::dual_infeasible) << to_string(a.report[0].status);
    EXPECT_TRUE(all_nan(a.y));
    const DualCertificate c = dual_certificate(p, a.x_of(0));
    EXPECT_NEAR(double(c.qd), -1, 1e-8);
    EXPECT_LE(double(c.Pd), 1e-8);
    EXPECT_LE(double(c.rows), 1e-8);
  }
  expect_zero_gradient(random_dual_infeasible(5, 8, 1), {});
}

TEST(Status, CrossedBoundsArePrimalInfeasibleWithoutACertificate) {
  DenseProblem p = random_known({.n = 6}, 2).problem;
  p.l[4] = 1;
  p.u[4] = 0.5;
  const auto a = solve(Batch<double>(p));
  EXPECT_EQ(a.report[0].status, Status::primal_infeasible);
  EXPECT_TRUE(all_nan(a.x) && all_nan(a.y));
  expect_zero_gradient(p, {});
}

TEST(Status, NonConvexIsRefused) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const DenseProblem p = random_non_convex(2 + int(seed), 6, seed);
    const auto a = solve(Batch<double>(p));
    EXPECT_EQ(a.report[0].status, Status::non_convex) << to_string(a.report[0].status);
    EXPECT_TRUE(all_nan(a.x) && all_nan(a.y));
  }
  expect_zero_gradient(random_non_convex(5, 6, 1), {});
}

TEST(Status, InvalidInputForEveryBadValueInEveryArray) {
  const DenseProblem good = random_known({.n = 5}, 3).problem;
  const auto expect_invalid = [](const DenseProblem& p, const std::string& what) {
    const auto a = solve(Batch<double>(p));
    EXPECT_EQ(a.report[0].status, Status::invalid_input) << what;
    EXPECT_TRUE(all_nan(a.x) && all_nan(a.y)) << what;
  };
  for (double bad : {kNaN, kInf, -kInf})
    for (auto member : {&DenseProblem::P, &DenseProblem::q, &DenseProblem::A}) {
      DenseProblem p = good;
      (p.*member)[3] = bad;
      expect_invalid(p, std::to_string(bad));
    }
  for (auto member : {&DenseProblem::l, &DenseProblem::u}) {
    DenseProblem p = good;
    (p.*member)[3] = kNaN;
    expect_invalid(p, "NaN side");
  }
  DenseProblem p = good;
  p.l[3] = kInf;
  p.u[3] = kInf;
  expect_invalid(p, "l = +inf");
  p = good;
  p.l[3] = p.u[3] = -kInf;
  expect_invalid(p, "u = -inf");
  p = good;
  p.q[0] = kNaN;
  expect_zero_gradient(p, {});
}

TEST(Status, LastPointReplacesNaNButNotCertificates) {
  const Settings last{.last_point = true};
  const auto infeasible = solve(Batch<double>(random_primal_infeasible(5, 8, 1)), last);
  EXPECT_EQ(infeasible.report[0].status, Status::primal_infeasible);
  EXPECT_TRUE(all_finite(infeasible.x));
  EXPECT_NEAR(
      double(primal_certificate(random_primal_infeasible(5, 8, 1), infeasible.y_of(0)).h), -1,
      1e-8);
  const auto unbounded = solve(Batch<double>(random_dual_infeasible(5, 8, 1)), last);
  EXPECT_EQ(unbounded.report[0].status, Status::dual_infeasible);
  EXPECT_TRUE(all_finite(unbounded.y));
  EXPECT_NEAR(
      double(dual_certificate(random_dual_infeasible(5, 8, 1), unbounded.x_of(0)).qd), -1, 1e-8);
  const auto concave = solve(Batch<double>(random_non_convex(5, 6, 1)), last);
  EXPECT_EQ(concave.report[0].status, Status::non_convex);
  EXPECT_TRUE(all_finite(concave.x) && all_finite(concave.y));
  DenseProblem bad = random_known({.n = 5}, 3).problem;
  bad.q[2] = kNaN;  // no point is better than another
  const auto invalid = solve(Batch<double>(bad), last);
  EXPECT_EQ(invalid.report[0].status, Status::invalid_input);
  EXPECT_TRUE(all_nan(invalid.x) && all_nan(invalid.y));
}

TEST(Status, AProblemThatNeverStartedHasNoResiduals) {
  const Batch<double> batch(random_known({.n = 5}, 3).problem);
  for (const bool last_point : {false, true}) {
    const auto a = solve(batch, {.time_limit = 1e-9, .last_point = last_point});
    const Report& r = a.report[0];
    EXPECT_EQ(r.status, Status::iteration_limit);
    for (double v :
         {r.objective, r.primal_residual, r.dual_residual, r.gap, r.primal_residual_relative,
          r.dual_residual_relative, r.gap_relative})
      EXPECT_TRUE(std::isnan(v)) << v;
    EXPECT_TRUE(last_point ? all_finite(a.x) && all_finite(a.y) : all_nan(a.x) && all_nan(a.y));
  }
}

TEST(Status, TheMethodIsNamedOnlyWhereOneWasNeeded) {
  const auto method_of = [](const DenseProblem& p) {
    return solve(Batch<double>(p)).report[0].method;
  };
  DenseProblem p = random_known({.n = 5}, 3).problem;
  EXPECT_NE(method_of(p), Method::automatic);
  EXPECT_NE(method_of(random_primal_infeasible(5, 8, 1)), Method::automatic);
  EXPECT_EQ(method_of({2, 0, {1, 0, 0, 1}, {1, 1}, {}, {}, {}, {}}), Method::automatic);
  EXPECT_EQ(method_of(random_non_convex(5, 6, 1)), Method::automatic);
  DenseProblem crossed = p;
  crossed.l[4] = 1;
  crossed.u[4] = 0.5;
  EXPECT_EQ(method_of(crossed), Method::automatic);
  p.q[0] = kNaN;
  EXPECT_EQ(method_of(p), Method::automatic);
}

TEST(Status, NamesAreThoseOfTheHeader) {
  EXPECT_STREQ(to_string(Status::solved), "solved");
  EXPECT_STREQ(to_string(Status::solved_inaccurate), "solved_inaccurate");
  EXPECT_STREQ(to_string(Status::iteration_limit), "iteration_limit");
  EXPECT_STREQ(to_string(Status::numerical_error), "numerical_error");
  EXPECT_STREQ(to_string(Status::primal_infeasible), "primal_infeasible");
  EXPECT_STREQ(to_string(Status::dual_infeasible), "dual_infeasible");
  EXPECT_STREQ(to_string(Status::non_convex), "non_convex");
  EXPECT_STREQ(to_string(Status::invalid_input), "invalid_input");
}

}  // namespace
}  // namespace bpqp::test
