// Solver<float>: data in float, answers as good as they can hold.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/oracle.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

/// What the float data are: the problem that the answer is judged on.
DenseProblem rounded(DenseProblem p) {
  for (auto* v : {&p.P, &p.q, &p.A, &p.l, &p.u})
    for (double& e : *v) e = std::fabs(e) < 1e30 ? double(float(e)) : e;
  return p;
}

TEST(Float, SolvesTo1e4AndPolishedTo1e6) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.n = 6 + int(seed);
    const DenseProblem p = rounded(random_known(o, seed).problem);
    const auto polished = solve(Batch<float>(p), {.eps_abs = 1e-4, .eps_rel = 1e-4});
    ASSERT_EQ(polished.report[0].status, Status::solved);
    // x and y are rounded to float: 6e-8 relative, times up to n terms.
    EXPECT_LE(double(kkt_errors(p, polished.x_of(0), polished.y_of(0)).worst()), 1e-6);
    const auto plain = solve(
        Batch<float>(p), {.eps_abs = 1e-4, .eps_rel = 1e-4, .max_iter = 100000, .polish = false});
    ASSERT_EQ(plain.report[0].status, Status::solved);
    EXPECT_LE(double(kkt_errors(p, plain.x_of(0), plain.y_of(0)).worst()), 2e-4);
  }
}

TEST(Float, AgreesWithDouble) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const DenseProblem p = rounded(random_known({.n = 12}, seed).problem);
    const Batch<float> f(p);
    const Batch<double> d(p);
    Solver<float> single(f.shape, 1);
    Solver<double> twice(d.shape, 1);
    Answers<float> a(f.shape, 1);
    Answers<double> b(d.shape, 1);
    single.solve(f.view(), a.view());
    twice.solve(d.view(), b.view());
    EXPECT_EQ(a.active, b.active);
    for (std::size_t j = 0; j < a.x.size(); ++j)
      EXPECT_NEAR(a.x[j], b.x[j], 1e-6 * (1 + std::fabs(b.x[j])));
    const std::vector<float> gf(12, 1);
    const std::vector<double> gd(12, 1);
    Gradients<float> g(f.shape, 1);
    Gradients<double> h(d.shape, 1);
    single.backward({{gf.data(), 12, 0}, {}}, g.view());
    twice.backward({{gd.data(), 12, 0}, {}}, h.view());
    const auto expect_close = [](const auto& u, const auto& v) {
      double scale = 1;
      for (double e : v) scale = std::max(scale, std::fabs(e));
      for (std::size_t i = 0; i < u.size(); ++i) ASSERT_NEAR(double(u[i]), v[i], 1e-6 * scale);
    };
    expect_close(g.P, h.P);
    expect_close(g.q, h.q);
    expect_close(g.A, h.A);
    expect_close(g.l, h.l);
    expect_close(g.u, h.u);
  }
}

TEST(Float, InfeasibleAndUnboundedOnesAreFound) {
  const auto infeasible = solve(Batch<float>(rounded(random_primal_infeasible(6, 9, 1))));
  EXPECT_EQ(infeasible.report[0].status, Status::primal_infeasible)
      << to_string(infeasible.report[0].status);
  const auto unbounded = solve(Batch<float>(rounded(random_dual_infeasible(6, 9, 1))));
  EXPECT_EQ(unbounded.report[0].status, Status::dual_infeasible)
      << to_string(unbounded.report[0].status);
}

}  // namespace
}  // namespace bpqp::test
