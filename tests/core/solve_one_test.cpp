// The whole forward pass of one problem on every team, judged by the oracle.
#include "core/solve_one.hpp"

#include "support/oracle.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::DenseProblem;
using test::keep;
using test::Workbench;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(SolveOne);

/// Condenses and solves as the library does, into s.x, s.y.
template <class D>
ForwardReport solve_view(
    Workbench& s,
    const ProblemView<D>& p,
    const ForwardOptions& options,
    bool warm,
    const auto& run) {
  ForwardReport out;
  run([&](const auto& team) {
    const CondenseReport condensed = condense(team, p, options.scaling, s.c, s.work.v, s.work.h);
    keep(team, condensed, s.c.report);
    team.sync();
    ForwardReport report;
    report.status = check_vectors(team, p);
    if (condensed.outcome == Condensing::non_convex) report.status = Status::non_convex;
    if (condensed.outcome == Condensing::not_finite) report.status = Status::invalid_input;
    if (report.status == Status::solved) {
      WorkingSet<double> w = s.set;
      report = solve_one(team, p, options, s.c, w, s.work, warm, s.x.data(), s.y.data());
    }
    keep(team, report, out);
  });
  return out;
}

ForwardReport solve(Workbench& s, const auto& run, const ForwardOptions& options = {}) {
  return solve_view(s, s.view, options, false, run);
}

/// (1, 2.5) projects to (0, 1): min 1/2 |x|^2 - x1 - 2.5 x2, x1 + x2 = 1, x >= 0.
TEST_P(SolveOne, ProjectsOntoTheSimplex) {
  Workbench s({2, 3, {1, 0, 0, 1}, {-1, -2.5}, {1, 1, 1, 0, 0, 1}, {1, 0, 0}, {1, 1e30, 1e30}, {}});
  const ForwardReport r = solve(s, *this);
  EXPECT_EQ(r.status, Status::solved);
  EXPECT_TRUE(r.verified && r.differentiable);
  EXPECT_NEAR(s.x[0], 0, 1e-14);
  EXPECT_NEAR(s.x[1], 1, 1e-14);
  EXPECT_NEAR(s.y[0], 1.5, 1e-14);   // x2 - 2.5 + y0 = 0
  EXPECT_NEAR(s.y[1], -0.5, 1e-14);  // x1 - 1 + y0 + y1 = 0
  EXPECT_NEAR(r.residuals.objective, -2, 1e-14);
}

TEST_P(SolveOne, FindsKnownSolutions) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    const auto known = test::random_known(
        {.n = 5 + int(seed), .inactive = seed % 2 ? 6 : 30, .free_rows = 1, .row_spread = 1}, seed);
    Workbench s(known.problem);
    const ForwardReport r = solve(s, *this);
    ASSERT_EQ(r.status, Status::solved);
    EXPECT_TRUE(r.verified && r.differentiable);
    EXPECT_LT(double(test::kkt_errors(s.dense, s.x.data(), s.y.data()).worst()), 1e-10);
    for (std::size_t j = 0; j < known.x.size(); ++j) EXPECT_NEAR(s.x[j], known.x[j], 1e-8);
    for (std::size_t i = 0; i < known.y.size(); ++i)
      EXPECT_EQ(s.y[i] == 0, known.y[i] == 0) << "row " << i;
  }
}

TEST_P(SolveOne, SolvesDegenerateProblemsAndSaysSo) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    const auto known =
        test::random_known({.n = 8, .weakly_active = 1, .dependent = 1, .redundant = 1}, seed);
    Workbench s(known.problem);
    const ForwardReport r = solve(s, *this);
    ASSERT_EQ(r.status, Status::solved);
    EXPECT_FALSE(r.differentiable);
    EXPECT_LT(double(test::kkt_errors(s.dense, s.x.data(), s.y.data()).worst()), 1e-8);
    for (std::size_t j = 0; j < known.x.size(); ++j) EXPECT_NEAR(s.x[j], known.x[j], 1e-6);
  }
}

TEST_P(SolveOne, SolvesSingularProblems) {
  for (int rank : {0, 3})
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      SCOPED_TRACE(rank);
      const auto known = test::random_known({.n = 7, .active = 5, .rank_P = rank}, seed);
      Workbench s(known.problem);
      const ForwardReport r = solve(s, *this);
      EXPECT_EQ(r.status, Status::solved);
      EXPECT_LT(double(test::kkt_errors(s.dense, s.x.data(), s.y.data()).worst()), 1e-6);
    }
}

TEST_P(SolveOne, CertifiesInfeasibleProblems) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    Workbench primal(test::random_primal_infeasible(5, 9, seed));
    ASSERT_EQ(solve(primal, *this).status, Status::primal_infeasible);
    const auto c = test::primal_certificate(primal.dense, primal.y.data());
    EXPECT_NEAR(double(c.h), -1, 1e-9);
    EXPECT_LE(double(c.Aty), 1e-8);
    EXPECT_EQ(double(c.wrong_side), 0);

    Workbench dual(test::random_dual_infeasible(6, 8, seed));
    ASSERT_EQ(solve(dual, *this).status, Status::dual_infeasible);
    const auto d = test::dual_certificate(dual.dense, dual.x.data());
    EXPECT_NEAR(double(d.qd), -1, 1e-9);
    EXPECT_LE(double(d.Pd), 1e-8);
    EXPECT_LE(double(d.rows), 1e-8);
  }
}

TEST_P(SolveOne, JudgesItsInput) {
  const DenseProblem good = test::random_known({.n = 6}, 1).problem;
  const auto status = [&](auto change) {
    DenseProblem p = good;
    change(p);
    Workbench s(p);
    return solve(s, *this).status;
  };
  const double inf = INFINITY;
  EXPECT_EQ(status([](DenseProblem& p) { p.P[0] = test::kNaN; }), Status::invalid_input);
  EXPECT_EQ(status([](DenseProblem& p) { p.A[3] = test::kNaN; }), Status::invalid_input);
  EXPECT_EQ(status([](DenseProblem& p) { p.q[1] = test::kNaN; }), Status::invalid_input);
  EXPECT_EQ(status([&](DenseProblem& p) { p.q[1] = inf; }), Status::invalid_input);
  EXPECT_EQ(status([](DenseProblem& p) { p.l[0] = test::kNaN; }), Status::invalid_input);
  EXPECT_EQ(status([&](DenseProblem& p) { p.l[0] = inf; }), Status::invalid_input);
  EXPECT_EQ(status([&](DenseProblem& p) { p.u[0] = -inf; }), Status::invalid_input);
  EXPECT_EQ(status([](DenseProblem& p) { p.l[0] = p.u[0] + 1; }), Status::primal_infeasible);
  EXPECT_EQ(status([](DenseProblem& p) { p.P[0] = -1; }), Status::non_convex);
}

TEST_P(SolveOne, WithoutRowsIsALinearSystem) {
  Workbench s({2, 0, {2, 0, 0, 4}, {2, 4}, {}, {}, {}, {}});
  EXPECT_EQ(solve(s, *this).status, Status::solved);
  for (double v : s.x) EXPECT_NEAR(v, -1, 1e-15);
}

TEST_P(SolveOne, FromItsSolutionNeedsNoMoreExchanges) {
  const auto known = test::random_known({.n = 8}, 2);
  Workbench s(known.problem);
  s.x = known.x, s.y = known.y;
  const ForwardReport r = solve_view(s, s.view, {}, true, *this);
  EXPECT_EQ(r.status, Status::solved);
  EXPECT_EQ(r.exchanges, 0);
  EXPECT_EQ(r.iterations, 0);
}

/// Active sets for P > 0, the interior point method for the rest, either alone where it is asked
/// for.
TEST_P(SolveOne, NamesTheMethodThatFinished) {
  const DenseProblem qp = test::random_known({.n = 7}, 4).problem;
  const DenseProblem lp =
      test::random_known({.n = 6, .equalities = 2, .active = 4, .rank_P = 0}, 4).problem;
  const auto method_of = [&](const DenseProblem& p, Method method) {
    Workbench s(p);
    ForwardOptions options;
    options.method = method;
    const ForwardReport r = solve(s, *this, options);
    EXPECT_EQ(r.status, Status::solved);
    EXPECT_TRUE(r.verified && r.differentiable);
    return r.method;
  };
  EXPECT_EQ(method_of(qp, Method::automatic), Method::admm);
  EXPECT_EQ(method_of(lp, Method::automatic), Method::interior_point);
  for (Method method : {Method::admm, Method::interior_point})
    EXPECT_EQ(method_of(qp, method), method);
  Workbench crossed({1, 1, {1}, {0}, {1}, {2}, {1}, {}});
  EXPECT_EQ(solve(crossed, *this).method, Method::automatic);  // none was needed
}

TEST_P(SolveOne, WithoutPolishIsPlainAdmm) {
  const auto known = test::random_known({.n = 8}, 3);
  Workbench s(known.problem);
  ForwardOptions options;
  options.polish = false;
  const ForwardReport r = solve(s, *this, options);
  EXPECT_EQ(r.status, Status::solved);
  EXPECT_FALSE(r.verified || r.differentiable);
  EXPECT_EQ(r.exchanges, 0);
  for (std::size_t j = 0; j < known.x.size(); ++j) EXPECT_NEAR(s.x[j], known.x[j], 1e-4);
}

/// This problem takes dozens of passes; out of time, the first is the last.
TEST_P(SolveOne, EndsAfterThePassInWhichTimeRunsOut) {
  Workbench full(test::random_known({.n = 7, .active = 5, .rank_P = 3}, 4).problem);
  Workbench s(full.dense);
  ASSERT_EQ(solve(full, *this).status, Status::solved);
  ForwardOptions options;
  options.expired = [](const void*) { return true; };
  const ForwardReport r = solve(s, *this, options);
  EXPECT_TRUE(std::isfinite(r.residuals.worst_relative()));
  EXPECT_NE(s.x, full.x);
}

TEST_P(SolveOne, ReadsFloatData) {
  const auto known = test::random_known({.n = 8}, 5);
  const DenseProblem& p = known.problem;
  const auto narrow = [](const Values& v) { return std::vector<float>(v.begin(), v.end()); };
  const auto P = narrow(p.P), q = narrow(p.q), A = narrow(p.A), l = narrow(p.l), u = narrow(p.u);
  const ProblemView<float> view{p.n, p.m, P.data(), q.data(), A.data(), l.data(), u.data()};
  Workbench s(p);
  EXPECT_EQ(solve_view(s, view, {}, false, *this).status, Status::solved);
  for (std::size_t j = 0; j < known.x.size(); ++j) EXPECT_NEAR(s.x[j], known.x[j], 1e-4);
}

TEST(SolveOne, DoesNotDependOnTheTeam) {
  for (int rank : {-1, 4})
    for (int inactive : {6, 30}) {
      SCOPED_TRACE(rank);
      test::expect_team_independent(
          [&](const auto& run) {
            Workbench s(
                test::random_known({.n = 8, .active = 4, .inactive = inactive, .rank_P = rank}, 6)
                    .problem);
            const ForwardReport r = solve(s, run);
            Values out = s.x;
            out.insert(out.end(), s.y.begin(), s.y.end());
            out.push_back(double(r.status));
            out.push_back(r.differentiable);
            return out;
          },
          rank < 0 ? 1e-9 : 1e-6);
    }
}

}  // namespace
}  // namespace bpqp::core
