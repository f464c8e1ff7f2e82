// The working set's factor S_WW = L L' through appends, removals and rebuilds.
#include "core/active_set.hpp"

#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::Workbench;
using Long = long double;

BPQP_ON_EVERY_TEAM(ActiveSet);

/// max |L L' - S_WW| over the set, relative to S.
double factor_error(const Workbench& s, int size) {
  Long worst = 0, scale = 0;
  for (int a = 0; a < size; ++a)
    for (int b = 0; b <= a; ++b) {
      Long sum = 0;
      for (int k = 0; k <= b; ++k) sum += Long(s.set.factor(a, k)) * s.set.factor(b, k);
      const Long entry = s.c.S[s.set.list[b] * s.m + s.set.list[a]];
      worst = std::fmax(worst, std::fabs(sum - entry));
      scale = std::fmax(scale, std::fabs(entry));
    }
  return size == 0 ? 0 : double(worst / scale);
}

std::vector<int> list_of(const Workbench& s, int size) {
  return {s.set.list, s.set.list + size};
}

TEST_P(ActiveSet, KeepsItsFactorThroughAppendsAndRemovals) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    Workbench s(test::random_known({.n = 10}, seed).problem);
    int size = -1;
    bool all_joined = true;
    run([&](const auto& team) {
      s.condense(team);
      s.sides(team);
      WorkingSet<double> w = s.set;
      bool joined = true;
      for (int row : {3, 9, 0, 12, 7, 1}) joined &= append(team, s.schur(), w, row, s.work.kkt.a);
      remove(team, w, 1);           // from inside
      remove(team, w, w.size - 1);  // the last
      remove(team, w, 0);           // the first
      for (int row : {1, 9}) joined &= append(team, s.schur(), w, row, s.work.kkt.a);
      keep(team, joined, all_joined);
      keep(team, w.size, size);
    });
    EXPECT_TRUE(all_joined);
    EXPECT_EQ(list_of(s, size), (std::vector<int>{0, 12, 7, 1, 9}));
    EXPECT_LT(factor_error(s, size), 1e-13);
  }
}

TEST_P(ActiveSet, RefusesDependentRowsAndMoreThanFit) {
  // n = 3: rows 0..2 independent, row 3 = row 0 + row 1, row 4 anything.
  Workbench s(
      {3,
       5,
       {1, 0, 0, 0, 2, 0, 0, 0, 3},
       {0, 0, 0},
       {1, 2, 0, 0, 1, 1, 1, 0, 5, 1, 3, 1, 2, 2, 2},
       {0, 0, 0, 0, 0},
       {1, 1, 1, 1, 1},
       {}},
      true);
  std::vector<int> joined;
  int size = -1;
  run([&](const auto& team) {
    s.condense(team);
    s.sides(team);
    WorkingSet<double> w = s.set;
    for (int row : {0, 1, 3, 1, 2, 4}) {
      const bool in = append(team, s.schur(), w, row, s.work.kkt.a);
      if (team.rank() == 0) joined.push_back(in);
    }
    keep(team, w.size, size);
  });
  EXPECT_EQ(joined, (std::vector<int>{1, 1, 0, 0, 1, 0}));
  EXPECT_EQ(list_of(s, size), (std::vector<int>{0, 1, 2}));
  EXPECT_LT(factor_error(s, size), 1e-14);
}

TEST_P(ActiveSet, RebuildsWithEqualitiesFirstAndDependentRowsRefused) {
  for (int redundant : {0, 1}) {
    const auto known = test::random_known({.n = 8, .redundant = redundant}, 5);
    Workbench s(known.problem);
    std::vector<int> side = test::sides_of(known.y);  // rows: 2 equalities, 3 active, ...
    int size = -1;
    run([&](const auto& team) {
      s.condense(team);
      s.sides(team);
      keep(team, s.working_set(team, side).size, size);
    });
    EXPECT_EQ(list_of(s, size), (std::vector<int>{0, 1, 2, 3, 4}));
    EXPECT_LT(factor_error(s, size), 1e-13);
    EXPECT_EQ(s.set.side[5], 0) << "inactive, or the repeated equality, which is refused";
  }
}

/// Row by row and all in one: the same rows stay out, and the factor is the same.
TEST_P(ActiveSet, RebuildsAsIfRowsHadBeenAppendedOneByOne) {
  constexpr int kN = 8, kM = 14;
  test::DenseProblem problem = test::random_known({.n = kN}, 9).problem;
  std::mt19937_64 engine(9);
  problem.m = kM;
  problem.A = test::normals(kM * kN, engine);
  problem.l.assign(kM, -1), problem.u.assign(kM, 1);
  for (int j = 0; j < kN; ++j) {
    problem.A[2 * kN + j] = problem.A[j] - problem.A[kN + j];
    problem.A[7 * kN + j] = 3 * problem.A[5 * kN + j];
  }
  Workbench s(problem);
  std::vector<double> rebuilt, appended;
  std::vector<int> list, one_by_one;
  run([&](const auto& team) {
    s.condense(team);
    s.sides(team);
    const WorkingSet<double> set = s.working_set(team, std::vector<int>(kM, 1));
    if (team.rank() == 0) list = list_of(s, set.size);
    for (int i = 0; i < set.size && team.rank() == 0; ++i)
      for (int j = 0; j <= i; ++j) rebuilt.push_back(set.factor(i, j));
    team.sync();
    WorkingSet<double> w = s.set;
    w.size = 0;
    for (int row = 0; row < kM; ++row) append(team, s.schur(), w, row, s.work.kkt.a);
    if (team.rank() == 0) one_by_one = list_of(s, w.size);
    for (int i = 0; i < w.size && team.rank() == 0; ++i)
      for (int j = 0; j <= i; ++j) appended.push_back(w.factor(i, j));
  });
  EXPECT_EQ(list, (std::vector<int>{0, 1, 3, 4, 5, 6, 8, 9}));
  EXPECT_EQ(list, one_by_one);
  ASSERT_EQ(rebuilt.size(), appended.size());
  for (std::size_t i = 0; i < rebuilt.size(); ++i) EXPECT_NEAR(rebuilt[i], appended[i], 1e-11);
}

/// After a stationary step the rows of the set lie on their sides.
TEST_P(ActiveSet, StationaryStepBringsRowsToTheirSides) {
  const auto known = test::random_known({.n = 8}, 6);
  Workbench s(known.problem);
  run([&](const auto& team) {
    s.condense(team);
    s.sides(team);
    s.activities(team);
    const WorkingSet<double> w = s.working_set(team, test::sides_of(known.y));
    stationary_step(team, w, s.work.v, s.work.l, s.work.u, s.work.kkt.a);
    s.schur().move(team, w.list, w.size, s.work.kkt.a, s.work.v);
  });
  for (std::size_t i = 0; i < known.y.size(); ++i) {
    if (known.y[i] == 0) continue;
    const double side = known.y[i] > 0 ? known.problem.u[i] : known.problem.l[i];
    EXPECT_NEAR(s.work.v[i], side, 1e-11);
  }
}

TEST_P(ActiveSet, RefusesRowsWithNaN) {
  Workbench s(test::random_known({.n = 8}, 7).problem);
  bool joined = true;
  run([&](const auto& team) {
    s.condense(team);
    s.sides(team);
    WorkingSet<double> w = s.set;
    append(team, s.schur(), w, 0, s.work.kkt.a);
    if (team.rank() == 0) s.c.S[2 * s.m + 0] = s.c.S[2] = test::kNaN;
    team.sync();
    keep(team, append(team, s.schur(), w, 2, s.work.kkt.a), joined);
  });
  EXPECT_FALSE(joined);
}

TEST(WorkingSet, DoesNotDependOnTheTeam) {
  test::expect_team_independent(
      [](const auto& run) {
        const auto known = test::random_known({.n = 8}, 8);
        Workbench s(known.problem);
        std::vector<double> out;
        run([&](const auto& team) {
          s.condense(team, 4);
          s.sides(team);
          WorkingSet<double> w = s.working_set(team, test::sides_of(known.y));
          remove(team, w, 2);
          append(team, s.schur(), w, 9, s.work.kkt.a);
          if (team.rank() == 0)
            for (int j = 0; j < w.size; ++j)
              for (int i = j; i < w.size; ++i) out.push_back(w.factor(i, j));
        });
        return out;
      },
      1e-11);
}

}  // namespace
}  // namespace bpqp::core
