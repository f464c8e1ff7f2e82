// Guess and block exchange against the oracle: from the multipliers' signs to the verified set.
#include "core/exchange.hpp"

#include "support/oracle.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::Workbench;

BPQP_ON_EVERY_TEAM(Exchange);

struct Outcome {
  int rounds = 0, last = -1;
  std::vector<double> y;
  std::vector<int> side;
};

/// Rounds of exchange (at most `limit`) from the signs of y_start.
Outcome exchange(Workbench& s, const std::vector<double>& y_start, int limit, const auto& run) {
  Outcome out;
  run([&](const auto& team) {
    s.condense(team);
    RowSides<double> rows = s.sides(team);
    s.activities(team);
    WorkingSet<double> w = s.set;
    for (int i : team.items(s.m)) w.y[i] = y_start[std::size_t(i)];
    team.sync();
    guess_sides(team, s.m, s.work.l, s.work.u, w);
    // v follows the guess: v = c - S y.
    const Schur<double> schur = s.schur();
    for (int i : team.items(s.m)) {
      s.work.list[i] = i;
      s.work.kkt.a[i] = w.y[i];
    }
    team.sync();
    schur.move(team, s.work.list, s.m, s.work.kkt.a, s.work.v);
    int round = 0, last = -1;
    for (; round < limit && last != 0; ++round)
      last = exchange_round(team, schur, rows, w, s.work.v, s.work.list, s.work.kkt.a);
    keep(team, round, out.rounds);
    keep(team, last, out.last);
  });
  out.y.assign(s.set.y, s.set.y + s.m);
  out.side.assign(s.set.side, s.set.side + s.m);
  return out;
}

/// min 1/2 x^2 - 3 x, x <= 1: y = 2 at the upper side, from no guess in two rounds.
TEST_P(Exchange, ReachesTheClosedFormOfOneBound) {
  Workbench s({1, 1, {1}, {-3}, {1}, {-1e30}, {1}, {}});
  const Outcome r = exchange(s, {0}, 5, *this);
  EXPECT_EQ(r.last, 0);
  EXPECT_EQ(r.rounds, 2);
  EXPECT_EQ(r.y, std::vector<double>{2});
  EXPECT_EQ(r.side, std::vector<int>{1});
}

TEST_P(Exchange, VerifiesTheRightGuessInOneRound) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const auto known = test::random_known({.n = 8}, seed);
    Workbench s(known.problem);
    const Outcome r = exchange(s, known.y, 5, *this);
    EXPECT_EQ(r.last, 0);
    EXPECT_EQ(r.rounds, 1);
    for (std::size_t i = 0; i < known.y.size(); ++i) EXPECT_NEAR(r.y[i], known.y[i], 1e-11);
  }
}

TEST_P(Exchange, EndsAtTheOraclesSolutionFromNoGuess) {
  int ended = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    const auto known = test::random_known({.n = 9, .inactive = 4}, seed);
    Workbench s(known.problem);
    const Outcome r = exchange(s, std::vector<double>(std::size_t(s.m), 0), 20, *this);
    if (r.last != 0) continue;  // block exchange may cycle; the dual method takes over then
    ++ended;
    for (std::size_t i = 0; i < known.y.size(); ++i) EXPECT_NEAR(r.y[i], known.y[i], 1e-10);
  }
  EXPECT_GE(ended, 8);
}

TEST_P(Exchange, KeepsDependentRowsOut) {
  const auto known = test::random_known({.n = 8, .dependent = 1, .redundant = 1}, 3);
  Workbench s(known.problem);
  const Outcome r = exchange(s, known.y, 1, *this);
  int kept = 0;
  for (int side : r.side) kept += side != 0;
  EXPECT_LE(kept, s.n);
  for (double v : r.y) EXPECT_TRUE(std::isfinite(v));
}

TEST_P(Exchange, NeverVerifiesNaN) {
  auto known = test::random_known({.n = 8}, 4);
  known.problem.q[2] = test::kNaN;
  Workbench s(known.problem);
  EXPECT_NE(exchange(s, known.y, 3, *this).last, 0);
}

TEST(RowSides, MeasureViolationBeyondToleranceAndNoise) {
  const double l[] = {0}, u[] = {2};
  RowSides<double> rows{l, u, 1e-3, 0};
  EXPECT_EQ(rows.violation(0, 1), 0);
  EXPECT_EQ(rows.violation(0, 2.002), 0);
  EXPECT_DOUBLE_EQ(rows.violation(0, 3), 1);
  EXPECT_DOUBLE_EQ(rows.violation(0, -0.5), -0.5);
  rows.noise = 2;
  EXPECT_EQ(rows.violation(0, 3), 0);
  EXPECT_TRUE(std::isnan(rows.violation(0, test::kNaN)));
}

TEST_P(Exchange, GuessesFromTheSignsOfExistingSides) {
  // rows: equality, two-sided, no upper side, no lower side
  Workbench s({1, 4, {1}, {0}, {1, 1, 1, 1}, {1, 0, 0, -1e30}, {1, 2, 1e30, 2}, {}}, true);
  std::vector<signed char> side;
  run([&](const auto& team) {
    s.condense(team);
    s.sides(team);
    for (int i : team.items(4)) s.set.y[i] = i == 3 ? -1 : 1;
    team.sync();
    guess_sides(team, 4, s.work.l, s.work.u, s.set);
  });
  side.assign(s.set.side, s.set.side + 4);
  EXPECT_EQ(side, (std::vector<signed char>{1, 1, 0, 0}));
  EXPECT_EQ(s.set.y[2], 0);
  EXPECT_EQ(s.set.y[3], 0);
}

TEST(Exchange, DoesNotDependOnTheTeam) {
  test::expect_team_independent(
      [](const auto& run) {
        const auto known = test::random_known({.n = 9, .inactive = 4}, 2);
        Workbench s(known.problem);
        return exchange(s, known.y, 20, run).y;
      },
      1e-11);
}

}  // namespace
}  // namespace bpqp::core
