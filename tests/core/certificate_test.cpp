// Certificates of infeasibility (docs/math.md section 7), judged as the oracle judges them.
#include "core/certificate.hpp"

#include "support/oracle.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::Workbench;

BPQP_ON_EVERY_TEAM(Certificate);

bool is_primal(Workbench& s, std::vector<double>& y, const auto& run) {
  bool certified = false;
  run([&](const auto& team) {
    keep(team, primal_certificate(team, s.view, y.data(), s.work.t), certified);
  });
  return certified;
}

/// x <= 0 and x >= 1 (as -x <= -1): y = (1, 1) up to a factor; h = -1.
TEST_P(Certificate, ScalesAPrimalRay) {
  Workbench s({1, 2, {1}, {0}, {1, -1}, {-1e30, -1e30}, {0, -1}, {}});
  std::vector<double> y = {7, 7};
  EXPECT_TRUE(is_primal(s, y, *this));
  EXPECT_EQ(y, (std::vector<double>{1, 1}));
}

TEST_P(Certificate, RefusesWhatIsNoPrimalRay) {
  Workbench s({1, 2, {1}, {0}, {1, -1}, {-1e30, -1e30}, {0, -1}, {}});
  for (std::vector<double> y :
       {std::vector<double>{1, 1.001}, {-1, -1}, {0, 0}, {test::kNaN, 1}, {INFINITY, 1}}) {
    SCOPED_TRACE(testing::PrintToString(y));
    EXPECT_FALSE(is_primal(s, y, *this));
  }
  Workbench feasible({1, 2, {1}, {0}, {1, -1}, {-1e30, -1e30}, {1, 0}, {}});
  std::vector<double> y = {1, 1};  // A'y = 0, but h = 1
  EXPECT_FALSE(is_primal(feasible, y, *this));
}

TEST_P(Certificate, DropsTracesAtAbsentSides) {
  Workbench s({1, 3, {1}, {0}, {1, -1, 1e-30}, {-1e30, -1e30, -1e30}, {0, -1, 5}, {}});
  std::vector<double> y = {1, 1, -1e-20};
  EXPECT_TRUE(is_primal(s, y, *this));
  EXPECT_EQ(y[2], 0);
}

/// The dual active-set method's ray, disturbed on the working set, becomes a certificate again.
TEST_P(Certificate, RefinesADisturbedRay) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Workbench s(test::random_primal_infeasible(5, 6, seed), true);
    std::vector<double> y(6);
    run([&](const auto& team) {
      s.condense(team);
      RowSides<double> rows = s.sides(team);
      s.activities(team);
      WorkingSet<double> w = s.set;
      guess_sides(team, s.m, s.work.l, s.work.u, w);
      dual_active_set(team, s.schur(), rows, w, s.work.v, {s.work.kkt.a, s.work.price}, 100);
      for (int j : team.items(w.size)) w.change[w.list[j]] += 1e-4;
      team.sync();
      refine_ray(team, s.view, s.c, w, s.work.kkt);
      for (int i : team.items(s.m)) y[std::size_t(i)] = w.change[i];
    });
    ASSERT_TRUE(is_primal(s, y, *this));
    const test::PrimalCertificate c = test::primal_certificate(s.dense, y.data());
    EXPECT_NEAR(double(c.h), -1, 1e-12);
    EXPECT_LE(double(c.Aty), 1e-8);
    EXPECT_EQ(double(c.wrong_side), 0);
  }
}

struct Descended {
  Descent kind = Descent::none;
  double slope = 0;
  std::vector<double> d;
};

Descended classify(Workbench& s, std::vector<double> d, const auto& run) {
  Descended out;
  run([&](const auto& team) {
    double slope = 0;
    const Descent kind = classify_descent(
        team, s.view, true, d.data(), slope, s.work.kkt.r_y, s.work.kkt.r_x, s.work.kkt.t);
    keep(team, kind, out.kind);
    keep(team, slope, out.slope);
  });
  out.d = d;
  return out;
}

/// P = diag(1, 0), q = (0, -1): along (0, 1) the objective falls; x2 <= 5 blocks it, or nothing
/// does.
TEST_P(Certificate, TellsADescentThatIsBlockedFromOneThatNeverEnds) {
  Workbench blocked({2, 1, {1, 0, 0, 0}, {0, -1}, {0, 1}, {-1e30}, {5}, {}});
  Workbench open({2, 1, {1, 0, 0, 0}, {0, -1}, {0, 1}, {-5}, {1e30}, {}});
  const Descended flat = classify(blocked, {0, 4}, *this), free = classify(open, {0, 4}, *this);
  EXPECT_EQ(flat.kind, Descent::flat);
  EXPECT_EQ(free.kind, Descent::certificate);
  EXPECT_EQ(free.slope, -4);
  EXPECT_EQ(free.d, (std::vector<double>{0, 1}));
  EXPECT_EQ(classify(open, {1, 4}, *this).kind, Descent::none) << "curvature";
  EXPECT_EQ(classify(open, {0, -4}, *this).kind, Descent::none) << "ascent";
  EXPECT_EQ(classify(open, {0, test::kNaN}, *this).kind, Descent::none);
  EXPECT_EQ(classify(open, {0, 0}, *this).kind, Descent::none);
}

TEST_P(Certificate, RecognisesTheUnitVectorOfRandomUnboundedProblems) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Workbench s(test::random_dual_infeasible(7, 9, seed));
    std::vector<double> d(7, 0);
    d.back() = 3;
    const Descended r = classify(s, d, *this);
    EXPECT_EQ(r.kind, Descent::certificate);
    const test::DualCertificate c = test::dual_certificate(s.dense, r.d.data());
    EXPECT_NEAR(double(c.qd), -1, 1e-12);
    EXPECT_LE(double(c.Pd), 1e-8);
    EXPECT_LE(double(c.rows), 1e-8);
  }
}

TEST(Certificate, DoesNotDependOnTheTeam) {
  test::expect_team_independent(
      [](const auto& run) {
        Workbench s(test::random_dual_infeasible(7, 9, 6));
        std::vector<double> d(7, 0);
        d.back() = 3;
        Descended r = classify(s, d, run);
        r.d.push_back(r.slope);
        return r.d;
      },
      1e-13);
}

}  // namespace
}  // namespace bpqp::core
