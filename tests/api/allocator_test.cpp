// A Solver's memory comes from the caller's allocator, in one block of a size that is known before.
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/counting_allocator.hpp"

namespace bpqp::test {
namespace {

using Failure = CountingAllocator::Failure;

Settings with(const std::shared_ptr<Allocator>& allocator) {
  Settings settings;
  settings.allocator = allocator;
  settings.threads = 2;
  return settings;
}

class Allocators : public testing::TestWithParam<int> {};  // variables: in packs, one by one
INSTANTIATE_TEST_SUITE_P(Of, Allocators, testing::Values(10, 70));

TEST_P(Allocators, GiveOneBlockThatIsThereUntilTheSolverIsGone) {
  const int n = GetParam(), batch = 9;
  const auto generated = io::generate(io::Family::qp, {.n = n, .batch = batch, .seed = 1});
  const auto allocator = std::make_shared<CountingAllocator>();
  const Settings settings = with(allocator);
  const std::size_t needed = Solver<double>::bytes_needed(generated.shape, batch, settings);
  EXPECT_EQ(allocator->calls, 0);
  Answers<double> have(generated.shape, batch), want(generated.shape, batch);
  Gradients<double> gradient(generated.shape, batch), expected(generated.shape, batch);
  const std::vector<double> ones(std::size_t(n), 1);
  const SolutionGradient<double> loss{{ones.data(), n, 0}, {}};
  {
    Solver<double> solver(generated.shape, batch, settings);
    EXPECT_EQ(allocator->calls, 1);
    EXPECT_EQ(solver.bytes(), needed);
    EXPECT_LE(allocator->bytes, needed);
    EXPECT_GT(allocator->bytes, needed / 2);  // what is not asked for is bookkeeping
    solver.solve(generated.view(), have.view());
    solver.backward(loss, gradient.view());
    const Solver<double> moved = std::move(solver);
    EXPECT_EQ(allocator->calls, 1);
    EXPECT_EQ(allocator->blocks.size(), 1u);
  }
  EXPECT_TRUE(allocator->blocks.empty());
  EXPECT_EQ(allocator->wrong_returns, 0);
  Solver<double> plain(generated.shape, batch, with(nullptr));
  plain.solve(generated.view(), want.view());
  plain.backward(loss, expected.view());
  EXPECT_TRUE(same_bits(have.x, want.x));
  EXPECT_TRUE(same_bits(have.y, want.y));
  EXPECT_TRUE(same_bits(gradient.P, expected.P));
  EXPECT_TRUE(same_bits(gradient.A, expected.A));
}

TEST(Allocators, AreKeptAliveByTheirSolver) {
  auto allocator = std::make_shared<CountingAllocator>();
  const std::weak_ptr<CountingAllocator> seen = allocator;
  {
    const Solver<float> solver({.n = 3, .m = 2}, 4, with(allocator));
    allocator.reset();
    EXPECT_FALSE(seen.expired());
    EXPECT_EQ(seen.lock()->blocks.size(), 1u);
  }
  EXPECT_TRUE(seen.expired());
}

std::string message_of(Failure failure) {
  const auto allocator = std::make_shared<CountingAllocator>();
  allocator->failure = failure;
  std::string message;
  try {
    Solver<double>({.n = 3, .m = 2}, 4, with(allocator));
  } catch (const DeviceError& e) {
    message = e.what();
  }
  EXPECT_TRUE(allocator->blocks.empty());
  EXPECT_EQ(allocator->wrong_returns, 0);
  allocator->failure = Failure::none;
  EXPECT_NO_THROW(Solver<double>({.n = 3, .m = 2}, 4, with(allocator)));
  return message;
}

TEST(Allocators, ThatFailAreADeviceErrorOfOneLine) {
  const auto contains = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos && text.find('\n') == std::string::npos;
  };
  for (const char* part : {"allocator: expected ", " bytes, got null"})
    EXPECT_TRUE(contains(message_of(Failure::null), part)) << message_of(Failure::null);
  for (const char* part : {"allocator: expected ", "exception: the pool is empty"})
    EXPECT_TRUE(contains(message_of(Failure::exception), part)) << message_of(Failure::exception);
  for (const char* part : {"allocator: expected ", "address that 256 does not divide", "64"})
    EXPECT_TRUE(contains(message_of(Failure::odd_address), part))
        << message_of(Failure::odd_address);
}

}  // namespace
}  // namespace bpqp::test
