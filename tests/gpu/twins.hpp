/// \file
/// Twins: one batch for the CPU's Solver and for a GpuEngine on emulated blocks, and what their
/// answers are compared by.
#pragma once

#include <cmath>
#include <memory>

#include <gtest/gtest.h>

#include "emulated_runtime.hpp"
#include "gpu/gpu_engine.hpp"
#include "support/batch.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {

/// Warps and blocks of 128 (those of 256 are in batch_test.cpp and engine_memory_test.cpp, as they
/// take long to emulate); with room in shared memory for all of a problem's arrays, some, or none;
/// one with two host threads, so that ThreadSanitizer sees races between blocks.
inline constexpr Mapping kMappings[] = {
    {"Warps", kWarps, 64 << 10, 3},
    {"WarpsOnTwoHostThreads", kWarps, 2 << 10, 42, 3, 2},
    {"Block128", kBlock128, 6 << 10, 7, 2, 2},
    {"Block128WithoutRoomForArrays", kBlock128, 0, 0, 3},
    {"GridOfTwo", kGrid, 0, 5, 2},
};

inline std::string mapping_name(const testing::TestParamInfo<Mapping>& test) {
  return test.param.name;
}

template <class R = double>
gpu::GpuEngine<R> gpu_engine(
    const Shape& shape, int capacity, const Mapping& mapping, const Settings& settings = {}) {
  return {shape, capacity, settings, std::make_unique<EmulatedRuntime>(mapping)};
}

/// NaN in the same places; else to `tolerance` of the largest of `want`, or of 1.
template <class R>
void expect_close(
    const std::vector<R>& have, const std::vector<R>& want, double tolerance, const char* what) {
  ASSERT_EQ(have.size(), want.size());
  double scale = 1;
  for (R v : want)
    if (std::isfinite(v)) scale = std::fmax(scale, std::fabs(double(v)));
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(want[i])) {
      ASSERT_TRUE(std::isnan(have[i])) << what << " " << i;
    } else {
      ASSERT_NEAR(double(have[i]), double(want[i]), tolerance * scale) << what << " " << i;
    }
  }
}

template <class R>
void expect_close(const Gradients<R>& have, const Gradients<R>& want, double tolerance) {
  expect_close(have.P, want.P, tolerance, "dP");
  expect_close(have.q, want.q, tolerance, "dq");
  expect_close(have.A, want.A, tolerance, "dA");
  expect_close(have.l, want.l, tolerance, "dl");
  expect_close(have.u, want.u, tolerance, "du");
}

inline void expect_same(const Report& have, const Report& want) {
  EXPECT_EQ(have.status, want.status) << to_string(have.status) << ", " << to_string(want.status);
  EXPECT_EQ(have.active, want.active);
  EXPECT_EQ(have.differentiable, want.differentiable);
  EXPECT_EQ(have.verified, want.verified);
  EXPECT_EQ(std::isnan(have.objective), std::isnan(want.objective));
  EXPECT_EQ(std::isnan(have.gap), std::isnan(want.gap));
}

/// Seeded numbers.
template <class R = double>
std::vector<R> random_vector(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  const auto v = normals(count, engine);
  return {v.begin(), v.end()};
}

/// The default tolerance: orders of summation differ, and conditions up to 1e6 make 1e-10 of it.
template <class R>
constexpr double kAgree = sizeof(R) == 4 ? 1e-6 : 1e-9;

template <class R = double>
struct Twins {
  Twins(const Batch<R>& data, const Mapping& mapping, const Settings& settings = {})
      : batch(data),
        cpu(data.shape, data.batch, settings),
        gpu(gpu_engine<R>(data.shape, data.batch, mapping, settings)),
        want(data.shape, data.batch),
        have(data.shape, data.batch),
        gx(random_vector<R>(want.x.size(), 1)),
        gy(random_vector<R>(want.y.size(), 2)) {}

  /// Solves on both, and compares.
  void solve(
      const Problem<R>& problem,
      Changed changed = Changed::everything,
      double tolerance = kAgree<R>) {
    cpu.solve(problem, want.view(), changed);
    gpu.solve(problem, have.view(), changed);
    compare(tolerance);
  }
  void solve() { solve(batch.view()); }

  void compare(double tolerance = kAgree<R>) const {
    for (std::size_t b = 0; b < want.report.size(); ++b) {
      SCOPED_TRACE("problem " + std::to_string(b));
      expect_same(have.report[b], want.report[b]);
    }
    EXPECT_EQ(have.active, want.active);
    expect_close(have.x, want.x, tolerance, "x");
    expect_close(have.y, want.y, tolerance, "y");
  }

  SolutionGradient<R> loss() const {
    return {{gx.data(), batch.shape.n, batch.shape.n}, {gy.data(), batch.shape.m, batch.shape.m}};
  }

  /// Differentiates on both, problem by problem and summed, and compares.
  void backward(double tolerance = kAgree<R>) {
    for (const bool sum : {false, true}) {
      SCOPED_TRACE(sum ? "summed" : "each");
      Gradients<R> expected(batch.shape, batch.batch, sum), got(batch.shape, batch.batch, sum);
      cpu.backward(loss(), expected.view());
      gpu.backward(loss(), got.view());
      expect_close(got, expected, tolerance);
    }
  }

  Batch<R> batch;
  Solver<R> cpu;
  gpu::GpuEngine<R> gpu;
  Answers<R> want, have;
  std::vector<R> gx, gy;  ///< of the loss, per problem
};

/// Problems of one shape, n variables and 15 rows.
inline Batch<double> known_batch(int n, int count, std::uint64_t seed) {
  std::vector<DenseProblem> problems;
  for (int b = 0; b < count; ++b)
    problems.push_back(random_known({.n = n}, seed + std::uint64_t(b)).problem);
  return Batch<double>(problems);
}

}  // namespace bpqp::test
