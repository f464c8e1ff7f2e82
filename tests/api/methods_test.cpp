// Every forward method on the families of problems, and what `automatic` makes of them.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/oracle.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

using io::Family;

/// The family's batch by one method: solved to 1e-9 and differentiable where that is expected.
void expect_answers(Family family, Method method, const io::FamilyOptions& options) {
  SCOPED_TRACE(
      std::string(io::to_string(family)) + " by " + to_string(method) + ", n " +
      std::to_string(options.n) + ", seed " + std::to_string(options.seed));
  const io::ProblemBatch generated = io::generate(family, options);
  Solver<double> solver(generated.shape, generated.batch, {.method = method});
  Answers<double> a(generated.shape, generated.batch);
  solver.solve(generated.view(), a.view());
  for (int b = 0; b < generated.batch; ++b) {
    const Report& r = a.report[std::size_t(b)];
    ASSERT_EQ(r.status, Status::solved) << "problem " << b << ": " << to_string(r.status);
    EXPECT_TRUE(r.verified && r.differentiable) << "problem " << b;
    EXPECT_LE(double(kkt_errors(problem_of(generated, b), a.x_of(b), a.y_of(b)).worst()), 1e-9);
    if (method != Method::automatic) {
      EXPECT_EQ(r.method, method);
    }
    if (method == Method::interior_point) {
      EXPECT_LE(r.iterations, 25);
    }
  }
}

struct Differentiated {
  Report report;
  Gradients<double> g;
};

/// The problem solved by default, and the gradient of the sum of x.
Differentiated gradient_of_the_sum(const DenseProblem& p) {
  const Batch<double> batch(p);
  Solver<double> solver(batch.shape, 1);
  Answers<double> a(batch.shape, 1);
  solver.solve(batch.view(), a.view());
  const std::vector<double> ones(std::size_t(batch.shape.n), 1);
  Gradients<double> g(batch.shape, 1);
  solver.backward({{ones.data(), batch.shape.n, 0}, {}}, g.view());
  return {a.report[0], g};
}

constexpr Family kQuadratic[] = {
    Family::qp, Family::box, Family::portfolio, Family::mpc, Family::dense_ineq};

TEST(Methods, AutomaticAnswersTheFamilies) {
  for (Family family : kQuadratic)
    for (int n : {5, 20, 60})
      expect_answers(family, Method::automatic, {.n = n, .batch = 4, .seed = std::uint64_t(n)});
  for (int n : {5, 20, 60})
    expect_answers(Family::socp, Method::automatic, {.n = n, .batch = 4, .seed = 3});
}

TEST(Methods, InteriorPointAnswersTheFamilies) {
  for (Family family : kQuadratic)
    for (int n : {5, 20, 60})
      expect_answers(
          family, Method::interior_point, {.n = n, .batch = 4, .seed = std::uint64_t(n)});
  for (int n : {5, 20, 60})
    expect_answers(Family::socp, Method::interior_point, {.n = n, .batch = 4, .seed = 3});
}

TEST(Methods, LinearProgramsAreSolvedByEveryMethodThatAnswers) {
  for (double diagonal : {1e-6, 0.0})
    for (Method method : {Method::automatic, Method::interior_point})
      for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE(
            std::string(to_string(method)) + ", diagonal " + std::to_string(diagonal) + ", seed " +
            std::to_string(seed));
        const auto generated =
            io::generate(Family::lp, {.n = 30, .batch = 2, .seed = seed, .p_diagonal = diagonal});
        Solver<double> solver(generated.shape, 2, {.method = method});
        Answers<double> a(generated.shape, 2);
        solver.solve(generated.view(), a.view());
        for (int b = 0; b < 2; ++b) {
          ASSERT_EQ(a.report[std::size_t(b)].status, Status::solved);
          EXPECT_LE(
              double(kkt_errors(problem_of(generated, b), a.x_of(b), a.y_of(b)).worst()), 1e-8);
        }
      }
}

/// An LP's vertex does not move with q: the gradient in q is 0, those in b and A are finite, and x
/// is what the active rows say.
TEST(Methods, AVertexHasNoGradientInTheCost) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const KnownProblem k =
        random_known({.n = 8, .equalities = 3, .active = 5, .inactive = 4, .rank_P = 0}, seed);
    const auto [report, g] = gradient_of_the_sum(k.problem);
    ASSERT_EQ(report.status, Status::solved);
    EXPECT_TRUE(report.differentiable);
    double sides = 0;
    for (std::size_t i = 0; i < g.u.size(); ++i)
      sides = std::fmax(sides, std::fabs(g.l[i] + g.u[i]));
    EXPECT_GT(sides, 0);
    for (double v : g.q) EXPECT_NEAR(v, 0, 1e-9 * (1 + sides));
    for (std::size_t i = 0; i < g.u.size(); ++i) {  // A_A'd = g
      if (k.y[i] == 0) {
        EXPECT_EQ(g.l[i] + g.u[i], 0);
      }
    }
    for (std::size_t j = 0; j < 8; ++j) {
      double sum = 0;
      for (std::size_t i = 0; i < g.u.size(); ++i)
        sum += k.problem.A[8 * i + j] * (g.l[i] + g.u[i]);
      EXPECT_NEAR(sum, 1, 1e-7 * (1 + sides));
    }
  }
}

/// An element of the generalised Jacobian is all that can be asked for.
TEST(Methods, SolutionsThatAreNotUniqueAreFlaggedAndTheirGradientIsFinite) {
  for (int rank : {0, 3})
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE("rank " + std::to_string(rank) + ", seed " + std::to_string(seed));
      const KnownProblem k =
          random_known({.n = 8, .equalities = 1, .active = 2, .inactive = 8, .rank_P = rank}, seed);
      const auto [report, g] = gradient_of_the_sum(k.problem);
      ASSERT_EQ(report.status, Status::solved);
      EXPECT_FALSE(report.differentiable);
      for (const auto* v : {&g.P, &g.q, &g.A, &g.l, &g.u})
        for (double e : *v) EXPECT_TRUE(std::isfinite(e));
    }
}

TEST(Methods, InfeasibleAndUnboundedAreCertifiedByEither) {
  for (Method method : {Method::automatic, Method::interior_point})
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      SCOPED_TRACE(std::string(to_string(method)) + ", seed " + std::to_string(seed));
      const DenseProblem primal = random_primal_infeasible(6, 12, seed);
      const auto a = solve(Batch<double>(primal), {.method = method});
      ASSERT_EQ(a.report[0].status, Status::primal_infeasible);
      const PrimalCertificate c = primal_certificate(primal, a.y_of(0));
      EXPECT_NEAR(double(c.h), -1, 1e-8);
      EXPECT_LE(double(c.Aty), 1e-8);
      EXPECT_EQ(double(c.wrong_side), 0);
      const DenseProblem dual = random_dual_infeasible(6, 12, seed);
      const auto b = solve(Batch<double>(dual), {.method = method});
      ASSERT_EQ(b.report[0].status, Status::dual_infeasible);
      const DualCertificate d = dual_certificate(dual, b.x_of(0));
      EXPECT_NEAR(double(d.qd), -1, 1e-8);
      EXPECT_LE(double(d.Pd), 1e-8);
      EXPECT_LE(double(d.rows), 1e-8);
    }
}

TEST(Methods, TheReportNamesTheOneThatFinished) {
  const Batch<double> qp(random_known({.n = 12}, 1).problem);
  EXPECT_EQ(solve(qp).report[0].method, Method::admm);
  EXPECT_EQ(solve(qp, {.method = Method::interior_point}).report[0].method, Method::interior_point);
  const Batch<double> lp(
      random_known({.n = 8, .equalities = 3, .active = 5, .rank_P = 0}, 1).problem);
  EXPECT_EQ(solve(lp).report[0].method, Method::interior_point);
}

TEST(Methods, AMixedBatchEqualsItsSinglesBitByBit) {
  std::vector<DenseProblem> problems;
  for (int b = 0; b < 12; ++b) {
    KnownOptions o{.n = 9, .equalities = 2, .active = 5, .inactive = 6};
    o.rank_P = b % 3 == 0 ? -1 : b % 3 == 1 ? 0 : 5;
    problems.push_back(random_known(o, std::uint64_t(b + 1)).problem);
  }
  for (Method method : {Method::automatic, Method::interior_point})
    for (int threads : {1, 2}) {
      const Settings settings{.method = method, .threads = threads};
      const auto together = solve(Batch<double>(problems), settings);
      for (int b = 0; b < 12; ++b) {
        const auto alone = solve(Batch<double>(problems[std::size_t(b)]), settings);
        EXPECT_TRUE(same_bits(together.x_of(b), alone.x_of(0), 9)) << "problem " << b;
        EXPECT_TRUE(same_bits(together.y_of(b), alone.y_of(0), 13)) << "problem " << b;
      }
    }
}

}  // namespace
}  // namespace bpqp::test
