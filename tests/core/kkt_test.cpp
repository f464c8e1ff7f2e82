// The KKT system of the active rows (docs/math.md section 7) against elimination in long double.
#include "core/kkt.hpp"

#include "support/elimination.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::KnownProblem;
using test::Workbench;
using Long = long double;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(Kkt);

/// (w, d), d zero off the set.
std::vector<Long> by_elimination(
    const test::DenseProblem& p,
    const std::vector<int>& side,
    const Values& g_x,
    const Values& g_y) {
  std::vector<int> rows;
  for (int i = 0; i < p.m; ++i)
    if (side[std::size_t(i)] != 0) rows.push_back(i);
  const int k = int(rows.size());
  test::Dense<Long> K(p.n + k, p.n + k);
  std::vector<Long> b(g_x.begin(), g_x.end());
  for (int j = 0; j < p.n; ++j) {
    for (int i = 0; i < p.n; ++i) K(i, j) = p.p(i, j);
    for (int a = 0; a < k; ++a) K(j, p.n + a) = K(p.n + a, j) = p.row(rows[std::size_t(a)])[j];
  }
  for (int row : rows) b.push_back(g_y[std::size_t(row)]);
  const test::Elimination<Long> solver(K);
  EXPECT_TRUE(solver.regular());
  const std::vector<Long> v = solver.solve(b);
  std::vector<Long> out(v.begin(), v.begin() + p.n);
  out.resize(std::size_t(p.n + p.m), 0);
  for (int a = 0; a < k; ++a)
    out[std::size_t(p.n + rows[std::size_t(a)])] = v[std::size_t(p.n + a)];
  return out;
}

struct Outcome {
  KktReport report;
  Values wd;
};

Outcome solve(
    Workbench& s,
    const std::vector<int>& side,
    int scaling_passes,
    const Values* g_x,
    const Values* g_y,
    const auto& run) {
  Outcome out;
  run([&](const auto& team) {
    s.condense(team, scaling_passes);
    s.sides(team);
    const WorkingSet<double> w = s.working_set(team, side);
    const DirectKkt<double> direct{&s.c, &w, s.n, s.m, s.work.v};
    const double *x = g_x ? g_x->data() : nullptr, *y = g_y ? g_y->data() : nullptr;
    keep(
        team, kkt_solve(team, s.view, s.c, w, direct, x, y, s.w.data(), s.d.data(), s.work.kkt),
        out.report);
  });
  out.wd = s.w;
  out.wd.insert(out.wd.end(), s.d.begin(), s.d.end());
  return out;
}

struct RightHandSide {
  RightHandSide(const Workbench& s, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    x = test::normals(std::size_t(s.n), engine);
    y = test::normals(std::size_t(s.m), engine);
  }
  Values x, y;
};

/// P = I, one row (1, 1), right-hand side ((1, 0), 0): w = (1/2, -1/2), d = 1/2.
TEST_P(Kkt, ReachesTheClosedFormOfOneRow) {
  Workbench s({2, 1, {1, 0, 0, 1}, {0, 0}, {1, 1}, {1}, {1}, {}});
  const Values g = {1, 0};
  const Outcome r = solve(s, {1}, 0, &g, nullptr, *this);
  EXPECT_NEAR(r.wd[0], 0.5, 1e-15);
  EXPECT_NEAR(r.wd[1], -0.5, 1e-15);
  EXPECT_NEAR(r.wd[2], 0.5, 1e-15);
  EXPECT_LT(r.report.residual, 1e-14);
}

TEST_P(Kkt, MatchesEliminationOnRandomProblems) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    for (int passes : {0, 4})
      for (int rows : {2, 30}) {  // z-form and x-form
        SCOPED_TRACE(seed);
        const KnownProblem known = test::random_known(
            {.n = 9, .inactive = rows, .row_spread = 1, .column_spread = 1}, seed);
        Workbench s(known.problem);
        const RightHandSide g(s, seed);
        const auto side = test::sides_of(known.y);
        const Outcome r = solve(s, side, passes, &g.x, &g.y, *this);
        EXPECT_LT(r.report.residual, 1e-11);
        const auto expected = by_elimination(s.dense, side, g.x, g.y);
        Long size = 1;
        for (Long v : expected) size = std::fmax(size, std::fabs(v));
        for (std::size_t i = 0; i < r.wd.size(); ++i)
          EXPECT_NEAR(r.wd[i], double(expected[i]), 1e-9 * double(size));
      }
}

/// P is singular, K is not: refinement takes the proximal term out again.
TEST_P(Kkt, SolvesWithASingularP) {
  for (int rank : {0, 4}) {
    const int n = 6, active = rank == 0 ? 4 : 2;
    const KnownProblem known =
        test::random_known({.n = n, .equalities = 2, .active = active, .rank_P = rank}, 5);
    Workbench s(known.problem);
    const RightHandSide g(s, 6);
    const auto side = test::sides_of(known.y);
    const Outcome r = solve(s, side, 4, &g.x, &g.y, *this);
    EXPECT_LT(r.report.residual, 1e-9);
    const auto expected = by_elimination(s.dense, side, g.x, g.y);
    for (std::size_t i = 0; i < r.wd.size(); ++i)
      EXPECT_NEAR(r.wd[i], double(expected[i]), 1e-6 * (1 + std::fabs(double(expected[i]))));
  }
}

TEST_P(Kkt, TakesNullAsZeroAndIgnoresWhatIsOffTheSet) {
  const KnownProblem known = test::random_known({.n = 9}, 7);
  Workbench s(known.problem);
  const RightHandSide g(s, 8);
  const auto side = test::sides_of(known.y);
  Values g_y = g.y;
  for (std::size_t i = 0; i < side.size(); ++i)
    if (side[i] == 0) g_y[i] = 1e6;
  EXPECT_EQ(solve(s, side, 0, &g.x, &g.y, *this).wd, solve(s, side, 0, &g.x, &g_y, *this).wd);
  const Values zero_x(9, 0), zero_y(g.y.size(), 0);
  EXPECT_EQ(solve(s, side, 0, nullptr, &g.y, *this).wd, solve(s, side, 0, &zero_x, &g.y, *this).wd);
  EXPECT_EQ(solve(s, side, 0, &g.x, nullptr, *this).wd, solve(s, side, 0, &g.x, &zero_y, *this).wd);
  const Outcome nothing = solve(s, side, 0, nullptr, nullptr, *this);
  EXPECT_EQ(nothing.wd, Values(nothing.wd.size(), 0));
  EXPECT_EQ(nothing.report.passes, 0);
}

TEST_P(Kkt, ReportsThatNaNIsNotSolved) {
  const KnownProblem known = test::random_known({.n = 9}, 9);
  Workbench s(known.problem);
  RightHandSide g(s, 10);
  g.x[2] = test::kNaN;
  const Outcome r = solve(s, test::sides_of(known.y), 0, &g.x, &g.y, *this);
  EXPECT_FALSE(r.report.residual < INFINITY);
}

TEST(Kkt, DoesNotDependOnTheTeam) {
  test::expect_team_independent(
      [](const auto& run) {
        const KnownProblem known = test::random_known({.n = 9}, 11);
        Workbench s(known.problem);
        const RightHandSide g(s, 12);
        return solve(s, test::sides_of(known.y), 4, &g.x, &g.y, run).wd;
      },
      1e-10);
}

}  // namespace
}  // namespace bpqp::core
