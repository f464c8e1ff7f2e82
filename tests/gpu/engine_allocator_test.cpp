/// \file
/// A GpuEngine's memory comes from the caller's allocator: its block, and copies of host arrays.
#include "support/counting_allocator.hpp"
#include "twins.hpp"

namespace bpqp::test {
namespace {

constexpr int kN = 8, kM = 15, kCount = 3;
const Shape kShape{.n = kN, .m = kM};

struct Allocated {
  explicit Allocated(const Settings& settings = {})
      : engine(
            kShape,
            kCount,
            settings,
            std::make_unique<EmulatedRuntime>(kMappings[0], nullptr, allocator, stream)) {}
  int place = 0;
  void* stream = &place;
  std::shared_ptr<CountingAllocator> allocator = std::make_shared<CountingAllocator>();
  gpu::GpuEngine<double> engine;
};

TEST(EngineAllocator, GivesOneBlockOfTheBytesThatAreNeeded) {
  for (const Shape& shape :
       {kShape, Shape{.n = 8, .m = 15, .cones = {3, 4}}, Shape{.n = 2, .m = 0}})
    for (const bool gradients : {true, false})
      for (const Mapping& mapping : kMappings) {
        const Settings settings{.gradients = gradients};
        const auto allocator = std::make_shared<CountingAllocator>();
        const auto runtime = [&] {
          return std::make_unique<EmulatedRuntime>(mapping, nullptr, allocator);
        };
        const std::size_t needed =
            gpu::GpuEngine<float>::bytes_needed(shape, kCount, settings, runtime());
        EXPECT_EQ(allocator->calls, 0);
        {
          const gpu::GpuEngine<float> engine(shape, kCount, settings, runtime());
          EXPECT_EQ(allocator->calls, 1);
          EXPECT_EQ(allocator->bytes, needed);
          EXPECT_EQ(engine.bytes(), needed);
        }
        EXPECT_TRUE(allocator->blocks.empty());
        EXPECT_EQ(allocator->wrong_returns, 0);
      }
}

TEST(EngineAllocator, GivesTheCopiesOfHostArraysOnceUntilTheyGrow) {
  const auto batch = known_batch(kN, kCount, 1);
  Answers<double> have(kShape, kCount), want(kShape, kCount);
  auto plain = gpu_engine(kShape, kCount, kMappings[0]);
  plain.solve(batch.view(), want.view(), Changed::everything);
  Allocated of;
  Problem<double> one = batch.view();
  one.batch = 1;
  of.engine.solve(one, have.view(), Changed::everything);
  const int first = of.allocator->calls;
  constexpr int kArrays = 9;  // P q A l u, x y active report
  EXPECT_EQ(first, 1 + kArrays);
  of.engine.solve(one, have.view(), Changed::everything);
  EXPECT_EQ(of.allocator->calls, first);
  of.engine.solve(batch.view(), have.view(), Changed::everything);
  EXPECT_EQ(of.allocator->calls, first + kArrays);
  EXPECT_EQ(of.allocator->blocks.size(), std::size_t(1 + kArrays));  // the smaller ones went back
  EXPECT_TRUE(same_bits(have.x, want.x));
  EXPECT_TRUE(same_bits(have.y, want.y));
  for (const auto& [memory, what] : of.allocator->blocks) EXPECT_EQ(what.second, of.stream);
}

TEST(EngineAllocator, ThatFailsInACallLeavesTheEngineUsable) {
  const auto batch = known_batch(kN, kCount, 1);
  Answers<double> have(kShape, kCount), want(kShape, kCount);
  auto plain = gpu_engine(kShape, kCount, kMappings[0]);
  plain.solve(batch.view(), want.view(), Changed::everything);
  Allocated of;
  of.allocator->failure = CountingAllocator::Failure::exception;
  EXPECT_THROW(of.engine.solve(batch.view(), have.view(), Changed::everything), DeviceError);
  of.allocator->failure = CountingAllocator::Failure::none;
  of.engine.solve(batch.view(), have.view(), Changed::everything);
  EXPECT_TRUE(same_bits(have.x, want.x));
  EXPECT_EQ(of.allocator->wrong_returns, 0);
}

}  // namespace
}  // namespace bpqp::test
