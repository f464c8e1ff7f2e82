/// \file
/// The kernels' bodies on emulated warps and blocks against the CPU's solver, on generated
/// families.
#include <gtest/gtest.h>

#include "as_on_the_cpu.hpp"
#include "emulated_runtime.hpp"
#include "gpu/gpu_engine.hpp"

namespace bpqp::test {
namespace {

constexpr std::size_t kKilo = 1024;
constexpr Mapping kMappings[] = {
    {"Warps", kWarps, 64 * kKilo},
    {"WarpsShuffled", kWarps, 64 * kKilo, 42, 1},
    {"Block128", kBlock128, 6 * kKilo, 7},
    {"Block256", kBlock256, 100 * kKilo, 0, 1},
    {"Block128WithoutRoomForArrays", kBlock128, 0, 1, 3},
};

class Mapped : public testing::TestWithParam<Mapping> {};
INSTANTIATE_TEST_SUITE_P(Gpu, Mapped, testing::ValuesIn(kMappings), [](const auto& test) {
  return std::string(test.param.name);
});

void expect_as_on_the_cpu(
    const Batch<double>& data, const Mapping& mapping, double tolerance = 1e-9) {
  gpu::GpuEngine<double> gpu(
      data.shape, data.batch, Settings(), std::make_unique<EmulatedRuntime>(mapping));
  expect_as_on_the_cpu(data, gpu, tolerance);
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
