/// \file
/// Promise 4: after construction nothing is allocated.
#pragma once

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/malloc_count.hpp"

namespace bpqp::test {

/// Solves twice (the second time vectors only, warm), then takes all derivatives, counting heap
/// allocations of all threads. n variables, n/2 equalities, n/2 inequalities.
inline void expect_no_allocation(int n, int batch, const Settings& settings) {
  if (!counts_allocations()) GTEST_SKIP() << "allocations are not counted in sanitizer builds";
  const auto generated = io::generate(io::Family::qp, {.n = n, .batch = batch, .seed = 1});
  const Problem<double> problem = generated.view();
  const int m = generated.shape.m;
  Answers<double> a(generated.shape, batch);
  Gradients<double> g(generated.shape, batch), shared(generated.shape, batch, true);
  const std::vector<double> ones(std::size_t(batch) * std::size_t(n), 1);
  std::vector<double> dx(a.x.size()), dy(a.y.size());
  ProblemTangent<double> tangent;
  tangent.q = {ones.data(), n, n};
  const SolutionGradient<double> loss{{ones.data(), n, n}, {}};
  Solver<double> solver(generated.shape, batch, settings);
  const auto count = [](const char* what, const auto& call) {
    const auto before = allocations();
    call();
    EXPECT_EQ(allocations() - before, 0u) << what;
  };
  count("solve", [&] { solver.solve(problem, a.view()); });
  count("solve again", [&] { solver.solve(problem, a.view()); });
  count("warm_start", [&] { solver.warm_start(batch, {a.x.data(), n, n}, {a.y.data(), m, m}); });
  count("solve vectors", [&] { solver.solve(problem, a.view(), Changed::vectors); });
  count("backward", [&] { solver.backward(loss, g.view()); });
  count("backward shared", [&] { solver.backward(loss, shared.view()); });
  count("adjoint_solve", [&] {
    solver.adjoint_solve(1, ones.data(), nullptr, dx.data(), dy.data());
  });
  count("jvp", [&] { solver.jvp(tangent, {dx.data(), dy.data()}); });
  EXPECT_EQ(a.report[0].status, Status::solved);
}

}  // namespace bpqp::test
