// The dual active-set method against the oracle, from no guess at all.
#include "core/dual_active_set.hpp"

#include "support/oracle.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::Workbench;

BPQP_ON_EVERY_TEAM(DualActiveSet);

struct Outcome {
  DualReport report;
  double noise = 0;  ///< RowSides::noise at the end
  std::vector<double> y, ray;
};

Outcome solve(Workbench& s, int limit, const auto& run) {
  Outcome out;
  run([&](const auto& team) {
    s.condense(team);
    RowSides<double> rows = s.sides(team);
    s.activities(team);
    WorkingSet<double> w = s.set;
    guess_sides(team, s.m, s.work.l, s.work.u, w);  // y = 0: the equalities
    const Schur<double> schur = s.schur();
    rebuild(team, schur, w, s.work.l, s.work.u, s.work.kkt.a);
    keep(
        team, dual_active_set(team, schur, rows, w, s.work.v, {s.work.kkt.a, s.work.price}, limit),
        out.report);
    keep(team, rows.noise, out.noise);
  });
  out.y.assign(s.set.y, s.set.y + s.m);
  out.ray.assign(s.set.change, s.set.change + s.m);
  return out;
}

/// min 1/2 |x|^2 subject to x1 + x2 >= 2: x = (1, 1), y = -1.
TEST_P(DualActiveSet, ReachesTheClosedFormOfAHalfSpace) {
  Workbench s({2, 1, {1, 0, 0, 1}, {0, 0}, {1, 1}, {2}, {1e30}, {}});
  const Outcome r = solve(s, 10, *this);
  EXPECT_EQ(r.report.outcome, DualOutcome::optimal);
  EXPECT_EQ(r.report.exchanges, 1);
  EXPECT_NEAR(r.y[0], -1, 1e-15);
}

TEST_P(DualActiveSet, FindsTheMultipliersOfRandomProblems) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    const auto known =
        test::random_known({.n = 6 + int(seed), .equalities = int(seed) % 3, .inactive = 14}, seed);
    Workbench s(known.problem, seed % 2 == 0);
    const Outcome r = solve(s, 200, *this);
    ASSERT_EQ(r.report.outcome, DualOutcome::optimal);
    for (std::size_t i = 0; i < known.y.size(); ++i) EXPECT_NEAR(r.y[i], known.y[i], 1e-9);
  }
}

/// More active rows than are independent: any multipliers that meet the KKT conditions are right.
TEST_P(DualActiveSet, SolvesDegenerateProblems) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    const auto known =
        test::random_known({.n = 8, .weakly_active = 2, .dependent = 2, .redundant = 1}, seed);
    Workbench s(known.problem);
    const Outcome r = solve(s, 200, *this);
    ASSERT_EQ(r.report.outcome, DualOutcome::optimal);
    const test::KktErrors e = test::kkt_errors(known.problem, known.x.data(), r.y.data());
    EXPECT_LT(double(e.dual), 1e-9);
    EXPECT_LT(double(e.gap), 1e-9);
  }
}

/// The ray: A'y = 0 and h(y) < 0. Where rounding lets a dependent row join the set, the multipliers
/// run off instead, and the noise says that the end proves nothing.
TEST_P(DualActiveSet, EndsInfeasibleProblemsWithARay) {
  int certified = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Workbench s(test::random_primal_infeasible(5, 9, seed), true);
    const Outcome r = solve(s, 200, *this);
    if (r.report.outcome == DualOutcome::optimal && r.noise > 1e-4) continue;
    ASSERT_EQ(r.report.outcome, DualOutcome::infeasible);
    ++certified;
    const test::PrimalCertificate c = test::primal_certificate(s.dense, r.ray.data());
    ASSERT_LT(double(c.h), 0);
    EXPECT_LT(double(c.Aty / -c.h), 1e-8);
    EXPECT_LT(double(c.wrong_side / -c.h), 1e-8);
  }
  EXPECT_GE(certified, 5);
}

TEST_P(DualActiveSet, GivesUpAtItsLimit) {
  const auto known = test::random_known({.n = 10, .active = 6}, 3);
  Workbench s(known.problem);
  EXPECT_EQ(solve(s, 2, *this).report.outcome, DualOutcome::exchange_limit);
}

TEST_P(DualActiveSet, SaysWhenArithmeticBreaksDown) {
  auto known = test::random_known({.n = 8}, 4);
  known.problem.q[1] = test::kNaN;
  Workbench s(known.problem);
  const Outcome r = solve(s, 50, *this);
  EXPECT_EQ(r.report.outcome, DualOutcome::failed);
}

TEST_P(DualActiveSet, PicksTheLargestAndOfTiesTheFirst) {
  Pick best{0, 0};
  run([&](const auto& team) {
    Pick mine{-1, -1};
    for (int i : team.items(40))
      if (i % 7 == 3 && !(1 <= mine.value)) mine = {1, i};
    keep(team, pick_largest(team, mine), best);
  });
  EXPECT_EQ(best.value, 1);
  EXPECT_EQ(best.index, 3);
}

TEST(DualActiveSet, DoesNotDependOnTheTeam) {
  test::expect_team_independent(
      [](const auto& run) {
        const auto known = test::random_known({.n = 9, .active = 5}, 5);
        Workbench s(known.problem);
        return solve(s, 100, run).y;
      },
      1e-10);
}

}  // namespace
}  // namespace bpqp::core
