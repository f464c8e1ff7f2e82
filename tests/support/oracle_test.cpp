#include "support/oracle.hpp"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

/// min 1/2 |x - a|^2 on the box: x = clamp(a), y = a - x.
DenseProblem box_projection() {
  return {3,
          3,
          {1, 0, 0, 0, 1, 0, 0, 0, 1},
          {-2, 0.5, -0.25},
          {1, 0, 0, 0, 1, 0, 0, 0, 1},
          {0, 0, 0},
          {1, 1, 1},
          {}};
}

TEST(Oracle, ProjectsOnABox) {
  for (const auto& s :
       {solve_by_enumeration(box_projection()), solve_by_interior_point(box_projection())}) {
    ASSERT_TRUE(s.found);
    EXPECT_EQ(s.side, (std::vector<int>{1, -1, 0}));
    EXPECT_EQ(s.x, (LongVector{1, 0, 0.25}));
    EXPECT_EQ(s.y, (LongVector{1, -0.5, 0}));
    EXPECT_EQ(s.separation, 0.25L);
    EXPECT_TRUE(s.independent);
  }
}

TEST(Oracle, MeasuresWhatIsWrongWithAPoint) {
  const DenseProblem p = box_projection();
  const double x[] = {1.5, 0, 0.25}, y[] = {1, -0.5, 0};
  const KktErrors e = kkt_errors(p, x, y);
  EXPECT_EQ(e.primal, 0.5L);        // x_0 above 1
  EXPECT_EQ(e.dual, 0.5L);          // x_0 - 2 + y_0
  EXPECT_EQ(e.primal_scale, 1.5L);  // |A x|
  EXPECT_EQ(e.dual_scale, 2);       // |q|
  // x'x + q'x + h(y) = 2.3125 - 3.0625 + 1
  EXPECT_EQ(e.gap, 0.25L);
  EXPECT_EQ(e.gap_scale, 3.0625L);
}

TEST(Oracle, CountsMultipliersOfAbsentSidesAndCones) {
  DenseProblem p{
      3,
      4,
      {},
      {0, 0, 0},
      {1, 0, 0, -1, 0, 0, 0, -1, 0, 0, 0, -1},
      {-1e30, -1e30, -1e30, -1e30},
      {2, 0, 0, 0},
      {3}};
  const double x[] = {1, 3, 4}, none[] = {-0.25, 0, 0, 0};
  // x_0 >= |(x_1, x_2)| fails: the projection of (1, 3, 4) is (3, 1.8, 2.4).
  EXPECT_NEAR(double(kkt_errors(p, x, none).primal), 2, 1e-15);
  EXPECT_EQ(primal_certificate(p, none).wrong_side, 0.25L);
  const double y[] = {0, 0, 3, 4};  // distance to the cone: to (2.5, 1.5, 2)
  EXPECT_NEAR(double(primal_certificate(p, y).wrong_side), 2.5, 1e-15);
  const double d[] = {5, 3, 4}, outside[] = {0, 3, 4};
  EXPECT_EQ(dual_certificate(p, d).rows, 5);  // row 0 is bounded above
  EXPECT_NEAR(double(dual_certificate(p, outside).rows), 2.5, 1e-15);
}

TEST(Oracle, AcceptsConstructedCertificates) {
  const DenseProblem p{1, 2, {}, {-1}, {1, -1}, {-1e30, -1e30}, {-1, 0}, {}};
  const double y[] = {1, 1};  // x <= -1 and -x <= 0
  const PrimalCertificate c = primal_certificate(p, y);
  EXPECT_EQ(c.h, -1);
  EXPECT_EQ(c.Aty, 0);
  EXPECT_EQ(c.wrong_side, 0);
}

TEST(Oracle, FindsTheSolutionAProblemWasBuiltFrom) {
  for (int seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.n = 6 + seed % 20;
    o.redundant = seed % 3;
    o.free_rows = seed % 2;
    const KnownProblem k = random_known(o, std::uint64_t(seed));
    const ExactSolution s = solve_by_interior_point(k.problem);
    ASSERT_TRUE(s.found);
    EXPECT_EQ(s.independent, o.redundant == 0);
    // b and q are rounded to double, times the condition number of K (up to 1e6 here).
    for (std::size_t j = 0; j < k.x.size(); ++j) EXPECT_NEAR(double(s.x[j]), k.x[j], 1e-9);
    for (std::size_t i = 0; o.redundant == 0 && i < k.y.size(); ++i)
      EXPECT_NEAR(double(s.y[i]), k.y[i], 1e-9);
  }
}

TEST(Oracle, SolvesDegenerateProblems) {
  for (int seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.weakly_active = seed % 4;
    o.dependent = seed % 3;
    const ExactSolution s = solve_by_interior_point(random_known(o, std::uint64_t(seed)).problem);
    // Dependent rows meet in one point only up to the rounding of b: 1e-15.
    EXPECT_LT(double(s.errors.worst()), 1e-12);
    EXPECT_TRUE(o.weakly_active == 0 || s.separation < 1e-12L);
  }
}

TEST(Oracle, EnumerationAndInteriorPointAgree) {
  for (const auto family : {io::Family::qp, io::Family::box, io::Family::dense_ineq})
    for (int seed = 1; seed <= 40; ++seed) {
      SCOPED_TRACE(std::string(io::to_string(family)) + ", seed " + std::to_string(seed));
      io::FamilyOptions o{.n = 2 + seed % 4, .seed = std::uint64_t(seed)};
      if (family == io::Family::dense_ineq) o.ineq = 8;
      const DenseProblem p = problem_of(io::generate(family, o), 0);
      const ExactSolution a = solve_by_enumeration(p), b = solve_by_interior_point(p);
      ASSERT_TRUE(a.found && b.found);
      EXPECT_EQ(a.side, b.side);
      for (std::size_t j = 0; j < a.x.size(); ++j) EXPECT_NEAR(double(a.x[j] - b.x[j]), 0, 1e-13);
    }
}

/// d/dt of g_x'x* + g_y'y* along a random direction of all data, by central differences of exact
/// solutions: the error is h^2 = 1e-12 times third derivatives, and 1e-18 / h.
TEST(Oracle, AdjointIsTheDerivativeOfExactSolutions) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const KnownProblem k = random_known({.n = 8, .equalities = 2, .active = 2}, seed);
    const ExactSolution s = solve_by_interior_point(k.problem);
    ASSERT_TRUE(s.found && s.independent);
    std::mt19937_64 engine(seed);
    const auto direction = [&](std::size_t size) { return normals(size, engine); };
    const std::vector<double> gx = direction(8), gy = direction(k.y.size());
    const std::vector<double> dP = direction(64), dq = direction(8), dA = direction(k.y.size() * 8),
                              db = direction(k.y.size());
    const auto loss = [&](double t) {
      DenseProblem p = k.problem;
      for (std::size_t i = 0; i < 64; ++i) p.P[i] += t * dP[i];
      for (std::size_t i = 0; i < 8; ++i) p.q[i] += t * dq[i];
      for (std::size_t i = 0; i < dA.size(); ++i) p.A[i] += t * dA[i];
      for (std::size_t i = 0; i < db.size(); ++i) {
        const bool equality = p.l[i] == p.u[i];
        p.u[i] += t * db[i];
        if (equality)
          p.l[i] = p.u[i];
        else if (p.l[i] > -1e30)
          p.l[i] += t * db[i];
      }
      const ExactSolution moved = solve_on_active_set(p, s.side);
      Long sum = 0;
      for (std::size_t j = 0; j < 8; ++j) sum += gx[j] * moved.x[j];
      for (std::size_t i = 0; i < gy.size(); ++i) sum += gy[i] * moved.y[i];
      return sum;
    };
    const double h = 1e-6;
    const Long measured = (loss(h) - loss(-h)) / (2 * h);
    const Adjoint a = adjoint(k.problem, s, {gx.begin(), gx.end()}, {gy.begin(), gy.end()});
    ASSERT_TRUE(a.regular);
    Long expected = 0, size = 1;
    const auto add = [&](const LongVector& gradient, const std::vector<double>& v) {
      for (std::size_t i = 0; i < v.size(); ++i) {
        expected += gradient[i] * v[i];
        size += std::fabs(gradient[i] * v[i]);
      }
    };
    add(a.dP, dP);
    add(a.dq, dq);
    add(a.dA, dA);
    add(a.db, db);
    EXPECT_NEAR(double(measured), double(expected), 1e-7 * double(size));
  }
}

TEST(Oracle, SeesThatDependentRowsHaveNoDerivative) {
  const KnownProblem k = random_known({.n = 6, .dependent = 1}, 3);
  ExactSolution s;
  s.side.assign(k.y.size(), 0);
  for (std::size_t i = 0; i < k.y.size(); ++i) s.side[i] = k.y[i] > 0 ? 1 : k.y[i] < 0 ? -1 : 0;
  s.x.assign(k.x.begin(), k.x.end());
  s.y.assign(k.y.begin(), k.y.end());
  EXPECT_FALSE(adjoint(k.problem, s, LongVector(6, 1), {}).regular);
}

}  // namespace
}  // namespace bpqp::test
