/// \file
/// Generated families, and the comparison of a GPU's answers with the CPU's.
#pragma once

#include <cmath>

#include <gtest/gtest.h>

#include "core/lanes.hpp"
#include "io/families.hpp"
#include "support/batch.hpp"

namespace bpqp::test {

inline Batch<double> family(io::Family name, int n, int eq, int ineq, int batch) {
  io::FamilyOptions options;
  options.n = n, options.eq = eq, options.ineq = ineq, options.batch = batch, options.seed = 3;
  const io::ProblemBatch made = io::generate(name, io::complete(name, options));
  Batch<double> out;
  out.shape = made.shape;
  for (int b = 0; b < batch; ++b) out.add(problem_of(made, b));
  return out;
}

/// Largest |a - b| over max(1, |b|).
inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double off = 0, scale = 1;
  for (std::size_t i = 0; i < b.size(); ++i) {
    off = core::nan_max(off, std::fabs(a[i] - b[i]));
    scale = core::nan_max(scale, std::fabs(b[i]));
  }
  return off / scale;
}

/// Solved and differentiated on the CPU, and by `gpu`, an engine or a Solver of this shape and
/// batch; with `share` all have the first problem's matrices and sides. Values agree to
/// `tolerance`: orders of summation differ, and conditions up to 1e6 make 1e-10 of it.
template <class Gpu>
void expect_as_on_the_cpu(
    const Batch<double>& data, Gpu& gpu, double tolerance, bool share = false) {
  Problem<double> problem = data.view();
  if (share) problem.P.stride = problem.A.stride = problem.l.stride = problem.u.stride = 0;
  Solver<double> solver(data.shape, data.batch);
  Answers<double> expected(data.shape, data.batch), got(data.shape, data.batch);
  solver.solve(problem, expected.view());
  gpu.solve(problem, got.view(), Changed::everything);
  for (int b = 0; b < data.batch; ++b) {
    const Report &want = expected.report[std::size_t(b)], &have = got.report[std::size_t(b)];
    EXPECT_EQ(want.status, have.status) << "problem " << b;
    EXPECT_EQ(want.active, have.active) << "problem " << b;
    EXPECT_EQ(want.differentiable, have.differentiable) << "problem " << b;
  }
  EXPECT_EQ(expected.active, got.active);
  EXPECT_LE(difference(got.x, expected.x), tolerance);
  EXPECT_LE(difference(got.y, expected.y), tolerance);
  std::vector<double> g(expected.x.size());
  for (std::size_t i = 0; i < g.size(); ++i) g[i] = std::cos(double(i));
  const SolutionGradient<double> loss{{g.data(), data.shape.n, data.shape.n}, {}};
  for (const bool sum : {false, true}) {
    Gradients<double> want(data.shape, data.batch, sum), have(data.shape, data.batch, sum);
    solver.backward(loss, want.view());
    gpu.backward(loss, have.view());
    EXPECT_LE(difference(have.P, want.P), tolerance);
    EXPECT_LE(difference(have.q, want.q), tolerance);
    EXPECT_LE(difference(have.A, want.A), tolerance);
    EXPECT_LE(difference(have.l, want.l), tolerance);
    EXPECT_LE(difference(have.u, want.u), tolerance);
  }
}

}  // namespace bpqp::test
