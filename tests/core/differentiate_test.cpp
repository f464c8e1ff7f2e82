// KKT points from elsewhere (docs/math.md section 9), convex or not, against the oracle's adjoint.
#include "core/differentiate.hpp"

#include "support/oracle.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::DenseProblem;
using test::keep;
using test::Workbench;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(Differentiate);

struct Outcome {
  ForwardReport report;
  KktReport adjoint;
  Values wd;
};

/// Attaches the point whose active rows are those with side != 0 and solves for g = (1, 2, ...).
Outcome attach(Workbench& s, const std::vector<int>& side, const auto& run) {
  Outcome out;
  Values g_x, g_y;
  for (int j = 0; j < s.n; ++j) g_x.push_back(1 + j);
  for (int i = 0; i < s.m; ++i) g_y.push_back(2 - i);
  run([&](const auto& team) {
    WorkingSet<double> w = s.set;
    for (int i : team.items(s.m)) {
      w.side[i] = static_cast<signed char>(side[std::size_t(i)]);
      w.y[i] = w.change[i] = 0;
    }
    team.sync();
    const ForwardReport report = attach_point(team, s.view, 4, s.c, w, s.work);
    keep(team, report, out.report);
    if (report.status != Status::solved) return;
    keep(
        team,
        solve_active_kkt<false>(
            team, s.view, s.c, w, s.work, g_x.data(), g_y.data(), s.w.data(), s.d.data()),
        out.adjoint);
  });
  out.wd = s.w;
  out.wd.insert(out.wd.end(), s.d.begin(), s.d.end());
  return out;
}

void expect_oracle(const DenseProblem& p, const std::vector<int>& side, const Values& wd) {
  test::ExactSolution point;
  point.side = side;
  point.x.assign(std::size_t(p.n), 0);
  point.y.assign(std::size_t(p.m), 0);
  test::LongVector g_x, g_y;
  for (int j = 0; j < p.n; ++j) g_x.push_back(1 + j);
  for (int i = 0; i < p.m; ++i) g_y.push_back(2 - i);
  const test::Adjoint a = test::adjoint(p, point, g_x, g_y);
  ASSERT_TRUE(a.regular);
  const std::size_t n = a.w.size();
  for (std::size_t j = 0; j < wd.size(); ++j) {
    const double expected = double(j < n ? a.w[j] : a.d[j - n]);
    EXPECT_NEAR(wd[j], expected, 1e-8 * (1 + std::fabs(expected)));
  }
}

TEST_P(Differentiate, AConvexPointGivesTheAdjointOfItsProblem) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto known = test::random_known({.n = 9}, seed);
    Workbench s(known.problem);
    const auto side = test::sides_of(known.y);
    const Outcome r = attach(s, side, *this);
    ASSERT_EQ(r.report.status, Status::solved);
    EXPECT_TRUE(r.report.differentiable);
    EXPECT_LT(r.adjoint.residual, 1e-11);
    expect_oracle(s.dense, side, r.wd);
  }
}

/// P = diag(1, -1) on the row x2 = 0: positive definite where it counts. w = (1, g_y), and
/// d = 2 + w2: K [w; d] = [1, 2; g_y = 2].
TEST_P(Differentiate, ANonConvexHessianNeedsOnlyTheNullSpaceOfTheRows) {
  Workbench s({2, 1, {1, 0, 0, -1}, {0, 0}, {0, 1}, {0}, {0}, {}});
  const Outcome r = attach(s, {1}, *this);
  ASSERT_EQ(r.report.status, Status::solved);
  EXPECT_NEAR(r.wd[0], 1, 1e-12);
  EXPECT_NEAR(r.wd[1], 2, 1e-12);
  EXPECT_NEAR(r.wd[2], 4, 1e-12);
}

TEST_P(Differentiate, RandomNonConvexPointsMatchTheOracle) {
  int attached = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    // P minus a multiple of a_0 a_0': indefinite, but not on the null space of row 0.
    auto known = test::random_known({.n = 8}, seed);
    DenseProblem& p = known.problem;
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < 8; ++j) p.P[std::size_t(8 * i + j)] -= 2 * p.row(0)[i] * p.row(0)[j];
    Workbench s(p);
    const auto side = test::sides_of(known.y);
    const Outcome r = attach(s, side, *this);
    if (r.report.status != Status::solved) continue;
    ++attached;
    EXPECT_GT(s.c.report.gamma, 0);
    expect_oracle(p, side, r.wd);
  }
  EXPECT_EQ(attached, 6);
}

TEST_P(Differentiate, RefusesAHessianThatIsNegativeOnTheNullSpace) {
  Workbench s({2, 1, {-1, 0, 0, 1}, {0, 0}, {0, 1}, {0}, {0}, {}});
  EXPECT_EQ(attach(s, {1}, *this).report.status, Status::non_convex);
}

TEST_P(Differentiate, SaysThatDependentRowsHaveNoDerivative) {
  const auto known = test::random_known({.n = 8, .redundant = 1}, 5);
  Workbench s(known.problem);
  const Outcome r = attach(s, test::sides_of(known.y), *this);
  EXPECT_EQ(r.report.status, Status::numerical_error);  // as solver.hpp says: K is singular
  EXPECT_FALSE(r.report.differentiable);
}

TEST_P(Differentiate, RefusesNaN) {
  for (bool in_P : {true, false}) {
    auto known = test::random_known({.n = 8}, 6);
    (in_P ? known.problem.P : known.problem.A)[9] = test::kNaN;
    Workbench s(known.problem);
    EXPECT_EQ(attach(s, test::sides_of(known.y), *this).report.status, Status::invalid_input);
  }
}

TEST(Differentiate, DoesNotDependOnTheTeam) {
  test::expect_team_independent(
      [](const auto& run) {
        auto known = test::random_known({.n = 8}, 7);
        for (std::size_t j = 0; j < 8; ++j) known.problem.P[9 * j] -= 0.2;
        Workbench s(known.problem);
        return attach(s, test::sides_of(known.y), run).wd;
      },
      1e-8);
}

}  // namespace
}  // namespace bpqp::core
