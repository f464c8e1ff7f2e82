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

}  // namespace
}  // namespace bpqp::test
