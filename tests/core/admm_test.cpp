// ADMM (docs/math.md section 4): both forms of its operator against elimination, its limit against
// known multipliers.
#include "core/admm.hpp"

#include "support/elimination.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::Workbench;
using Long = long double;

BPQP_ON_EVERY_TEAM(Admm);

/// Memory of both forms, whatever the shape.
struct Forms {
  explicit Forms(const Workbench& s)
      : N(std::size_t(s.n)),
        M(std::size_t(s.m)),
        c(M, test::kNaN),
        h(N, test::kNaN),
        factor(N * N + M * M),
        operators(2 * M * M + N * M),
        a(M + N),
        b(M + N) {}

  ZForm<double> z(const Workbench& s) {
    return {s.m, s.c.S, c.data(), factor.data(), operators.data(), a.data(), b.data()};
  }
  XForm<double> x(const Workbench& s) {
    return {s.n, s.m, s.c.Y, h.data(), operators.data(), factor.data(), a.data(), b.data()};
  }

  std::size_t N, M;
  std::vector<double> c, h, factor, operators, a, b;
};

/// c = -A H^-1 q and h = -L^-1 q, from a condensed workbench.
template <Team T>
void linear_terms(const T& team, Workbench& s, Forms& f) {
  s.activities(team);
  for (int i : team.items(s.m)) f.c[std::size_t(i)] = s.work.v[i];
  for (int j : team.items(s.n)) f.h[std::size_t(j)] = s.work.h[j];
  team.sync();
}

/// z~ by M11's definition: A (P + A'R A)^-1 (-q + A'R v).
std::vector<Long> by_definition(
    const test::DenseProblem& p, const std::vector<double>& rho, const std::vector<double>& v) {
  test::Dense<Long> K(p.n, p.n);
  std::vector<Long> b(p.q.begin(), p.q.end()), z;
  for (int j = 0; j < p.n; ++j) {
    b[std::size_t(j)] = -b[std::size_t(j)];
    for (int k = 0; k < p.n; ++k) K(j, k) = p.p(j, k);
    for (int i = 0; i < p.m; ++i) {
      const Long weight = Long(rho[std::size_t(i)]) * p.row(i)[j];
      b[std::size_t(j)] += weight * v[std::size_t(i)];
      for (int k = 0; k < p.n; ++k) K(j, k) += weight * p.row(i)[k];
    }
  }
  const std::vector<Long> x = test::Elimination<Long>(K).solve(b);
  for (int i = 0; i < p.m; ++i) {
    z.push_back(0);
    for (int j = 0; j < p.n; ++j) z.back() += p.row(i)[j] * x[std::size_t(j)];
  }
  return z;
}

TEST_P(Admm, BothFormsAreTheOperatorOfItsDefinition) {
  for (const int inactive : {4, 20, 65}) {  // 65: more rows than the explicit inverse is for
    SCOPED_TRACE(inactive);
    Workbench s(test::random_known({.n = 8, .inactive = inactive}, 1).problem, true);
    Forms f(s);
    std::mt19937_64 engine(2);
    const std::vector<double> v = test::normals(f.M, engine);
    std::vector<double> rho = test::normals(f.M, engine), from_z(f.M, 0), from_x(f.M, 0);
    for (double& r : rho) r = 0.1 + std::fabs(r);
    run([&](const auto& team) {
      s.condense(team);
      linear_terms(team, s, f);
      const auto apply = [&](const auto& op, std::vector<double>& out) {
        if (op.factor(team, rho.data())) op.apply(team, rho.data(), v.data(), out.data());
      };
      apply(f.z(s), from_z);
      apply(f.x(s), from_x);
    });
    const std::vector<Long> expected = by_definition(s.dense, rho, v);
    for (std::size_t i = 0; i < v.size(); ++i) {
      EXPECT_NEAR(from_z[i], double(expected[i]), 1e-11);
      EXPECT_NEAR(from_x[i], double(expected[i]), 1e-11);
    }
  }
}

struct Outcome {
  AdmmReport report;
  double rho = 0;
  std::vector<double> y, z;
};

/// From `y`, z = A x(y) clamped.
Outcome iterate(
    Workbench& s, bool x_form, std::vector<double> y, double eps, int budget, const auto& run) {
  Outcome out;
  Forms f(s);
  run([&](const auto& team) {
    s.condense(team);
    s.sides(team);
    linear_terms(team, s, f);
    product(team, s.c.S, s.m, s.m, s.m, y.data(), s.work.v);
    for (int i : team.items(s.m)) {
      const double v = f.c[std::size_t(i)] - s.work.v[i], l = s.work.l[i], u = s.work.u[i];
      s.work.admm.z[i] = v < l ? l : v > u ? u : v;
      s.work.admm.y[i] = y[std::size_t(i)];
    }
    team.sync();
    double rho = 1;
    const auto go = [&](const auto& op) {
      return admm(team, op, s.work.admm, s.work.l, s.work.u, s.m, rho, 1.6, true, eps, budget);
    };
    keep(team, x_form ? go(f.x(s)) : go(f.z(s)), out.report);
    keep(team, rho, out.rho);
  });
  out.y.assign(s.work.admm.y, s.work.admm.y + s.m);
  out.z.assign(s.work.admm.z, s.work.admm.z + s.m);
  return out;
}

/// min 1/2 x^2 - 3 x, x <= 1: z = 1, y = 2.
TEST_P(Admm, ReachesTheClosedFormOfOneBound) {
  for (bool x_form : {false, true}) {
    Workbench s({1, 1, {1}, {-3}, {1}, {-1e30}, {1}, {}}, true);
    const Outcome r = iterate(s, x_form, {0}, 1e-12, 500, *this);
    EXPECT_NEAR(r.z[0], 1, 1e-11);
    EXPECT_NEAR(r.y[0], 2, 1e-11);
    EXPECT_LT(r.report.iterations, 500);
  }
}

TEST_P(Admm, ConvergesToTheMultipliersOfRandomProblems) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    for (bool x_form : {false, true}) {
      SCOPED_TRACE(seed);
      const auto known = test::random_known({.n = 8, .free_rows = 1}, seed);
      Workbench s(known.problem, true);
      const std::vector<double> zero(known.y.size(), 0);
      const Outcome r = iterate(s, x_form, zero, 1e-9, 4000, *this);
      EXPECT_LT(r.report.iterations, 4000);
      EXPECT_LE(r.report.rho_updates, kMaxRhoUpdates);
      for (std::size_t i = 0; i < known.y.size(); ++i) EXPECT_NEAR(r.y[i], known.y[i], 1e-6);
    }
}

TEST_P(Admm, StaysAtASolution) {
  const auto known = test::random_known({.n = 8}, 4);
  Workbench s(known.problem, true);
  const Outcome r = iterate(s, false, known.y, 1e-9, 100, *this);
  EXPECT_EQ(r.report.iterations, 10);  // one check
  for (std::size_t i = 0; i < known.y.size(); ++i) EXPECT_NEAR(r.y[i], known.y[i], 1e-10);
}

TEST_P(Admm, ConvergesInTheGapOfDegenerateProblems) {
  const auto known =
      test::random_known({.n = 8, .weakly_active = 2, .dependent = 1, .redundant = 1}, 5);
  Workbench s(known.problem, true);
  const Outcome r = iterate(s, true, std::vector<double>(known.y.size(), 0), 1e-8, 4000, *this);
  EXPECT_LT(r.report.iterations, 4000);
  for (std::size_t i = 0; i < r.z.size(); ++i) {
    double Ax = 0;
    for (int j = 0; j < s.n; ++j) Ax += s.dense.row(int(i))[j] * known.x[std::size_t(j)];
    EXPECT_NEAR(r.z[i], Ax, 1e-5);
  }
}

TEST_P(Admm, ReportsNaNAsNotFinite) {
  for (bool x_form : {false, true}) {
    auto known = test::random_known({.n = 8}, 6);
    known.problem.q[3] = test::kNaN;
    Workbench s(known.problem, true);
    EXPECT_FALSE(iterate(s, x_form, known.y, 1e-6, 50, *this).report.finite);
  }
}

TEST_P(Admm, HoldsEqualitiesHarderAndRowsWithoutSidesHardlyAtAll) {
  Workbench s({1, 3, {1}, {0}, {1, 1, 1}, {1, 0, -1e30}, {1, 2, 1e30}, {}}, true);
  double rho[3];
  run([&](const auto& team) { set_rho(team, s.view.l, s.view.u, 3, 2.0, rho); });
  EXPECT_EQ(rho[0], 2 * kEqualityRho);
  EXPECT_EQ(rho[1], 2);
  EXPECT_EQ(rho[2], 2e-3);
}

TEST(Admm, DoesNotDependOnTheTeam) {
  for (bool x_form : {false, true})
    test::expect_team_independent(
        [&](const auto& run) {
          const auto known = test::random_known({.n = 8}, 7);
          Workbench s(known.problem, true);
          return iterate(s, x_form, std::vector<double>(known.y.size(), 0), 0, 20, run).y;
        },
        1e-9);
}

}  // namespace
}  // namespace bpqp::core
