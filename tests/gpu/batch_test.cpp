/// \file
/// The kernels' bodies on emulated warps and blocks against the CPU's solver, on generated
/// families.
#include "support/batch.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "emulated_runtime.hpp"
#include "gpu/gpu_engine.hpp"
#include "io/families.hpp"

namespace bpqp::test {
namespace {

constexpr std::size_t kKilo = 1024;
constexpr Mapping kMappings[] = {
    {"Warps", 0, 64 * kKilo},
    {"WarpsShuffled", 0, 64 * kKilo, 42, 1},
    {"Block128", 1, 6 * kKilo, 7},
    {"Block256", 2, 100 * kKilo, 0, 1},
    {"Block128WithoutRoomForArrays", 1, 0, 1, 3},
};

class Mapped : public testing::TestWithParam<Mapping> {};
INSTANTIATE_TEST_SUITE_P(Gpu, Mapped, testing::ValuesIn(kMappings), [](const auto& test) {
  return std::string(test.param.name);
});

Batch<double> family(io::Family name, int n, int eq, int ineq, int batch) {
  io::FamilyOptions options;
  options.n = n, options.eq = eq, options.ineq = ineq, options.batch = batch, options.seed = 3;
  const io::ProblemBatch made = io::generate(name, io::complete(name, options));
  Batch<double> out;
  out.shape = made.shape;
  for (int b = 0; b < batch; ++b) out.add(problem_of(made, b));
  return out;
}

/// Largest |a - b| over max(1, |b|).
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double off = 0, scale = 1;
  for (std::size_t i = 0; i < b.size(); ++i) {
    off = core::nan_max(off, std::fabs(a[i] - b[i]));
    scale = core::nan_max(scale, std::fabs(b[i]));
  }
  return off / scale;
}

/// Solved and differentiated on the CPU, and by the mapping. Values agree to `tolerance`: orders of
/// summation differ, and conditions up to 1e6 make 1e-10 of it.
void expect_as_on_the_cpu(
    const Batch<double>& data, const Mapping& mapping, double tolerance = 1e-9) {
  Solver<double> solver(data.shape, data.batch);
  gpu::GpuEngine<double> gpu(
      data.shape, data.batch, Settings(), std::make_unique<EmulatedRuntime>(mapping));
  Answers<double> expected(data.shape, data.batch), got(data.shape, data.batch);
  solver.solve(data.view(), expected.view());
  gpu.solve(data.view(), got.view(), Changed::everything);
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

TEST_P(Mapped, SolvesFamiliesAsTheCpuDoes) {
  expect_as_on_the_cpu(family(io::Family::qp, 10, 5, 5, 4), GetParam());
  expect_as_on_the_cpu(family(io::Family::qp, 23, 9, 11, 2), GetParam());
  expect_as_on_the_cpu(family(io::Family::box, 9, -1, -1, 3), GetParam());
  expect_as_on_the_cpu(family(io::Family::mpc, 8, -1, -1, 3), GetParam());
  expect_as_on_the_cpu(family(io::Family::portfolio, 12, -1, -1, 3), GetParam());
  expect_as_on_the_cpu(family(io::Family::dense_ineq, 8, 0, 16, 3), GetParam());
}

TEST_P(Mapped, SolvesWhatIsNotPlainAsTheCpuDoes) {
  expect_as_on_the_cpu(family(io::Family::lp, 8, 4, 6, 2), GetParam(), 1e-7);
  expect_as_on_the_cpu(family(io::Family::socp, 6, 2, -1, 2), GetParam(), 1e-7);
}

}  // namespace
}  // namespace bpqp::test
