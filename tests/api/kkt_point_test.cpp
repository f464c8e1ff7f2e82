// Promise 1: points found elsewhere, differentiated here.
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

using Vector = std::vector<double>;

TEST(KktPoint, OfASolvedProblemGivesTheGradientOfSolve) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const DenseProblem p = random_known({.n = 10}, seed).problem;
    const Batch<double> batch(p);
    const int n = p.n, m = p.m;
    Solver<double> solver(batch.shape, 1), other(batch.shape, 1);
    Answers<double> a(batch.shape, 1);
    solver.solve(batch.view(), a.view());
    std::mt19937_64 engine(seed);
    const Vector gx = normals(10, engine), gy = normals(std::size_t(m), engine);
    const SolutionGradient<double> loss{{gx.data(), n, 0}, {gy.data(), m, 0}};
    Gradients<double> expected(batch.shape, 1), got(batch.shape, 1);
    solver.backward(loss, expected.view());
    KktPoint<double> point;
    point.batch = 1;
    point.P = {batch.P.data(), n, n, 0};
    point.A = {batch.A.data(), m, n, 0};
    point.x = {a.x.data(), n, 0};
    point.y = {a.y.data(), m, 0};
    point.active = a.active.data();
    Report report;
    other.differentiate(point, &report);
    EXPECT_EQ(report.status, Status::solved);
    EXPECT_TRUE(report.differentiable);
    other.backward(loss, got.view());
    const auto expect_close = [](const Vector& u, const Vector& v) {
      double scale = 1;
      for (double e : u) scale = std::max(scale, std::fabs(e));
      // Both solve K to 1e-12; the factors differ.
      for (std::size_t i = 0; i < u.size(); ++i) ASSERT_NEAR(u[i], v[i], 1e-9 * scale);
    };
    expect_close(expected.P, got.P);
    expect_close(expected.q, got.q);
    expect_close(expected.A, got.A);
    expect_close(expected.l, got.l);
    expect_close(expected.u, got.u);
    point.active = nullptr;  // active where y != 0: the same rows
    other.differentiate(point, nullptr);
    other.backward(loss, got.view());
    expect_close(expected.q, got.q);
  }
}

/// minimise c'x subject to x'x/2 = r: x = -c sqrt(2r)/|c|, y = |c|/sqrt(2r), the row 2-norm sphere.
/// The Hessian of the Lagrangian is y I. dx/dc = -(sqrt(2r)/|c|)(I - cc'/|c|^2), dx/dr = x/(2r).
TEST(KktPoint, OnASphereHasTheClosedForm) {
  const int n = 4;
  const Vector c{1, -2, 0.5, 3};
  const double r = 1.7;
  double norm = 0;
  for (double e : c) norm += e * e;
  norm = std::sqrt(norm);
  const double radius = std::sqrt(2 * r), y = norm / radius;
  Vector x(4), H(16, 0);
  for (std::size_t j = 0; j < 4; ++j) {
    x[j] = -c[j] * radius / norm;
    H[j * 4 + j] = y;
  }
  const double violation = 0;
  KktPoint<double> point;
  point.batch = 1;
  point.P = {H.data(), n, n, 0};
  point.A = {x.data(), 1, n, 0};  // gradient of x'x/2
  point.x = {x.data(), n, 0};
  point.y = {&y, 1, 0};
  point.gradient = {c.data(), n, 0};
  point.violation = {&violation, 1, 0};
  Solver<double> solver({.n = n, .m = 1}, 1);
  Report report;
  solver.differentiate(point, &report);
  ASSERT_EQ(report.status, Status::solved);
  EXPECT_LT(report.dual_residual, 1e-14);
  EXPECT_LT(report.primal_residual, 1e-14);
  const Vector g{0.3, 1, -0.7, 0.2};
  Gradients<double> out({.n = n, .m = 1}, 1);
  solver.backward({{g.data(), n, 0}, {}}, out.view());
  double gc = 0, gx = 0;
  for (std::size_t j = 0; j < 4; ++j) gc += g[j] * c[j], gx += g[j] * x[j];
  for (std::size_t j = 0; j < 4; ++j)
    EXPECT_NEAR(out.q[j], -radius / norm * (g[j] - gc * c[j] / (norm * norm)), 1e-12);
  EXPECT_NEAR(out.l[0] + out.u[0], gx / (2 * r), 1e-12);
}

/// minimise (a x_0^2 - b x_1^2)/2 + q'x subject to x_1 = t with a, b > 0: not convex, but convex on
/// the row. x = (-q_0/a, t), y = b t - q_1.
TEST(KktPoint, OfANonConvexProblemWithAKnownAnswer) {
  const double a = 2, b = 3, t = 0.75;
  const Vector q{1, -0.5}, H{a, 0, 0, -b}, A{0, 1};
  const Vector x{-q[0] / a, t}, y{b * t - q[1]};
  const std::int8_t active = 1;
  const KktPoint<double> point{
      1, {H.data(), 2, 2, 0}, {A.data(), 1, 2, 0}, {x.data(), 2, 0}, {y.data(), 1, 0}, &active, {},
      {}};
  const Shape shape{.n = 2, .m = 1};
  Solver<double> solver(shape, 1);
  Report report;
  solver.differentiate(point, &report);
  ASSERT_EQ(report.status, Status::solved) << to_string(report.status);
  const Vector gx{1, 10}, gy{100};  // L = x_0 + 10 x_1 + 100 y
  Gradients<double> g(shape, 1);
  solver.backward({{gx.data(), 2, 0}, {gy.data(), 1, 0}}, g.view());
  EXPECT_NEAR(g.q[0], -1 / a, 1e-12);
  EXPECT_NEAR(g.q[1], -100, 1e-10);
  EXPECT_NEAR(g.l[0] + g.u[0], 10 + 100 * b, 1e-10);
  EXPECT_NEAR(g.P[0], q[0] / (a * a), 1e-12);  // dx_0/da = q_0/a^2
  EXPECT_NEAR(g.P[3], -100 * t, 1e-10);        // dy/dP_11 = -t
}

TEST(KktPoint, WithDependentActiveRowsIsANumericalError) {
  const Vector H{1, 0, 0, 1}, A{1, 1, 2, 2}, x{0.5, 0.5}, y{1, 1};
  const KktPoint<double> point{
      1, {H.data(), 2, 2, 0}, {A.data(), 2, 2, 0}, {x.data(), 2, 0}, {y.data(), 2, 0}, nullptr, {},
      {}};
  Solver<double> solver({.n = 2, .m = 2}, 1);
  Report report;
  solver.differentiate(point, &report);
  EXPECT_EQ(report.status, Status::numerical_error) << to_string(report.status);
  EXPECT_FALSE(report.differentiable);
  Gradients<double> g({.n = 2, .m = 2}, 1);
  const Vector gx{1, 1};
  solver.backward({{gx.data(), 2, 0}, {}}, g.view());
  EXPECT_EQ(g.q, Vector(2, 0));
}

/// The gradient's error shrinks with the reported KKT norm.
TEST(KktPoint, ReportsHowFarThePointIsFromOne) {
  const DenseProblem p = random_known({.n = 8}, 3).problem;
  const Batch<double> batch(p);
  const auto exact = solve(batch);
  std::mt19937_64 engine(1);
  const Vector noise = normals(8, engine), gx = normals(8, engine);
  const auto gradient_at = [&](double t, double& norm) {
    Vector x = exact.x, f(8, 0), distance(std::size_t(p.m), 0);
    for (std::size_t j = 0; j < 8; ++j) x[j] += t * noise[j];
    for (std::size_t i = 0; i < 8; ++i) {
      f[i] = p.q[i];
      for (std::size_t j = 0; j < 8; ++j) f[i] += p.P[i * 8 + j] * x[j];
    }
    for (std::size_t i = 0; i < distance.size(); ++i) {
      if (exact.active[i] == 0) continue;
      for (std::size_t j = 0; j < 8; ++j) distance[i] += p.A[i * 8 + j] * x[j];
      distance[i] -= exact.active[i] > 0 ? p.u[i] : p.l[i];
    }
    const KktPoint<double> point{
        1,
        {p.P.data(), 8, 8, 0},
        {p.A.data(), p.m, 8, 0},
        {x.data(), 8, 0},
        {exact.y.data(), p.m, 0},
        exact.active.data(),
        {f.data(), 8, 0},
        {distance.data(), p.m, 0}};
    Solver<double> solver(batch.shape, 1);
    Report report;
    solver.differentiate(point, &report);
    norm = std::max(report.primal_residual, report.dual_residual);
    Gradients<double> g(batch.shape, 1);
    solver.backward({{gx.data(), 8, 0}, {}}, g.view());
    return g.P;
  };
  double none = 0, small = 0, large = 0;
  const Vector best = gradient_at(0, none), near = gradient_at(1e-6, small),
               far = gradient_at(1e-3, large);
  EXPECT_LT(none, 1e-9);
  EXPECT_NEAR(large / small, 1000, 1);
  double error_near = 0, error_far = 0;
  for (std::size_t i = 0; i < best.size(); ++i) {
    error_near = std::max(error_near, std::fabs(near[i] - best[i]));
    error_far = std::max(error_far, std::fabs(far[i] - best[i]));
  }
  EXPECT_NEAR(error_far / error_near, 1000, 50);
}

/// One KKT point per problem of a batch: x'x/2 on one row, with the point (1, 0).
struct TwoPoints {
  Vector P{1, 0, 0, 1}, A{1, 0}, x{1, 0, 1, 0}, y{-1, -1};
  KktPoint<double> view() const {
    KktPoint<double> point;
    point.batch = 2;
    point.P = {P.data(), 2, 2, 0};
    point.A = {A.data(), 1, 2, 0};
    point.x = {x.data(), 2, 2};
    point.y = {y.data(), 1, 1};
    return point;
  }
};

TEST(KktPoint, WithANaNIsInvalidAndSpoilsNoSum) {
  const Shape shape{.n = 2, .m = 1};
  const Vector gx{1, 2}, gy{3};
  const SolutionGradient<double> loss{{gx.data(), 2, 0}, {gy.data(), 1, 0}};
  TwoPoints good;
  Solver<double> solver(shape, 2), single(shape, 1);
  KktPoint<double> alone = good.view();
  alone.batch = 1;
  Gradients<double> expected(shape, 1), sum(shape, 1, true), own(shape, 2);
  single.differentiate(alone, nullptr);
  single.backward(loss, expected.view());
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    for (const bool in_x : {true, false}) {
      SCOPED_TRACE(std::to_string(bad) + (in_x ? " in x" : " in y"));
      TwoPoints points = good;
      (in_x ? points.x[3] : points.y[1]) = bad;
      Report report[2];
      solver.differentiate(points.view(), report);
      EXPECT_EQ(report[0].status, Status::solved);
      EXPECT_EQ(report[1].status, Status::invalid_input);
      EXPECT_FALSE(report[1].differentiable);
      solver.backward(loss, sum.view());
      EXPECT_EQ(sum.P, expected.P);
      EXPECT_EQ(sum.q, expected.q);
      EXPECT_EQ(sum.A, expected.A);
      EXPECT_EQ(sum.l, expected.l);
      EXPECT_EQ(sum.u, expected.u);
      solver.backward(loss, own.view());
      for (std::size_t j = 0; j < 2; ++j) EXPECT_EQ(own.q[2 + j], 0);
      for (std::size_t j = 0; j < 4; ++j) EXPECT_EQ(own.P[4 + j], 0);
    }
}

TEST(KktPoint, WithASingularHessianIsANumericalError) {
  TwoPoints points;
  points.P = {0, 0, 0, 0};  // convex, but nothing holds x_1
  Report report[2];
  Solver<double> solver({.n = 2, .m = 1}, 2);
  solver.differentiate(points.view(), report);
  EXPECT_EQ(report[0].status, Status::numerical_error) << to_string(report[0].status);
  points.P = {1, 0, 0, -1};  // and this falls along x_1
  solver.differentiate(points.view(), report);
  EXPECT_EQ(report[0].status, Status::non_convex) << to_string(report[0].status);
}

TEST(KktPoint, ReportsNoResidualThatItCannotKnow) {
  Report report[2];
  Solver<double> solver({.n = 2, .m = 1}, 2);
  const TwoPoints points;
  solver.differentiate(points.view(), report);
  const Report& r = report[0];
  EXPECT_TRUE(std::isnan(r.primal_residual) && std::isnan(r.primal_residual_relative));
  EXPECT_TRUE(std::isnan(r.dual_residual) && std::isnan(r.dual_residual_relative));
  EXPECT_TRUE(std::isnan(r.objective) && std::isnan(r.gap) && std::isnan(r.gap_relative));
  EXPECT_EQ(r.seconds, 0);
}

}  // namespace
}  // namespace bpqp::test
