// Ruiz equilibration (docs/math.md section 3): every row and column of [P A'; A 0] close to 1.
#include "core/scaling.hpp"

#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::DenseProblem;
using test::keep;
using test::Workbench;

BPQP_ON_EVERY_TEAM(Equilibration);

struct Scaled {
  bool symmetric = false, finite = false;
  std::vector<double> D, E;
};

template <class Run>
Scaled scale(Workbench& s, int passes, const Run& run) {
  Scaled out;
  run([&](const auto& team) {
    keep(team, load_hessian(team, s.view, s.c.L), out.symmetric);
    const bool finite = equilibrate(team, s.view, s.c.L, s.c.scaling, passes, s.work.v, s.work.h);
    keep(team, finite, out.finite);
  });
  out.D.assign(s.c.scaling.D, s.c.scaling.D + s.n);
  out.E.assign(s.c.scaling.E, s.c.scaling.E + s.m);
  return out;
}

bool is_power_of_two(double v) {
  int exponent = 0;
  return std::frexp(v, &exponent) == 0.5;
}

DenseProblem badly_scaled(std::uint64_t seed) {
  return test::random_known({.n = 12, .row_spread = 3, .column_spread = 2}, seed).problem;
}

TEST(FloorPowerOfTwo, IsTheLargestBelow) {
  EXPECT_EQ(floor_power_of_two(1), 1);
  EXPECT_EQ(floor_power_of_two(1.999), 1);
  EXPECT_EQ(floor_power_of_two(2), 2);
  EXPECT_EQ(floor_power_of_two(0.3), 0.25);
  EXPECT_EQ(floor_power_of_two(1e-300), std::exp2(std::floor(std::log2(1e-300))));
}

/// P = diag(16, 1/4), no rows: D = diag(1/4, 2) makes it the identity.
TEST_P(Equilibration, ReachesTheClosedFormOfADiagonal) {
  Workbench s({2, 0, {16, 0, 0, 0.25}, {0, 0}, {}, {}, {}, {}});
  const Scaled r = scale(s, 4, *this);
  EXPECT_TRUE(r.finite && r.symmetric);
  EXPECT_EQ(r.D, (std::vector<double>{0.25, 2}));
}

TEST_P(Equilibration, BringsEveryRowAndColumnCloseToOne) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Workbench s(badly_scaled(seed));
    const Scaled r = scale(s, 10, *this);
    ASSERT_TRUE(r.finite);
    std::vector<double> row(r.E.size(), 0), col(r.D.size(), 0);
    for (std::size_t j = 0; j < col.size(); ++j) {
      EXPECT_TRUE(is_power_of_two(r.D[j]));
      for (std::size_t k = 0; k < col.size(); ++k)
        col[j] = std::fmax(col[j], std::fabs(s.dense.p(int(j), int(k))) * r.D[j] * r.D[k]);
      for (std::size_t i = 0; i < row.size(); ++i) {
        const double entry = std::fabs(s.dense.row(int(i))[j]) * r.E[i] * r.D[j];
        col[j] = std::fmax(col[j], entry), row[i] = std::fmax(row[i], entry);
      }
    }
    for (double v : col) EXPECT_TRUE(v >= 0.25 && v <= 4) << v;
    for (double v : row) EXPECT_TRUE(v >= 0.25 && v <= 4) << v;
    for (double e : r.E) EXPECT_TRUE(is_power_of_two(e));
  }
}

TEST_P(Equilibration, TakesTheSymmetricPartOfPAndSaysSo) {
  DenseProblem p = badly_scaled(6);
  for (int j = 0; j < 12; ++j)
    for (int i = j + 1; i < 12; ++i) p.P[std::size_t(i * 12 + j)] += i - j;
  Workbench s(p);
  const Scaled r = scale(s, 0, *this);
  EXPECT_FALSE(r.symmetric);
  for (int j = 0; j < 12; ++j)
    for (int i = j; i < 12; ++i) EXPECT_EQ(s.c.L[j * 12 + i], p.p(i, j));
}

TEST_P(Equilibration, LeavesEmptyRowsAndColumnsAlone) {
  // x2 is in no row and not in P; row 1 is empty. P null: a linear program.
  Workbench s({2, 2, {}, {1, 1}, {8, 0, 0, 0}, {-1, -1}, {1, 1}, {}});
  const Scaled r = scale(s, 4, *this);
  EXPECT_TRUE(r.finite && r.symmetric);
  EXPECT_EQ(r.D[1], 1);
  EXPECT_EQ(r.E[1], 1);
  EXPECT_TRUE(8 * r.D[0] * r.E[0] >= 0.5 && 8 * r.D[0] * r.E[0] <= 2);
}

TEST_P(Equilibration, WithoutPassesIsTheIdentity) {
  Workbench s(badly_scaled(7));
  const Scaled r = scale(s, 0, *this);
  EXPECT_EQ(r.D, std::vector<double>(r.D.size(), 1));
  EXPECT_EQ(r.E, std::vector<double>(r.E.size(), 1));
}

/// On P's diagonal: an entry off it shows in the factorisation (condense_test).
TEST_P(Equilibration, FindsNaNAndInfinityOnPsDiagonalAndInA) {
  for (int passes : {0, 4})
    for (double bad : {test::kNaN, double(INFINITY)})
      for (bool in_P : {true, false}) {
        DenseProblem p = badly_scaled(8);
        (in_P ? p.P[26] : p.A[17]) = bad;
        Workbench s(p);
        EXPECT_FALSE(scale(s, passes, *this).finite);
      }
}

TEST_P(Equilibration, AppliesDAndEToPAndA) {
  Workbench s(badly_scaled(9));
  double largest = 0;
  const Scaled r = scale(s, 4, *this);
  run([&](const auto& team) {
    keep(team, scale_hessian(team, s.c.L, s.n, s.c.scaling.D, 0.5), largest);
    scale_rows(team, s.view, s.c.scaling, s.c.Y);
  });
  double expected = 0;
  for (int j = 0; j < s.n; ++j) {
    const double d = r.D[std::size_t(j)];
    expected = std::fmax(expected, s.dense.p(j, j) * d * d);
    for (int i = j; i < s.n; ++i)
      EXPECT_EQ(s.c.L[j * s.n + i], s.dense.p(i, j) * d * r.D[std::size_t(i)] + (i == j ? 0.5 : 0));
    for (int i = 0; i < s.m; ++i)
      EXPECT_EQ(s.c.Y[i * s.n + j], s.dense.row(i)[j] * d * r.E[std::size_t(i)]);
  }
  EXPECT_EQ(largest, expected);
}

TEST(Equilibration, DoesNotDependOnTheTeam) {
  test::expect_team_independent(
      [](const auto& run) {
        Workbench s(badly_scaled(10));
        Scaled r = scale(s, 4, run);
        r.D.insert(r.D.end(), r.E.begin(), r.E.end());
        return r.D;
      },
      0.0);  // maxima and powers of two: no rounding
}

}  // namespace
}  // namespace bpqp::core
