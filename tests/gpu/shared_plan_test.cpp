/// \file
/// Plans, above all of batches that share P and A, keep what they promise, for every shape.
#include "gpu/shared_plan.hpp"

#include <gtest/gtest.h>

namespace bpqp::test {
namespace {

using gpu::Plan;
using gpu::Reads;

const gpu::DeviceLimits kLimits;

/// What blocks copy of matrices of n variables and m rows.
std::string copied(int n, int m, Reads reads = Reads::solve) {
  std::string names;
  gpu::make_shared_plan(n, m, gpu::size_class(n, m), reads, kLimits, &names);
  return names;
}

/// Calls check(n, m, reads, shared plan, plan of matrices that are not shared).
template <class Check>
void for_shapes(const Check& check) {
  for (const int n : {1, 2, 8, 20, 31, 32, 33, 64, 100, 128, 129, 200, 300, 500, 2000})
    for (const int m : {0, 1, 8, 21, 32, 64, 65, 100, 256, 257, 1000})
      for (const Reads reads : {Reads::solve, Reads::adjoint}) {
        SCOPED_TRACE(std::to_string(n) + " variables, " + std::to_string(m) + " rows");
        const gpu::SizeClass& c = gpu::size_class(n, m);
        check(n, m, reads, gpu::make_shared_plan(n, m, c, reads), gpu::make_plan(n, m, c));
      }
}

TEST(SharedPlan, FitsTheBlockAndTheMultiprocessor) {
  for_shapes([](int, int, Reads, const Plan& shared, const Plan&) {
    EXPECT_LE(shared.shared_bytes, kLimits.shared_bytes_block);
    EXPECT_LE(
        (shared.shared_bytes + kLimits.shared_bytes_reserved) * std::size_t(shared.blocks),
        kLimits.shared_bytes);
    EXPECT_EQ(shared.most_blocks, shared.blocks * kLimits.multiprocessors);
    const gpu::SizeClass& c = *shared.size_class;
    EXPECT_EQ(
        shared.shared_bytes,
        std::size_t(c.teams()) * gpu::team_stride(c, shared.fast_bytes) + shared.copy_bytes);
  });
}

/// Of compute capability 8.0, 8.6 and 12.0: what does not fit stays in the device's memory.
TEST(Plans, FitDevicesWithLessSharedMemory) {
  constexpr std::size_t kilo = 1024;
  for (const gpu::DeviceLimits& limits :
       {gpu::DeviceLimits{108, 164 * kilo, 163 * kilo},
        {84, 100 * kilo, 99 * kilo},
        {170, 100 * kilo, 99 * kilo}}) {
    const auto expect_fits = [&](const Plan& plan) {
      const std::size_t block = plan.shared_bytes + limits.shared_bytes_reserved;
      EXPECT_LE(plan.shared_bytes, limits.shared_bytes_block);
      EXPECT_LE(block * std::size_t(plan.blocks), limits.shared_bytes);
    };
    for_shapes([&](int n, int m, Reads reads, const Plan& plan, const Plan&) {
      expect_fits(gpu::make_plan(n, m, *plan.size_class, limits));
      expect_fits(gpu::make_plan(n, m, gpu::size_class(n, m, true), limits));
      expect_fits(gpu::make_shared_plan(n, m, *plan.size_class, reads, limits));
    });
  }
}

TEST(SharedPlan, CopiesCostNoBlockAndNoRoomOfAProblemsOwnArrays) {
  for_shapes([](int n, int m, Reads reads, const Plan& shared, const Plan& plain) {
    EXPECT_GE(shared.blocks, plain.blocks);
    const std::size_t room = gpu::team_room(*shared.size_class, kLimits, shared.blocks);
    EXPECT_EQ(shared.fast_bytes, gpu::own_fast_bytes(n, m, reads, room));
    if (room >= shared.wanted_bytes) {
      EXPECT_EQ(shared.fast_bytes, shared.wanted_bytes);
    }
  });
}

TEST(SharedPlan, ABlockTakesNoMoreArraysIfItIsGivenJustWhatItsPlanSays) {
  for_shapes([](int n, int m, Reads reads, const Plan& shared, const Plan&) {
    if (shared.copy_bytes == 0) return;
    std::string within, planned;
    EXPECT_EQ(gpu::copy_bytes_within(n, m, reads, shared.copy_bytes, &within), shared.copy_bytes);
    gpu::make_shared_plan(n, m, *shared.size_class, reads, kLimits, &planned);
    EXPECT_EQ(within, planned);
    EXPECT_EQ(gpu::own_fast_bytes(n, m, reads, shared.fast_bytes), shared.fast_bytes);
  });
}

TEST(SharedPlan, CopiesAllOfSmallMatricesAndTheFirstOfLargeOnes) {
  EXPECT_EQ(copied(20, 21), "D, E, S, L, Y, A, P");
  EXPECT_EQ(copied(20, 21, Reads::adjoint), "D, E, L, Y, A, P");
  EXPECT_EQ(copied(10, 25), "D, E, L, Y, A, P");  // S is not formed
  EXPECT_EQ(copied(100, 40), "D, E, S");
  EXPECT_EQ(copied(5000, 4000), "");
}

}  // namespace
}  // namespace bpqp::test
