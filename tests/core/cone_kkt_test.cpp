// Derivatives of problems with cones (docs/math.md section 11): the equality-constrained QP against
// the system of all rows in long double, and against central differences of tight solves; and the
// whole solve with its polish.
#include "core/cone_kkt.hpp"

#include "core/cone_polish.hpp"
#include "support/random_cones.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::ConeOptions;
using test::ConePlace;
using test::keep;
using test::KnownProblem;
using test::Workbench;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(ConeKktTest);

constexpr ConePlace kInside = ConePlace::inside, kBoundary = ConePlace::boundary,
                    kApex = ConePlace::apex;

struct Case {
  const char* name;
  ConeOptions options;
};

/// Rows that may be active stay fewer than n = 9.
std::vector<Case> cases() {
  using test::KnownOptions;
  const KnownOptions rows{.n = 9, .equalities = 1, .active = 1, .inactive = 2};
  const KnownOptions singular{.n = 9, .equalities = 1, .active = 2, .inactive = 2, .rank_P = 5};
  const KnownOptions linear{.n = 9, .equalities = 1, .active = 1, .inactive = 2, .rank_P = 0};
  const KnownOptions none{.n = 9, .equalities = 0, .active = 0, .inactive = 0};
  return {
      {"boundary", {rows, {kBoundary}, {4}}},
      {"boundary without linear rows", {none, {kBoundary}, {6}}},
      {"inside", {rows, {kInside}, {4}}},
      {"apex", {rows, {kApex}, {3}}},
      {"all three", {rows, {kBoundary, kInside, kApex}, {5, 3, 2}}},
      {"cones of one and two rows", {rows, {kApex, kBoundary, kInside}, {1, 2, 1}}},
      {"P singular", {singular, {kBoundary, kApex}, {5, 2}}},
      {"P = 0", {linear, {kBoundary, kApex}, {7, 2}}},
  };
}

/// The QP at the known point, and (w, d) for (g_x, g_y) by it.
struct Outcome {
  bool strict = false, independent = false;
  double residual = 0;
  Values w, d;
};
Outcome derivative(
    Workbench& s,
    const KnownProblem& known,
    double rho,
    const Values& g_x,
    const Values& g_y,
    const auto& run) {
  Outcome out;
  Values r_x = g_x, r_y = g_y, kept(g_y.size(), test::kNaN), Ax(g_y.size(), test::kNaN);
  run([&](const auto& team) {
    WorkingSet<double> w = s.set;
    for (int i : team.items(s.m)) {
      s.cones.rho[i] = rho;
      const bool held = known.problem.is_equality(i) || known.y[std::size_t(i)] != 0;
      w.side[i] = static_cast<signed char>(!held ? 0 : known.y[std::size_t(i)] < 0 ? -1 : 1);
    }
    team.sync();
    using core::transposed_product;
    transposed_product(team, s.view.A, s.n, s.m, s.n, known.x.data(), Ax.data());
    const bool strict = classify_cones(
        team, s.view, (const double*)Ax.data(), known.y.data(), 0.0, false, s.cones, w.side,
        s.work.admm.v);
    const bool independent = factor_cone_kkt(team, s.view, 4, s.cones, s.c, w, s.work);
    to_cone_qp(team, s.view, s.cones, r_x.data(), r_y.data(), kept.data(), s.work.v, s.work.t);
    const KktReport report = solve_active_kkt<false>(
        team, s.cones.view(s.view), s.c, w, s.work, r_x.data(), r_y.data(), s.w.data(), s.d.data());
    from_cone_qp(team, s.view, s.cones, s.w.data(), kept.data(), s.d.data(), s.work.v);
    keep(team, strict, out.strict);
    keep(team, independent, out.independent);
    keep(team, report.residual, out.residual);
  });
  out.w = s.w, out.d = s.d;
  return out;
}

TEST_P(ConeKktTest, MatchesTheSystemOfAllRows) {
  for (const Case& c : cases())
    for (std::uint64_t seed = 1; seed <= 3; ++seed)
      for (double rho : {1.0, 30.0}) {
        SCOPED_TRACE(std::string(c.name) + ", seed " + std::to_string(seed));
        const KnownProblem known = test::random_cones(c.options, seed);
        Workbench s(known.problem);
        std::mt19937_64 engine(seed + 9);
        const Values g_x = test::normals(9, engine);
        const Values g_y = test::normals(std::size_t(s.m), engine);
        const auto exact = test::cone_adjoint(known.problem, known.x, known.y, g_x, g_y);
        ASSERT_FALSE(exact.empty());
        const Outcome r = derivative(s, known, rho, g_x, g_y, *this);
        EXPECT_TRUE(r.strict && r.independent);
        EXPECT_LT(r.residual, 1e-9);
        double size = 1;
        for (auto v : exact) size = std::fmax(size, double(std::fabs(v)));
        const double near = (c.options.linear.rank_P < 0 ? 1e-9 : 1e-7) * size;
        for (std::size_t j = 0; j < 9; ++j) ASSERT_NEAR(r.w[j], double(exact[j]), near) << "w" << j;
        for (std::size_t i = 0; i < r.d.size(); ++i)
          ASSERT_NEAR(r.d[i], double(exact[9 + i]), near) << "d" << i;
      }
}

TEST_P(ConeKktTest, SeesPointsBetweenTwoPlaces) {
  KnownProblem known = test::random_cones({}, 3);
  const auto first = std::size_t(test::linear_rows(known.problem));
  for (std::size_t i = first; i < known.y.size(); ++i) known.y[i] = 0;  // on the boundary, y = 0
  Workbench s(known.problem);
  const Values none_x(8, 1), none_y(known.y.size(), 0);
  EXPECT_FALSE(derivative(s, known, 1, none_x, none_y, *this).strict);
  for (double v : s.w) EXPECT_TRUE(std::isfinite(v));
}

ForwardReport solve(Workbench& s, const auto& run, const ForwardOptions& options = {}) {
  ForwardReport out;
  run([&](const auto& team) {
    WorkingSet<double> w = s.set;
    s.condense(team, options.scaling);
    const ForwardReport report = solve_one_with_cones(
        team, s.view, options, s.cones, s.c, w, s.work, false, s.x.data(), s.y.data());
    keep(team, report, out);
  });
  return out;
}

TEST_P(ConeKktTest, SolvesAndPolishesByEitherMethod) {
  for (const Case& c : cases())
    for (Method method : {Method::automatic, Method::admm}) {
      const bool admm = method == Method::admm;
      if (admm && c.options.linear.rank_P >= 0) continue;
      SCOPED_TRACE(std::string(c.name) + (admm ? ", admm" : ""));
      const KnownProblem known = test::random_cones(c.options, 2);
      Workbench s(known.problem);
      ForwardOptions options;
      options.method = method;
      const ForwardReport r = solve(s, *this, options);
      ASSERT_EQ(r.status, Status::solved);
      EXPECT_TRUE(r.verified && r.differentiable);
      EXPECT_EQ(r.method, admm ? Method::admm : Method::interior_point);
      EXPECT_LT(double(test::kkt_errors(s.dense, s.x.data(), s.y.data()).worst()), 1e-10);
      for (std::size_t j = 0; j < s.x.size(); ++j) EXPECT_NEAR(s.x[j], known.x[j], 1e-7);
      for (std::size_t i = 0; i < s.y.size(); ++i) EXPECT_NEAR(s.y[i], known.y[i], 1e-6);
    }
}

/// |x| <= 2 with rows of one entry and P diagonal or 0: the QP's Hessian is diagonal (M61), and the
/// solution and its adjoint, by either method, are those of the dense system.
TEST_P(ConeKktTest, ABallOfSingleRowsHasADiagonalHessian) {
  for (double curvature : {0.0, 0.5})
    for (bool by_admm : {false, true}) {
      SCOPED_TRACE(std::to_string(curvature) + (by_admm ? ", admm" : ""));
      Workbench s(test::ball_problem(7, 2, 2, 5, curvature));
      const auto M = std::size_t(s.m);
      std::mt19937_64 engine(9);
      const Values g_x = test::normals(7, engine), g_y = test::normals(M, engine);
      Values r_x = g_x, r_y = g_y, kept(M, test::kNaN);
      ForwardReport report;
      KktReport backward;
      bool diagonal = false;
      run([&](const auto& team) {
        const ProblemView<double> p = s.structured(team);
        WorkingSet<double> w = s.set;
        keep(team, look_at_diagonal(team, p, 4, s.c, s.work.v, s.work.h), s.c.report);
        team.sync();
        const ForwardReport solved = solve_one_with_cones(
            team, p, ForwardOptions{}, s.cones, s.c, w, s.work, false, s.x.data(), s.y.data());
        to_cone_qp(team, p, s.cones, r_x.data(), r_y.data(), kept.data(), s.work.v, s.work.t);
        const auto solve = [&]<bool kByAdmm>(std::bool_constant<kByAdmm>) {
          return solve_active_kkt<kByAdmm>(
              team, s.cones.view(p), s.c, w, s.work, r_x.data(), r_y.data(), s.w.data(),
              s.d.data());
        };
        const KktReport adjoint = by_admm ? solve(std::true_type()) : solve(std::false_type());
        from_cone_qp(team, p, s.cones, s.w.data(), kept.data(), s.d.data(), s.work.v);
        keep(team, solved, report);
        keep(team, adjoint, backward);
        keep(team, s.cones.diagonal(), diagonal);
      });
      ASSERT_EQ(report.status, Status::solved);
      EXPECT_TRUE(report.verified && report.differentiable && diagonal);
      EXPECT_LT(double(test::kkt_errors(s.dense, s.x.data(), s.y.data()).worst()), 1e-10);
      EXPECT_LT(backward.residual, by_admm ? 1e-6 : 1e-10);
      const auto exact = test::cone_adjoint(s.dense, s.x, s.y, g_x, g_y);
      ASSERT_FALSE(exact.empty());
      const double near = by_admm ? 1e-4 : 1e-7;
      for (std::size_t j = 0; j < 7; ++j) EXPECT_NEAR(s.w[j], double(exact[j]), near) << "w" << j;
      for (std::size_t i = 0; i < M; ++i) EXPECT_NEAR(s.d[i], double(exact[7 + i]), near);
    }
}

TEST_P(ConeKktTest, FlagsDegenerateProblems) {
  KnownProblem known = test::random_cones({}, 4);
  for (std::size_t i = std::size_t(test::linear_rows(known.problem)); i < known.y.size(); ++i)
    for (std::size_t j = 0; j < 8; ++j)  // the same x, without the cone's multiplier
      known.problem.q[j] += known.y[i] * known.problem.row(int(i))[j];
  Workbench s(known.problem);
  const ForwardReport r = solve(s, *this);
  EXPECT_EQ(r.status, Status::solved);
  EXPECT_FALSE(r.differentiable);
  for (std::size_t j = 0; j < s.x.size(); ++j) EXPECT_NEAR(s.x[j], known.x[j], 1e-4);
}

/// An equality that repeats another is held by it, and its multiplier is not unique.
TEST_P(ConeKktTest, FlagsRepeatedEqualities) {
  const KnownProblem known = test::random_cones(
      {.linear = {.n = 8, .equalities = 1, .active = 1, .inactive = 2, .redundant = 1}}, 4);
  Workbench s(known.problem);
  const ForwardReport r = solve(s, *this);
  EXPECT_EQ(r.status, Status::solved);
  EXPECT_FALSE(r.differentiable);
}

/// P = I, q = -x0, and a row or a cone that x0 meets exactly: every multiplier is rounding.
TEST_P(ConeKktTest, FlagsMultipliersThatAreAllRounding) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const KnownProblem row = test::random_cones(
        {.linear = {.n = 5, .equalities = 0, .active = 0, .inactive = 1, .weakly_active = 1},
         .places = {kInside},
         .sizes = {3}},
        seed);
    Workbench s(row.problem);
    EXPECT_EQ(solve(s, *this).status, Status::solved);
    EXPECT_FALSE(solve(s, *this).differentiable);
    for (double x0 : {0.0, 0.3, 1.7})
      for (int d : {1, 2, 3}) {
        SCOPED_TRACE("x0 " + std::to_string(x0) + ", d " + std::to_string(d));
        const double rows[] = {1, 2, -1, 3, 2, 1};
        test::DenseProblem p{2, d, {1, 0, 0, 1}, {-x0, -2 * x0}, {}, {}, {}, {d}};
        for (int i = 0; i < d; ++i) {
          p.A.insert(p.A.end(), {rows[2 * i], rows[2 * i + 1]});
          p.l.push_back(0), p.u.push_back((rows[2 * i] + 2 * rows[2 * i + 1]) * x0);
        }
        Workbench apex(p);
        const ForwardReport r = solve(apex, *this);
        EXPECT_EQ(r.status, Status::solved);
        EXPECT_FALSE(r.differentiable);
      }
  }
}

/// K is well-conditioned here (its solutions are of order one), only P and the curvature are not.
TEST_P(ConeKktTest, KeepsRowsThatAreIndependentWherePIsSingular) {
  const Case c = cases()[6];
  const KnownProblem known = test::random_cones(c.options, 5);
  Workbench s(known.problem);
  const Values g_x(9, 1), g_y(known.y.size(), 1);
  const auto exact = test::cone_adjoint(known.problem, known.x, known.y, g_x, g_y);
  ASSERT_FALSE(exact.empty());
  const Outcome r = derivative(s, known, 1, g_x, g_y, *this);
  EXPECT_TRUE(r.independent);
  for (std::size_t j = 0; j < 9; ++j) EXPECT_NEAR(r.w[j], double(exact[j]), 1e-6);
}

/// d(loss) along a random change of all data, on one team: the others agree with it.
TEST(ConeKktDifferences, AdjointIsTheCentralDifference) {
  const double t = 1e-6;
  const auto run = [](const auto& body) { test::on_team(test::kTeams[0], body); };
  for (const Case& c : cases())
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE(std::string(c.name) + ", seed " + std::to_string(seed));
      const KnownProblem known = test::random_cones(c.options, seed);
      std::mt19937_64 engine(seed + 20);
      const auto M = known.y.size();
      const Values g_x = test::normals(9, engine), g_y = test::normals(M, engine);
      const Values dP = test::normals(81, engine), dq = test::normals(9, engine);
      const Values dA = test::normals(9 * M, engine), du = test::normals(M, engine);
      const bool moves_P = c.options.linear.rank_P < 0;  // P + t dP must stay semidefinite
      Workbench s(known.problem);
      const Outcome r = derivative(s, known, 1, g_x, g_y, run);
      const auto loss = [&](double step) {
        test::DenseProblem p = known.problem;
        for (std::size_t k = 0; k < 81 && moves_P; ++k) p.P[k] += step * dP[k];
        for (std::size_t j = 0; j < 9; ++j) p.q[j] += step * dq[j];
        for (std::size_t k = 0; k < p.A.size(); ++k) p.A[k] += step * dA[k];
        for (std::size_t i = 0; i < M; ++i) p.l[i] += step * du[i], p.u[i] += step * du[i];
        Workbench moved(p);
        EXPECT_EQ(solve(moved, run).status, Status::solved);
        double sum = 0;
        for (std::size_t j = 0; j < 9; ++j) sum += g_x[j] * moved.x[j];
        for (std::size_t i = 0; i < M; ++i) sum += g_y[i] * moved.y[i];
        return sum;
      };
      double predicted = 0, size = 1;
      const auto add = [&](double v) { predicted += v, size += std::fabs(v); };
      const auto& x = known.x;
      for (std::size_t i = 0; i < 9; ++i) {
        add(-r.w[i] * dq[i]);
        for (std::size_t j = 0; j < 9 && moves_P; ++j)
          add(-(r.w[i] * x[j] + x[i] * r.w[j]) / 2 * dP[9 * i + j]);
      }
      for (std::size_t i = 0; i < M; ++i) {
        add(r.d[i] * du[i]);
        for (std::size_t j = 0; j < 9; ++j)
          add(-(r.d[i] * x[j] + known.y[i] * r.w[j]) * dA[9 * i + j]);
      }
      EXPECT_NEAR((loss(t) - loss(-t)) / (2 * t), predicted, 1e-6 * size);
    }
}

TEST(ConeKktTest, DoesNotDependOnTheTeam) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    test::expect_team_independent(
        [&](const auto& run) {
          const KnownProblem known = test::random_cones(c.options, 6);
          Workbench s(known.problem);
          const Outcome r = derivative(s, known, 1, Values(9, 1), Values(known.y.size(), 1), run);
          Values out = r.w;
          out.insert(out.end(), r.d.begin(), r.d.end());
          return out;
        },
        1e-6);
  }
}

}  // namespace
}  // namespace bpqp::core
