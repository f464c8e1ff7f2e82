// What core/lanes.hpp asks of a real number, of packs: every lane answers as a double would.
// Compiled once more for each instruction level.
#include "cpu/pack.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "support/instruction_level.hpp"

namespace bpqp::cpu {
namespace {

class PackOfDoubles : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_instructions()) GTEST_SKIP() << "this processor lacks the instructions";
  }
};

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// All lanes of `pack` hold the bits of `expected`, or both are NaN.
testing::AssertionResult holds(Pack pack, double expected) {
  double lanes[Pack::kLanes];
  pack.v.store_unaligned(lanes);
  for (const double lane : lanes)
    if (!(lane == expected || (std::isnan(lane) && std::isnan(expected))))
      return testing::AssertionFailure() << lane << " instead of " << expected;
  return testing::AssertionSuccess();
}

TEST_F(PackOfDoubles, ComparesAsDoublesDo) {
  constexpr unsigned kAll = (1u << Pack::kLanes) - 1;
  const std::vector<double> values{-1, 0, 2, INFINITY, -INFINITY, kNaN};
  for (const double a : values)
    for (const double b : values) {
      const Pack p(a), q(b);
      EXPECT_EQ((p < q).bits(), a < b ? kAll : 0) << a << ", " << b;
      EXPECT_EQ((p > q).bits(), a > b ? kAll : 0) << a << ", " << b;
      EXPECT_EQ((p <= q).bits(), a <= b ? kAll : 0) << a << ", " << b;
      EXPECT_EQ((p >= q).bits(), a >= b ? kAll : 0) << a << ", " << b;
      EXPECT_EQ((p == q).bits(), a == b ? kAll : 0) << a << ", " << b;
      EXPECT_EQ((p != q).bits(), a != b ? kAll : 0) << a << ", " << b;
    }
}

TEST_F(PackOfDoubles, MaximaAndMinimaKeepNaN) {
  for (const double a : {-1.0, 3.0, double(INFINITY), kNaN})
    for (const double b : {2.0, kNaN}) {
      EXPECT_TRUE(holds(core::nan_max(Pack(a), Pack(b)), core::nan_max(a, b))) << a << ", " << b;
      EXPECT_TRUE(holds(core::nan_min(Pack(a), Pack(b)), core::nan_min(a, b))) << a << ", " << b;
    }
}

TEST_F(PackOfDoubles, FloorsToPowersOfTwo) {
  for (const double v : {1.0, 1.9, 2.0, 3e-300, 0.75, 1e300})
    EXPECT_TRUE(holds(floor_power_of_two(Pack(v)), core::floor_power_of_two(v))) << v;
}

TEST_F(PackOfDoubles, MasksAreBitsPerLane) {
  for (unsigned bits = 0; bits < 1u << Pack::kLanes; ++bits) {
    const PackMask mask = PackMask::of(bits);
    EXPECT_EQ(mask.bits(), bits);
    EXPECT_EQ(any(mask), bits != 0);
    EXPECT_EQ(all(mask), bits + 1 == 1u << Pack::kLanes);
    EXPECT_EQ((select(mask, Pack(1.0), Pack(2.0)) == Pack(1.0)).bits(), bits);
  }
}

}  // namespace
}  // namespace bpqp::cpu
