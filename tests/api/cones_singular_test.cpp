// Problems with cones whose P is singular in the variables that a modelling layer adds: only rows
// determine those (docs/math.md M64).
#include "api/cones.hpp"

namespace bpqp::test {
namespace {

/// All zero, l absent.
DenseProblem empty_problem(std::size_t n, std::size_t m, std::vector<int> cones) {
  DenseProblem p{int(n), int(m), {}, {}, {}, {}, {}, std::move(cones)};
  p.P.assign(n * n, 0), p.q.assign(n, 0), p.A.assign(m * n, 0);
  p.l.assign(m, -1e30), p.u.assign(m, 0);
  return p;
}

/// min |s|^2 with s = x - c, |x|^2 <= t by (1 + t, 1 - t, 2 x) and t <= 1. Variables (s, x, t).
DenseProblem projection_on_ball(const std::vector<double>& c) {
  const auto k = c.size(), n = 2 * k + 1;
  DenseProblem p = empty_problem(n, 2 * k + 3, {int(k) + 2});
  for (std::size_t i = 0; i < k; ++i) {
    p.P[i * n + i] = 2;
    p.A[i * n + i] = -1, p.A[i * n + k + i] = 1;
    p.l[i] = p.u[i] = c[i];
    p.A[(k + 3 + i) * n + k + i] = -2;
  }
  p.A[k * n + 2 * k] = p.A[(k + 2) * n + 2 * k] = 1, p.A[(k + 1) * n + 2 * k] = -1;
  p.u[k] = p.u[k + 1] = p.u[k + 2] = 1;
  return p;
}

/// x = c/|c|, and the gradient of x_0 with respect to c is the first row of (I - x x')/|c|.
TEST(ConesWithSingularP, AProjectionOnABallHasItsGradient) {
  constexpr std::size_t k = 4;
  for (double eps : {1e-6, 1e-12})
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      std::vector<double> c = random_vector(k, seed);
      double squares = 0;
      for (double v : c) squares += v * v;
      const double norm = 1.2 + double(seed) / 200;
      for (double& v : c) v *= norm / std::sqrt(squares);
      const Batch<double> batch(projection_on_ball(c));
      Solver<double> solver(batch.shape, 1, {.eps_abs = eps, .eps_rel = eps});
      Answers<double> a(batch.shape, 1);
      Gradients<double> g(batch.shape, 1);
      std::vector<double> gx(2 * k + 1, 0);
      gx[k] = 1;
      solver.solve(batch.view(), a.view());
      solver.backward({{gx.data(), batch.shape.n, 0}, {}}, g.view());
      ASSERT_EQ(a.report[0].status, Status::solved);
      ASSERT_TRUE(a.report[0].verified && a.report[0].differentiable);
      for (std::size_t i = 0; i < k; ++i) {
        EXPECT_NEAR(a.x[k + i], c[i] / norm, 1e-9);
        const double slope = ((i == 0 ? 1 : 0) - c[0] * c[i] / (norm * norm)) / norm;
        EXPECT_NEAR(g.l[i] + g.u[i], slope, 1e-6) << i;
      }
    }
}

/// min |x - c|^2 on |x_i| <= a_i, a_i^2 <= s_i, s_i^2 <= r_i a_i, r_1 + r_2 <= 1, which is |x|_3 <=
/// 1. Variables (x, a, s, r).
DenseProblem projection_on_three_norm(double c0, double c1) {
  constexpr std::size_t n = 8;
  DenseProblem p = empty_problem(n, 17, {3, 3, 3, 3});
  const auto entry = [&](std::size_t i, std::size_t j) -> double& { return p.A[i * n + j]; };
  p.q[0] = -2 * c0, p.q[1] = -2 * c1;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t a = 2 + i, s = 4 + i, r = 6 + i, cone = 5 + 6 * i;
    p.P[i * n + i] = 2;
    entry(i, i) = 1, entry(i, a) = -1, entry(2 + i, i) = -1, entry(2 + i, a) = -1;
    entry(4, r) = 1;
    entry(cone, s) = -1, entry(cone + 1, s) = 1, entry(cone + 2, a) = -2;
    p.u[cone] = p.u[cone + 1] = 1;
    entry(cone + 3, r) = entry(cone + 3, a) = -1;
    entry(cone + 4, r) = -1, entry(cone + 4, a) = 1, entry(cone + 5, s) = -2;
  }
  p.u[4] = 1;
  return p;
}

/// With z = 3 lambda, 2 (x - c) + z |x| x = 0: dx_1/dc_1 is about 1/(1 + z x_1), which is 1 where
/// the row |x_1| <= a_1 passes for inactive. Its slack and multiplier are as small as the method's
/// end where x_1 is; what is then claimed to be a derivative must be one.
TEST(ConesWithSingularP, WhatNewtonDoesNotReachIsNoDerivative) {
  int differentiable = 0;
  for (double c0 : {1.3, 2.0, 3.0})
    for (double c1 : {0.3, 0.01, 0.003, 0.002, 0.001, 1e-4, 1e-5}) {
      SCOPED_TRACE("c " + std::to_string(c0) + ", " + std::to_string(c1));
      const Batch<double> batch(projection_on_three_norm(c0, c1));
      Solver<double> solver(batch.shape, 1);
      Answers<double> a(batch.shape, 1);
      Gradients<double> g(batch.shape, 1);
      const double gx[8] = {1, -1};
      solver.solve(batch.view(), a.view());
      solver.backward({{gx, 8, 0}, {}}, g.view());
      ASSERT_EQ(a.report[0].status, Status::solved);
      if (!a.report[0].differentiable) continue;
      ++differentiable;
      // [2 + 2 z |x|, z' = x |x|] of the two unknowns and z: the system of the derivative.
      const double x0 = a.x[0], x1 = a.x[1], z = 2 * (c0 - x0) / (x0 * x0);
      const double h0 = 2 + 2 * z * x0, h1 = 2 + 2 * z * x1, b0 = x0 * x0, b1 = x1 * x1;
      // dx solves H dx + b dz = 2 dc, b'dx = 0; its adjoint for g = (1, -1) is alike.
      const double dz = (b0 / h0 - b1 / h1) / (b0 * b0 / h0 + b1 * b1 / h1);
      EXPECT_NEAR(g.q[0], -(1 - b0 * dz) / h0, 1e-6);
      EXPECT_NEAR(g.q[1], -(-1 - b1 * dz) / h1, 1e-6);
    }
  EXPECT_GE(differentiable, 15);  // of 21: the rest is weakly active
}

}  // namespace
}  // namespace bpqp::test
