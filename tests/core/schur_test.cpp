// S + mu I seen through memory (z-form) and through Y (x-form): both must be the same operator.
#include "core/schur.hpp"

#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::Workbench;

BPQP_ON_EVERY_TEAM(SchurOf);

/// One column (rows of `list`) of S + mu I, then v - (S + mu I)(:, list) d.
std::vector<double> column_and_move(Workbench& s, bool from_Y, double mu, const auto& run) {
  std::vector<int> list = {4, 0, 7, 2, 9, 5};
  std::vector<double> d = {1, -2, 0.5, 3, 0, -1}, column(6, test::kNaN), v(std::size_t(s.m), 1);
  run([&](const auto& team) {
    s.condense(team);
    s.sides(team);
    Schur<double> schur = s.schur();
    schur.mu = mu;
    if (from_Y) schur.S = nullptr;
    schur.column(team, 2, list.data(), 6, column.data());
    schur.move(team, list.data(), 6, d.data(), v.data());
  });
  for (std::size_t i = 0; i < v.size(); ++i) {
    double expected = 1;
    for (std::size_t j = 0; j < list.size(); ++j)
      expected -= (s.c.S[list[j] * s.m + int(i)] + (int(i) == list[j] ? mu : 0)) * d[j];
    EXPECT_NEAR(v[i], expected, 1e-11);
  }
  for (std::size_t j = 0; j < list.size(); ++j)
    EXPECT_NEAR(column[j], s.c.S[2 * s.m + list[j]] + (list[j] == 2 ? mu : 0), 1e-11);
  column.insert(column.end(), v.begin(), v.end());
  return column;
}

TEST_P(SchurOf, MemoryAndYAreTheSameOperator) {
  for (double mu : {0.0, 0.25})
    for (bool from_Y : {false, true}) {
      Workbench s(test::random_known({.n = 9}, 1).problem);
      column_and_move(s, from_Y, mu, *this);
    }
}

/// P = I, A = [1 0; 1 1]: S = [1 1; 1 2].
TEST_P(SchurOf, ReachesAClosedForm) {
  Workbench s({2, 2, {1, 0, 0, 1}, {0, 0}, {1, 0, 1, 1}, {0, 0}, {1, 1}, {}});
  const int list[] = {1};
  const double d[] = {3};
  double v[] = {0, 0};
  run([&](const auto& team) {
    s.condense(team);
    s.sides(team);
    s.schur().move(team, list, 1, d, v);
  });
  EXPECT_EQ(v[0], -3);
  EXPECT_EQ(v[1], -6);
  EXPECT_EQ(s.schur().pivot(1), 2);
}

TEST_P(SchurOf, ItsDiagonalGivesTheFirstStepSize) {
  Workbench s({2, 2, {1, 0, 0, 1}, {0, 0}, {1, 0, 1, 1}, {0, 0}, {1, 1}, {}});
  for (bool from_Y : {false, true}) {
    double diagonal[] = {0, 0}, rho = 0, none = 0;
    run([&](const auto& team) {
      s.condense(team);
      schur_diagonal(team, s.c.Y, from_Y ? nullptr : s.c.S, 2, 2, diagonal);
      keep(team, starting_rho(team, diagonal, 2), rho);
      keep(team, starting_rho(team, diagonal, 0), none);
    });
    EXPECT_EQ(diagonal[0], 1);
    EXPECT_EQ(diagonal[1], 2);
    EXPECT_EQ(rho, 2.0 / 3);
    EXPECT_EQ(none, 1);  // no rows
  }
}

TEST_P(SchurOf, CarriesNaNOn) {
  Workbench s(test::random_known({.n = 9}, 2).problem);
  const int list[] = {3};
  const double d[] = {test::kNaN};
  std::vector<double> v(std::size_t(s.m), 1);
  run([&](const auto& team) {
    s.condense(team);
    s.sides(team);
    s.schur().move(team, list, 1, d, v.data());
  });
  for (double e : v) EXPECT_TRUE(std::isnan(e));
}

TEST(Schur, DoesNotDependOnTheTeam) {
  for (bool from_Y : {false, true})
    test::expect_team_independent(
        [&](const auto& run) {
          Workbench s(test::random_known({.n = 9}, 3).problem);
          return column_and_move(s, from_Y, 0.5, run);
        },
        1e-12);
}

}  // namespace
}  // namespace bpqp::core
