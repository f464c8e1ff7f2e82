// Settings::kappa: derivatives of the barrier-relaxed point (docs/math.md section 12), whose
// correctness tests/core/relaxed_test.cpp shows, through the calls of the library.
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/random_cones.hpp"

namespace bpqp::test {
namespace {

using Vector = std::vector<double>;

Vector random_vector(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  return normals(size, engine);
}

/// q x on [0, 1]: d x(kappa)/dq = -1/(kappa (1/x^2 + 1/(1 - x)^2)), 0 at the solution itself.
template <class R>
void expect_informative_interval(double near) {
  const double kappa = 0.1, x = 2 * kappa / (1 + 2 * kappa + std::sqrt(1 + 4 * kappa * kappa));
  const double up = kappa / ((1 - x) * (1 - x)), low = kappa / (x * x);
  const Batch<R> batch(DenseProblem{1, 1, {}, {1}, {1}, {0}, {1}, {}});
  for (Method method : {Method::automatic, Method::admm, Method::interior_point}) {
    Solver<R> solver(batch.shape, 1, {.method = method, .kappa = kappa});
    Answers<R> a(batch.shape, 1);
    Gradients<R> g(batch.shape, 1);
    const R one = 1;
    solver.solve(batch.view(), a.view());
    solver.backward({{&one, 1, 0}, {}}, g.view());
    EXPECT_TRUE(a.report[0].differentiable);
    EXPECT_NEAR(a.x[0], 0, near);  // the solution, not the relaxed point
    EXPECT_NEAR(g.q[0], -1 / (up + low), near);
    EXPECT_NEAR(g.u[0], up / (up + low), near);
    EXPECT_NEAR(g.l[0], low / (up + low), near);
    EXPECT_NEAR(g.A[0], -(g.u[0] + g.l[0]) * x + 1 / (up + low) * (low * x - up * (1 - x)), near);
  }
}

TEST(Kappa, MakesALinearProgramInformative) {
  expect_informative_interval<double>(1e-9);
  expect_informative_interval<float>(1e-6);
}

TEST(Kappa, LeavesSolutionsAsTheyAre) {
  std::vector<DenseProblem> problems;
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    problems.push_back(random_known({.n = 8}, seed).problem);
  const Batch<double> batch(problems);
  const auto plain = solve(batch), smooth = solve(batch, {.kappa = 0.5});
  EXPECT_TRUE(same_bits(plain.x, smooth.x));
  EXPECT_TRUE(same_bits(plain.y, smooth.y));
}

/// With linear rows on either side, equalities, a free row and cones.
TEST(Kappa, AdjointAndJvpAreAdjoint) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const DenseProblem p =
        random_cones(
            {.linear = {.n = 9, .equalities = 1, .active = 2, .inactive = 3, .free_rows = 1},
             .places = {ConePlace::boundary, ConePlace::inside},
             .sizes = {3, 4}},
            seed)
            .problem;
    const Batch<double> batch(p);
    const auto n = std::size_t(p.n), m = std::size_t(p.m);
    Solver<double> solver(batch.shape, 1, {.kappa = 0.2});
    Answers<double> a(batch.shape, 1);
    Gradients<double> g(batch.shape, 1);
    solver.solve(batch.view(), a.view());
    ASSERT_TRUE(a.report[0].differentiable);
    const Vector gx = random_vector(n, seed + 1), gy = random_vector(m, seed + 2);
    solver.backward({{gx.data(), p.n, 0}, {gy.data(), p.m, 0}}, g.view());
    const Vector vP = random_vector(n * n, seed + 3), vq = random_vector(n, seed + 4),
                 vA = random_vector(m * n, seed + 5), vu = random_vector(m, seed + 6);
    Vector vl = random_vector(m, seed + 7), dx(n), dy(m);
    for (std::size_t i = 0; i < m; ++i)
      if (p.l[i] == p.u[i]) vl[i] = vu[i];
    solver.jvp(
        {{vP.data(), p.n, p.n, 0},
         {vq.data(), p.n, 0},
         {vA.data(), p.m, p.n, 0},
         {vl.data(), p.m, 0},
         {vu.data(), p.m, 0}},
        {dx.data(), dy.data()});
    double forward = 0, backward = 0, size = 0;
    const auto add = [&size](double& sum, const Vector& u, const Vector& v) {
      for (std::size_t k = 0; k < u.size(); ++k) sum += u[k] * v[k], size += std::fabs(u[k] * v[k]);
    };
    add(forward, gx, dx), add(forward, gy, dy);
    add(backward, g.P, vP), add(backward, g.q, vq), add(backward, g.A, vA);
    add(backward, g.l, vl), add(backward, g.u, vu);
    EXPECT_NEAR(forward, backward, 1e-9 * size);
  }
}

/// The system is factored once for the sides of one problem, and anew where the problem changes.
TEST(Kappa, ManySidesEqualOneAtATimeAfterEverySolve) {
  const int n = 6, count = 5, k = 3;
  for (int round = 0; round < 2; ++round) {
    std::vector<DenseProblem> problems;
    for (int b = 0; b < count; ++b)
      problems.push_back(random_known({.n = n}, std::uint64_t(10 * round + b + 1)).problem);
    const Batch<double> batch(problems);
    const int m = batch.shape.m;
    Solver<double> solver(batch.shape, count, {.kappa = 0.1, .threads = 2});
    const auto N = std::size_t(n), M = std::size_t(m), K = std::size_t(k), B = std::size_t(count);
    for (int again = 0; again < 2; ++again) {
      solver.solve(batch.view(), {});
      const Vector gx = random_vector(B * K * N, 1);
      Vector w(B * K * N), d(B * K * M);
      solver.adjoint_solve(k, gx.data(), nullptr, w.data(), d.data());
      for (std::size_t r = 0; r < K; ++r) {
        Gradients<double> g(batch.shape, count), sum(batch.shape, count, true);
        solver.backward({{gx.data() + r * N, n, k * n}, {}}, g.view());
        solver.backward({{gx.data() + r * N, n, k * n}, {}}, sum.view());
        Vector total(N, 0), total_A(M * N, 0);
        for (std::size_t b = 0; b < B; ++b) {
          for (std::size_t j = 0; j < N; ++j) {
            ASSERT_EQ(g.q[b * N + j], -w[(b * K + r) * N + j]);
            total[j] += g.q[b * N + j];
          }
          for (std::size_t e = 0; e < M * N; ++e) total_A[e] += g.A[b * M * N + e];
        }
        for (std::size_t j = 0; j < N; ++j) ASSERT_NEAR(sum.q[j], total[j], 1e-12);
        for (std::size_t e = 0; e < M * N; ++e) ASSERT_NEAR(sum.A[e], total_A[e], 1e-10);
      }
    }
  }
}

/// x1 + x2 <= 0, x >= 0: solved, but nothing lies inside.
TEST(Kappa, WithoutAnInteriorGivesZeroAndSaysSo) {
  const DenseProblem p{2, 3, {}, {1, 2}, {1, 1, 1, 0, 0, 1}, {-1e30, 0, 0}, {0, 1e30, 1e30}, {}};
  const DenseProblem fine{2, 3, {}, {1, 2}, {1, 1, 1, 0, 0, 1}, {-1e30, 0, 0}, {1, 1e30, 1e30}, {}};
  const Batch<double> batch({p, fine});
  Solver<double> solver(batch.shape, 2, {.kappa = 0.1});
  Answers<double> a(batch.shape, 2);
  Gradients<double> g(batch.shape, 2);
  solver.solve(batch.view(), a.view());
  const Vector ones(2, 1);
  solver.backward({{ones.data(), 2, 0}, {}}, g.view());
  EXPECT_EQ(a.report[0].status, Status::solved);
  EXPECT_FALSE(a.report[0].differentiable);
  EXPECT_TRUE(a.report[1].differentiable);
  for (std::size_t j = 0; j < 2; ++j) {
    EXPECT_EQ(g.q[j], 0);
    EXPECT_LT(g.q[2 + j], -1e-3);
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(g.u[i], 0);
}

TEST(Kappa, ANaNInTheLossLeavesItsProblemAtZero) {
  const Batch<double> batch(DenseProblem{1, 1, {}, {1}, {1}, {0}, {1}, {}});
  Solver<double> solver(batch.shape, 1, {.kappa = 0.1});
  Gradients<double> g(batch.shape, 1);
  solver.solve(batch.view(), {});
  const double nan = std::nan("");
  solver.backward({{&nan, 1, 0}, {}}, g.view());
  EXPECT_EQ(g.q[0], 0);
  EXPECT_EQ(g.A[0], 0);
}

}  // namespace
}  // namespace bpqp::test
