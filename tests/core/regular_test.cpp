// Whether K is safely regular (docs/math.md M37): nearly dependent rows are flagged whatever the
// pivots say, well-conditioned ones are not.
#include "core/regular.hpp"

#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::Workbench;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(Regular);

struct Outcome {
  int held = 0;
  double growth = 0;
  bool regular = false;
};

/// All rows held.
Outcome judge(Workbench& s, int scaling_passes, const auto& run) {
  Outcome out;
  run([&](const auto& team) {
    s.condense(team, scaling_passes);
    s.sides(team);
    const WorkingSet<double> w = s.working_set(team, std::vector<int>(std::size_t(s.m), 1));
    const double growth = inverse_growth(team, s.schur(), w, s.work.kkt.a);
    const bool regular =
        independent(team, s.c, s.schur(), w, s.work) && core::regular(team, s.view, s.c, w, s.work);
    test::keep(team, Outcome{w.size, growth, regular}, out);
  });
  return out;
}

/// Rows (1, 0) and (cos, sin) of a small angle, P = I: S scaled has the eigenvalues 1 -+ cos.
TEST_P(Regular, GrowthIsThatOfTwoRows) {
  for (double angle : {1.0, 1e-2, 1e-4}) {
    SCOPED_TRACE(angle);
    Workbench s(
        {2,
         2,
         {1, 0, 0, 1},
         {0, 0},
         {1, 0, 3 * std::cos(angle), 3 * std::sin(angle)},
         {0, 0},
         {0, 0},
         {}});
    const Outcome r = judge(s, 0, *this);
    ASSERT_EQ(r.held, 2);
    const double smallest = 2 * std::pow(std::sin(angle / 2), 2);
    EXPECT_NEAR(r.growth * smallest, 1, 0.1);
    EXPECT_TRUE(r.regular);
  }
}

TEST_P(Regular, OneRowOrNoneIsRegular) {
  Workbench one({2, 1, {1, 0, 0, 1}, {0, 0}, {1e-3, 2e-3}, {0}, {0}, {}});
  EXPECT_TRUE(judge(one, 4, *this).regular);
  Workbench none({2, 0, {1, 0, 0, 1}, {0, 0}, {}, {}, {}, {}});
  EXPECT_TRUE(judge(none, 4, *this).regular);
}

/// k rows of which the last is a combination of the others up to eps; P ill-conditioned or not.
test::DenseProblem nearly_dependent(int n, int k, double eps, double spread, std::uint64_t seed) {
  test::KnownProblem known = test::random_known(
      {.n = n, .equalities = k, .active = 0, .inactive = 0, .column_spread = spread}, seed);
  test::DenseProblem p = known.problem;
  std::mt19937_64 engine(seed + 1);
  const auto N = std::size_t(n), last = std::size_t(k - 1);
  const Values mix = test::normals(last, engine), noise = test::normals(N, engine);
  double size = 0;
  for (std::size_t j = 0; j < N; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < last; ++i) sum += mix[i] * p.A[i * N + j];
    p.A[last * N + j] = sum;
    size = std::fmax(size, std::fabs(sum));
  }
  for (std::size_t j = 0; j < N; ++j) p.A[last * N + j] += eps * size * noise[j];
  return p;
}

/// Either the factorisation leaves the row out, or regular() tells.
TEST_P(Regular, FlagsRowsThatAreNearlyDependent) {
  for (double eps : {0.0, 1e-14, 1e-9, 1e-7})
    for (std::uint64_t seed = 1; seed <= 4; ++seed)
      for (int k : {2, 5}) {
        SCOPED_TRACE(
            "eps " + std::to_string(eps) + ", seed " + std::to_string(seed) + ", rows " +
            std::to_string(k));
        Workbench s(nearly_dependent(7, k, eps, 0, seed));
        const Outcome r = judge(s, 4, *this);
        EXPECT_FALSE(r.held == k && r.regular);
      }
}

TEST_P(Regular, AcceptsRowsThatAreNot) {
  for (double eps : {1e-2, 1.0})
    for (std::uint64_t seed = 1; seed <= 4; ++seed)
      for (int k : {2, 5}) {
        SCOPED_TRACE(
            "eps " + std::to_string(eps) + ", seed " + std::to_string(seed) + ", rows " +
            std::to_string(k));
        Workbench s(nearly_dependent(7, k, eps, 1, seed));
        const Outcome r = judge(s, 4, *this);
        EXPECT_TRUE(r.held == k && r.regular) << r.held << " held, growth " << r.growth;
      }
}

/// P = diag(1, 0): the row (1, 0) leaves x_2 to nobody, (0, 1) makes K regular.
TEST_P(Regular, SeesWhatASingularPLeavesFree) {
  Workbench open({2, 1, {1, 0, 0, 0}, {0, 0}, {1, 0}, {0}, {0}, {}});
  EXPECT_FALSE(judge(open, 4, *this).regular);
  Workbench closed({2, 1, {1, 0, 0, 0}, {0, 0}, {0, 1}, {0}, {0}, {}});
  EXPECT_TRUE(judge(closed, 4, *this).regular);
}

}  // namespace
}  // namespace bpqp::core
