// The interior point method alone (docs/math.md section 10), judged by the oracle.
#include "core/interior_point.hpp"

#include "support/random_cones.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::ConePlace;
using test::keep;
using test::KnownProblem;
using test::Workbench;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(InteriorPoint);

/// Ends at the method's own target: no polish follows.
constexpr double kReached = 1e-8;
/// And x then: P >= 0.1 I, so that |x - x*|^2 0.1/2 is at most the gap, 1e-9 of terms up to 10.
constexpr double kReachedX = 4e-4;

ForwardReport solve(Workbench& s, const auto& run, const ForwardOptions& options = {}) {
  ForwardReport out;
  run([&](const auto& team) {
    const BarrierOptions barrier = barrier_options(options, kInteriorTarget);
    core::InteriorPoint<double, double, std::decay_t<decltype(team)>> method(
        team, s.view, barrier, s.work.barrier, s.work.products, s.work.x_best, s.work.y_best,
        s.x.data(), s.y.data(), s.set.side);
    keep(team, report_of(method.run(), options), out);
  });
  return out;
}

/// Solved, by few iterations, and at the x known where it is the only one.
void expect_known(const KnownProblem& known, int iterations, bool unique, const auto& run) {
  Workbench s(known.problem);
  const ForwardReport r = solve(s, run);
  ASSERT_EQ(r.status, Status::solved);
  EXPECT_EQ(r.method, Method::interior_point);
  EXPECT_FALSE(r.certified);
  EXPECT_LE(r.iterations, iterations);
  EXPECT_LT(double(test::kkt_errors(s.dense, s.x.data(), s.y.data()).worst()), kReached);
  if (!unique) return;
  for (std::size_t j = 0; j < known.x.size(); ++j) EXPECT_NEAR(s.x[j], known.x[j], kReachedX);
}

TEST_P(InteriorPoint, SolvesQuadraticPrograms) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_known(
        test::random_known({.n = 5 + int(seed), .free_rows = 1, .row_spread = 1}, seed), 20, true,
        *this);
  }
}

TEST_P(InteriorPoint, SolvesWithSingularP) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_known(test::random_known({.n = 7, .active = 2, .rank_P = 3}, seed), 20, false, *this);
  }
}

TEST_P(InteriorPoint, SolvesLinearPrograms) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const int n = 5 + int(seed);  // as many active rows as variables: one vertex
    expect_known(
        test::random_known(
            {.n = n, .equalities = 2, .active = n - 2, .inactive = 5, .rank_P = 0}, seed),
        25, true, *this);
  }
}

TEST_P(InteriorPoint, SolvesDegenerateProblems) {
  for (int rank : {-1, 3, 0}) {
    SCOPED_TRACE("rank " + std::to_string(rank));
    expect_known(
        test::random_known(
            {.n = 7,
             .active = 3,
             .inactive = 4,
             .weakly_active = 2,
             .dependent = 2,
             .redundant = 2,
             .rank_P = rank},
            5),
        40, false, *this);
  }
}

TEST_P(InteriorPoint, SolvesWithConesInEveryPlace) {
  for (const auto place : {ConePlace::inside, ConePlace::boundary, ConePlace::apex})
    for (int rank : {-1, 3})
      for (const std::vector<int>& sizes : {std::vector<int>{4, 3}, {1, 2}}) {
        SCOPED_TRACE(
            "place " + std::to_string(int(place)) + ", rank " + std::to_string(rank) + ", size " +
            std::to_string(sizes[0]));
        const KnownProblem known = test::random_cones(
            {.linear = {.n = 8, .equalities = 1, .active = 1, .inactive = 2, .rank_P = rank},
             .places = {place, ConePlace::boundary},
             .sizes = sizes},
            7);
        expect_known(known, 25, rank < 0, *this);
      }
}

/// min q'x, |x| <= c: x = -c q/|q|.
TEST_P(InteriorPoint, SolvesTheBall) {
  for (int n : {1, 2, 12}) {
    SCOPED_TRACE("n " + std::to_string(n));
    const double radius = 3;
    Workbench s(test::ball_problem(n, 0, radius, 4));
    const ForwardReport r = solve(s, *this);
    ASSERT_EQ(r.status, Status::solved);
    EXPECT_LE(r.iterations, 15);
    double norm = 0;
    for (double q : s.dense.q) norm += q * q;
    norm = std::sqrt(norm);
    for (std::size_t j = 0; j < s.x.size(); ++j)
      EXPECT_NEAR(s.x[j], -radius * s.dense.q[j] / norm, 1e-7);
  }
}

TEST_P(InteriorPoint, SolvesTheSmallestProblems) {
  Workbench line({1, 1, {}, {1}, {1}, {-2}, {5}, {}});  // min x, -2 <= x <= 5
  EXPECT_EQ(solve(line, *this).status, Status::solved);
  EXPECT_NEAR(line.x[0], -2, 1e-7);
  EXPECT_NEAR(line.y[0], -1, 1e-7);

  Workbench no_rows({2, 0, {2, 0, 0, 4}, {2, 4}, {}, {}, {}, {}});
  EXPECT_EQ(solve(no_rows, *this).status, Status::solved);
  for (double v : no_rows.x) EXPECT_NEAR(v, -1, 1e-8);

  Workbench free_only({1, 1, {1}, {-3}, {1}, {-1e30}, {1e30}, {}});
  EXPECT_EQ(solve(free_only, *this).status, Status::solved);
  EXPECT_NEAR(free_only.x[0], 3, 1e-7);
  EXPECT_EQ(free_only.y[0], 0);

  Workbench equality({1, 1, {}, {1}, {2}, {4}, {4}, {}});  // 2 x = 4
  EXPECT_EQ(solve(equality, *this).status, Status::solved);
  EXPECT_NEAR(equality.x[0], 2, 1e-8);
  EXPECT_NEAR(equality.y[0], -0.5, 1e-8);

  Workbench nothing({2, 1, {}, {0, 0}, {0, 0}, {-1}, {1}, {}});  // every x solves it
  EXPECT_EQ(solve(nothing, *this).status, Status::solved);
}

TEST_P(InteriorPoint, TakesUnsymmetricP) {
  const KnownProblem known = test::random_known({.n = 6}, 12);
  KnownProblem skewed = known;
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      skewed.problem.P[6 * i + j] += double(i + j);
      skewed.problem.P[6 * j + i] -= double(i + j);
    }
  expect_known(skewed, 20, true, *this);
}

TEST_P(InteriorPoint, CertifiesWhatHasNoFeasiblePoint) {
  for (bool linear : {false, true})
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE((linear ? "P = 0, seed " : "seed ") + std::to_string(seed));
      test::DenseProblem p = test::random_primal_infeasible(5, 9, seed);
      if (linear) p.P.clear();
      Workbench s(p);
      const ForwardReport r = solve(s, *this);
      ASSERT_EQ(r.status, Status::primal_infeasible);
      EXPECT_TRUE(r.certified);
      EXPECT_LE(r.iterations, 30);
      const auto c = test::primal_certificate(s.dense, s.y.data());
      EXPECT_NEAR(double(c.h), -1, 1e-9);
      EXPECT_LE(double(c.Aty), 1e-8);
      EXPECT_EQ(double(c.wrong_side), 0);
    }
}

/// |x| <= 1 and x_1 >= 2, as a row and as a cone of its own.
TEST_P(InteriorPoint, CertifiesConesThatDoNotMeet) {
  for (bool by_cone : {false, true}) {
    SCOPED_TRACE(by_cone);
    test::DenseProblem p = test::ball_problem(3, 0, 1, 1);
    const Values row{-1, 0, 0};  // -x_1 <= -2, or -2 + x_1 in SOC(1)
    p.A.insert(by_cone ? p.A.end() : p.A.begin(), row.begin(), row.end());
    p.l.insert(by_cone ? p.l.end() : p.l.begin(), -1e30);
    p.u.insert(by_cone ? p.u.end() : p.u.begin(), -2);
    if (by_cone) p.cones.push_back(1);
    ++p.m;
    Workbench s(p);
    const ForwardReport r = solve(s, *this);
    ASSERT_EQ(r.status, Status::primal_infeasible);
    const auto c = test::primal_certificate(s.dense, s.y.data());
    EXPECT_NEAR(double(c.h), -1, 1e-9);
    EXPECT_LE(double(c.Aty), 1e-8);
    EXPECT_LE(double(c.wrong_side), 1e-12);
  }
}

TEST_P(InteriorPoint, CertifiesWhatIsUnbounded) {
  for (bool linear : {false, true})
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE((linear ? "P = 0, seed " : "seed ") + std::to_string(seed));
      test::DenseProblem p = test::random_dual_infeasible(6, 8, seed);
      if (linear) p.P.clear();
      Workbench s(p);
      const ForwardReport r = solve(s, *this);
      ASSERT_EQ(r.status, Status::dual_infeasible);
      EXPECT_TRUE(r.certified);
      EXPECT_LE(r.iterations, 30);
      const auto c = test::dual_certificate(s.dense, s.x.data());
      EXPECT_NEAR(double(c.qd), -1, 1e-9);
      EXPECT_LE(double(c.Pd), 1e-8);
      EXPECT_LE(double(c.rows), 1e-8);
    }
}

/// min -x_1 with x in SOC(3): along (1, 0, 0).
TEST_P(InteriorPoint, CertifiesAnUnboundedCone) {
  Workbench s({3, 3, {}, {-1, 0.5, 0}, {-1, 0, 0, 0, -1, 0, 0, 0, -1}, {0, 0, 0}, {0, 0, 0}, {3}});
  const ForwardReport r = solve(s, *this);
  ASSERT_EQ(r.status, Status::dual_infeasible);
  const auto c = test::dual_certificate(s.dense, s.x.data());
  EXPECT_NEAR(double(c.qd), -1, 1e-9);
  EXPECT_LE(double(c.rows), 1e-8);
}

TEST_P(InteriorPoint, StopsAtItsLimitWithAPoint) {
  Workbench s(test::random_known({.n = 7}, 9).problem);
  ForwardOptions options;
  options.max_iter = 2;
  const ForwardReport r = solve(s, *this, options);
  EXPECT_NE(r.status, Status::solved);
  EXPECT_EQ(r.iterations, 2);
  for (double v : s.x) EXPECT_TRUE(std::isfinite(v));
  Workbench late(s.dense);
  options = {};
  options.expired = [](const void*) { return true; };
  EXPECT_EQ(solve(late, *this, options).iterations, 0);
  for (double v : late.x) EXPECT_TRUE(std::isfinite(v));
}

TEST(InteriorPoint, DoesNotDependOnTheTeam) {
  for (int rank : {-1, 0}) {
    SCOPED_TRACE(rank);
    test::expect_team_independent(
        [&](const auto& run) {
          Workbench s(test::random_cones(
                          {.linear = {.n = 6, .equalities = 1, .active = 2, .rank_P = rank},
                           .places = {ConePlace::boundary},
                           .sizes = {5}},
                          6)
                          .problem);
          const ForwardReport r = solve(s, run);
          Values out = s.x;
          out.insert(out.end(), s.y.begin(), s.y.end());
          out.push_back(double(r.status));
          return out;
        },
        1e-5);
  }
}

}  // namespace
}  // namespace bpqp::core
