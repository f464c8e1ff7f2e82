// Gradients and the forward derivative (docs/math.md section 8) against the oracle's adjoint and
// against one another.
#include "core/gradient.hpp"

#include "support/oracle.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::KnownProblem;
using test::Workbench;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(Gradient);

/// K [w; d] = [g_x; g_y] into s.w, s.d.
KktReport adjoint(
    Workbench& s,
    const std::vector<int>& side,
    bool by_admm,
    const Values& g_x,
    const Values& g_y,
    const auto& run) {
  KktReport report;
  run([&](const auto& team) {
    s.condense(team, 4);
    s.sides(team);
    const WorkingSet<double> w = s.working_set(team, side);
    const auto solve = [&]<bool kByAdmm>(std::bool_constant<kByAdmm>) {
      return solve_active_kkt<kByAdmm>(
          team, s.view, s.c, w, s.work, g_x.data(), g_y.data(), s.w.data(), s.d.data());
    };
    keep(team, by_admm ? solve(std::true_type()) : solve(std::false_type()), report);
  });
  return report;
}

struct Data {
  Values P, q, A, b;
  static Data random(const Workbench& s, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    const auto n = std::size_t(s.n), m = std::size_t(s.m);
    return {
        test::normals(n * n, engine), test::normals(n, engine), test::normals(m * n, engine),
        test::normals(m, engine)};
  }
};

/// Of tangent_rhs: db is du, dl, or nothing by the row's side.
auto upper_of(const Workbench& s) {
  return [&s](int i) { return s.set.side[i] > 0 ? 1.0 : s.set.side[i] < 0 ? 0.0 : -1.0; };
}

/// w = (1, 2), x = (3, 4): dP = -(w x' + x w')/2; d = 5, y = 6: dA = -(d x' + y w').
TEST(GradientRows, ReachTheirClosedForms) {
  const double w[] = {1, 2}, x[] = {3, 4}, d[] = {5, 0}, y[] = {6, 0};
  double dP[4], dA[4] = {9, 9, 9, 9};
  for (int i = 0; i < 2; ++i) {
    gradient_P_row(core::SerialTeam(), w, x, 2, i, false, dP + 2 * i);
    gradient_A_row(core::SerialTeam(), w, d, x, y, 2, i, false, dA + 2 * i);
  }
  EXPECT_EQ(Values(dP, dP + 4), (Values{-3, -5, -5, -8}));
  EXPECT_EQ(Values(dA, dA + 4), (Values{-21, -32, 0, 0}));
  gradient_P_row(core::SerialTeam(), w, x, 2, 0, true, dP);
  gradient_A_row(core::SerialTeam(), w, d, x, y, 2, 0, true, dA);
  gradient_A_row(core::SerialTeam(), w, d, x, y, 2, 1, true, dA + 2);
  EXPECT_EQ(Values(dP, dP + 4), (Values{-6, -10, -5, -8}));
  EXPECT_EQ(Values(dA, dA + 4), (Values{-42, -64, 0, 0}));
}

TEST(GradientRows, RoundToFloatData) {
  const double w[] = {0.1}, x[] = {0.3};
  float dP[1];
  gradient_P_row(core::SerialTeam(), w, x, 1, 0, false, dP);
  EXPECT_EQ(dP[0], float(-0.1 * 0.3));
}

TEST_P(Gradient, MatchesTheOraclesAdjoint) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    for (bool by_admm : {false, true}) {
      SCOPED_TRACE(seed);
      const KnownProblem known = test::random_known({.n = 9, .inactive = seed % 2 ? 4 : 30}, seed);
      Workbench s(known.problem);
      const Data g = Data::random(s, seed);
      const auto side = test::sides_of(known.y);
      const KktReport report = adjoint(s, side, by_admm, g.q, g.b, *this);
      EXPECT_LT(report.residual, 1e-9);
      const test::ExactSolution exact = test::solve_on_active_set(known.problem, side);
      ASSERT_TRUE(exact.found);
      const test::Adjoint a =
          test::adjoint(known.problem, exact, {g.q.begin(), g.q.end()}, {g.b.begin(), g.b.end()});
      for (std::size_t j = 0; j < s.w.size(); ++j) EXPECT_NEAR(s.w[j], double(a.w[j]), 1e-8);
      for (std::size_t i = 0; i < s.d.size(); ++i) EXPECT_NEAR(s.d[i], double(a.d[i]), 1e-8);
      for (int i = 0; i < s.m; ++i) {
        Values row(9);
        gradient_A_row(
            core::SerialTeam(), s.w.data(), s.d.data(), known.x.data(), known.y.data(), 9, i, false,
            row.data());
        for (std::size_t j = 0; j < 9; ++j)
          EXPECT_NEAR(row[j], double(a.dA[std::size_t(i) * 9 + j]), 1e-7);
      }
    }
}

/// <g, J t> = <J'g, t> for the forward derivative J t of any change t of the data.
TEST_P(Gradient, ForwardAndAdjointAreTransposes) {
  for (std::uint64_t seed = 5; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    const KnownProblem known = test::random_known({.n = 9}, seed);
    Workbench s(known.problem);
    const auto side = test::sides_of(known.y);
    const Data g = Data::random(s, seed), t = Data::random(s, seed + 100);
    adjoint(s, side, false, g.q, g.b, *this);
    const Values w = s.w, d = s.d;
    double from_adjoint = 0, size = 1;
    const auto add = [&](double a, double b) {
      from_adjoint += a * b;
      size += std::fabs(a * b);
    };
    for (int i = 0; i < 9; ++i) {
      Values row(9);
      gradient_P_row(core::SerialTeam(), w.data(), known.x.data(), 9, i, false, row.data());
      for (int j = 0; j < 9; ++j) add(row[std::size_t(j)], t.P[std::size_t(9 * i + j)]);
      add(-w[std::size_t(i)], t.q[std::size_t(i)]);
    }
    for (int i = 0; i < s.m; ++i) {
      Values row(9);
      gradient_A_row(
          core::SerialTeam(), w.data(), d.data(), known.x.data(), known.y.data(), 9, i, false,
          row.data());
      for (int j = 0; j < 9; ++j) add(row[std::size_t(j)], t.A[std::size_t(9 * i + j)]);
      add(d[std::size_t(i)], t.b[std::size_t(i)]);
    }
    Values r_x(9, test::kNaN), r_y(std::size_t(s.m), test::kNaN);
    run([&](const auto& team) {
      tangent_rhs(
          team, s.n, s.m, upper_of(s), known.x.data(), known.y.data(), t.P.data(), t.q.data(),
          t.A.data(), t.b.data(), t.b.data(), r_x.data(), r_y.data(), s.work.t);
    });
    adjoint(s, side, false, r_x, r_y, *this);  // K is symmetric: (dx, dy)
    double from_forward = 0;
    for (std::size_t j = 0; j < 9; ++j) from_forward += g.q[j] * s.w[j];
    for (std::size_t i = 0; i < s.d.size(); ++i)
      if (side[i] != 0) from_forward += g.b[i] * s.d[i];
    EXPECT_NEAR(from_forward, from_adjoint, 1e-10 * size);
  }
}

TEST_P(Gradient, TangentTakesTheSideThatHoldsAndNullAsZero) {
  Workbench s({1, 3, {1}, {0}, {1, 1, 1}, {0, 0, 0}, {1, 1, 1}, {}}, true);
  const double dl[] = {10, 20, 30}, du[] = {1, 2, 3}, x[] = {1}, y[] = {1, -1, 0};
  const double* none = nullptr;
  Values r_x(1), r_y(3);
  run([&](const auto& team) {
    for (int i : team.items(3)) s.set.side[i] = static_cast<signed char>(1 - i);
    team.sync();
    tangent_rhs(
        team, 1, 3, upper_of(s), x, y, none, none, none, dl, du, r_x.data(), r_y.data(), s.work.t);
  });
  EXPECT_EQ(r_x, Values{0});
  EXPECT_EQ(r_y, (Values{1, 0, 30}));
}

TEST_P(Gradient, CarriesNaNIntoTheReport) {
  const KnownProblem known = test::random_known({.n = 9}, 9);
  for (bool by_admm : {false, true}) {
    Workbench s(known.problem);
    Data g = Data::random(s, 9);
    g.q[0] = test::kNaN;
    EXPECT_FALSE(adjoint(s, test::sides_of(known.y), by_admm, g.q, g.b, *this).residual < INFINITY);
  }
}

TEST(Gradient, DoesNotDependOnTheTeam) {
  for (bool by_admm : {false, true})
    test::expect_team_independent(
        [&](const auto& run) {
          const KnownProblem known = test::random_known({.n = 9}, 10);
          Workbench s(known.problem);
          const Data g = Data::random(s, 10);
          adjoint(s, test::sides_of(known.y), by_admm, g.q, g.b, run);
          Values out = s.w;
          out.insert(out.end(), s.d.begin(), s.d.end());
          return out;
        },
        1e-9);
}

}  // namespace
}  // namespace bpqp::core
