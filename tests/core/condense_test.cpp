// H = P + sigma I = L L', Y = L^-1 A', S = A H^-1 A' (docs/math.md section 3) against elimination
// in long double.
#include "core/condense.hpp"

#include "support/elimination.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::DenseProblem;
using test::keep;
using test::Workbench;
using Long = long double;

BPQP_ON_EVERY_TEAM(Condense);

CondenseReport condense_on(Workbench& s, int passes, const auto& run) {
  CondenseReport report;
  run([&](const auto& team) { keep(team, s.condense(team, passes), report); });
  return report;
}

/// A (P + sigma I)^-1 A', entry (i, j), all in the user's units.
test::Dense<Long> schur_complement(const DenseProblem& p, Long sigma) {
  test::Dense<Long> H(p.n, p.n), S(p.m, p.m);
  for (int i = 0; i < p.n; ++i)
    for (int j = 0; j < p.n; ++j) H(i, j) = p.p(i, j) + (i == j ? sigma : 0);
  const test::Elimination<Long> solver(H);
  for (int j = 0; j < p.m; ++j) {
    const std::vector<Long> x = solver.solve({p.row(j), p.row(j) + p.n});
    for (int i = 0; i < p.m; ++i)
      for (int k = 0; k < p.n; ++k) S(i, j) += p.row(i)[k] * x[std::size_t(k)];
  }
  return S;
}

/// P = diag(1, 4), A = [1 2; 0 2]: S = [2 1; 1 1].
TEST_P(Condense, ReachesTheClosedFormOfADiagonal) {
  Workbench s({2, 2, {1, 0, 0, 4}, {0, 0}, {1, 2, 0, 2}, {-1, -1}, {1, 1}, {}});
  const CondenseReport r = condense_on(s, 0, *this);
  EXPECT_EQ(r.outcome, Condensing::done);
  EXPECT_TRUE(r.symmetric && !r.singular && r.sigma == 0);
  const double expected[] = {2, 1, 1, 1};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(s.c.S[i], expected[i]);
}

TEST_P(Condense, MatchesEliminationOnRandomProblems) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    for (int passes : {0, 4}) {
      SCOPED_TRACE(seed);
      Workbench s(test::random_known({.n = 4 + int(seed) * 3, .inactive = 2}, seed).problem, true);
      ASSERT_EQ(condense_on(s, passes, *this).outcome, Condensing::done);
      const auto S = schur_complement(s.dense, 0);
      for (int i = 0; i < s.m; ++i)
        for (int j = 0; j < s.m; ++j) {
          const double scale = s.c.scaling.E[i] * s.c.scaling.E[j];
          EXPECT_NEAR(s.c.S[j * s.m + i] / scale, double(S(i, j)), 1e-11 * (1 + double(S(i, i))));
        }
    }
}

TEST_P(Condense, GivesASingularPAProximalTerm) {
  for (int rank : {0, 3}) {
    Workbench s(test::random_known({.n = 8, .rank_P = rank}, 5).problem);
    const CondenseReport r = condense_on(s, 0, *this);
    EXPECT_EQ(r.outcome, Condensing::done);
    EXPECT_TRUE(r.singular);
    EXPECT_GT(r.sigma, 0);
    for (int j = 0; j < s.n; ++j)
      for (int i = j; i < s.n; ++i) {
        Long sum = 0;
        for (int k = 0; k <= j; ++k) sum += Long(s.c.L[k * s.n + i]) * s.c.L[k * s.n + j];
        EXPECT_NEAR(double(sum), s.dense.p(i, j) + (i == j ? r.sigma : 0), 1e-13);
      }
  }
}

TEST_P(Condense, RefusesNegativeCurvature) {
  for (int passes : {0, 4}) {
    Workbench s(test::random_non_convex(9, 6, 6), true);
    EXPECT_EQ(condense_on(s, passes, *this).outcome, Condensing::non_convex);
    Workbench saddle({2, 0, {0, 1, 1, 0}, {0, 0}, {}, {}, {}, {}});  // nothing on the diagonal
    EXPECT_EQ(condense_on(saddle, passes, *this).outcome, Condensing::non_convex);
  }
}

TEST_P(Condense, RefusesNaNAndInfinity) {
  for (double bad : {test::kNaN, double(INFINITY)})
    for (bool in_P : {true, false}) {
      DenseProblem p = test::random_known({}, 7).problem;
      (in_P ? p.P : p.A)[3] = bad;
      Workbench s(p);
      EXPECT_EQ(condense_on(s, 4, *this).outcome, Condensing::not_finite);
    }
}

TEST(Condense, ChoosesTheFormWithLessWorkPerIteration) {
  EXPECT_TRUE(wants_z_form(10, 10));
  EXPECT_TRUE(wants_z_form(10, 24));
  EXPECT_FALSE(wants_z_form(10, 25));  // 625 > 100 + 500
  EXPECT_FALSE(wants_z_form(0, 1));
}

/// Rounding moves S_ij in proportion to sqrt(S_ii S_jj), also where S_ij itself is small, by about
/// 1e-16 |H| / sigma = 1e-10 of it where P is singular.
TEST(Condense, DoesNotDependOnTheTeam) {
  for (int rank : {-1, 4})
    test::expect_team_independent(
        [&](const auto& run) {
          Workbench s(test::random_known({.n = 9, .rank_P = rank}, 8).problem, true);
          condense_on(s, 4, run);
          const auto norm = [&s](int i) { return std::sqrt(s.c.S[i * s.m + i]); };
          std::vector<double> out;
          for (int i = 0; i < s.m; ++i) {
            for (int j = 0; j < s.m; ++j) out.push_back(s.c.S[i * s.m + j] / (norm(i) * norm(j)));
            for (int j = 0; j < s.n; ++j) out.push_back(s.c.Y[i * s.n + j] / norm(i));
          }
          return out;
        },
        rank < 0 ? 1e-13 : 1e-9);
}

}  // namespace
}  // namespace bpqp::core
