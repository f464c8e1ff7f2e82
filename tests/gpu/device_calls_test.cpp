/// \file
/// On a real device, where there is one: the calls that bpqp.jax makes there, against the host's.
#include <functional>
#include <memory>
#include <random>

#include <cuda_runtime_api.h>

#include "cached_calls.hpp"
#include "device_array.hpp"
#include "report_fields.hpp"
#include "solver_cache.hpp"
#include "support/batch.hpp"

namespace bpqp::test {
namespace {

using python::Blocks;
using python::Dimensions;

constexpr int kN = 12, kM = 9;
constexpr std::size_t kStates = python::kStateWords;
const python::CallConfig kConfig = {"", "eps_abs=1e-10;eps_rel=1e-10;"};

/// Arrays where they are.
struct HostWorld {
  python::HostCaller caller;
  template <class V>
  const V* in(const std::vector<V>& v) {
    return v.data();
  }
  template <class V>
  V* out(std::vector<V>& v) {
    return v.data();
  }
  void finish() {}
};

/// Copies on the device, brought back by finish(). In a stream of its own.
struct DeviceWorld {
  DeviceWorld() { expect_success(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)); }
  ~DeviceWorld() { cudaStreamDestroy(stream); }
  DeviceWorld(const DeviceWorld&) = delete;
  DeviceWorld& operator=(const DeviceWorld&) = delete;

  template <class V>
  V* in(const std::vector<V>& v) {
    const auto array = std::make_shared<DeviceArray<V>>(v.empty() ? std::vector<V>(1) : v);
    arrays.push_back(array);
    caller = {stream, array->data()};
    return array->data();
  }
  template <class V>
  V* out(std::vector<V>& v) {
    V* const data = in(v);
    const auto array = std::static_pointer_cast<DeviceArray<V>>(arrays.back());
    if (!v.empty()) results.push_back([&v, array] { v = array->get(); });
    return data;
  }
  void finish() {
    expect_success(cudaStreamSynchronize(stream));
    for (const auto& bring : results) bring();
  }

  cudaStream_t stream = nullptr;
  python::CudaCaller caller = {};
  std::vector<std::shared_ptr<void>> arrays;
  std::vector<std::function<void()>> results;
};

/// An argument: leading dimensions, and its numbers.
struct Argument {
  Dimensions lead;
  std::vector<double> data;
};

/// A batch whose arguments have different leading dimensions.
struct Call {
  Argument P, q, A, l, u, x0, y0;

  template <class World>
  python::Inputs<double> in(World& world) const {
    const auto vector = [&](const Argument& a, std::int64_t size) {
      return blocks(world, a, {a.data.empty() ? 0 : size});
    };
    return {
        blocks(world, P, {kN, kN}),
        vector(q, kN),
        blocks(world, A, {kM, kN}),
        vector(l, kM),
        vector(u, kM),
        vector(x0, kN),
        vector(y0, kM)};
  }

  template <class World, class V>
  static Blocks<V> blocks(
      World& world, const std::vector<V>& data, Dimensions all, std::size_t own) {
    return {world.in(data), all, own};
  }
  template <class World>
  static Blocks<double> blocks(World& world, const Argument& a, const Dimensions& own) {
    Dimensions all = a.lead;
    all.insert(all.end(), own.begin(), own.end());
    return blocks(world, a.data, all, own.size());
  }
};

struct Solved {
  std::vector<double> x, y, real;
  std::vector<std::int8_t> active;
  std::vector<std::int32_t> whole;
  std::vector<std::uint32_t> state;
};

template <class World>
Solved solve(const Call& call, const Dimensions& lead, bool keep = true) {
  World world;
  const auto batch = std::size_t(python::product(lead));
  std::size_t wholes = 0, reals = 0;
  python::each_field(Report(), [&](const char*, const auto& field) {
    ++(std::is_same_v<std::remove_cvref_t<decltype(field)>, double> ? reals : wholes);
  });
  Solved s = {
      std::vector<double>(batch * kN),           std::vector<double>(batch * kM),
      std::vector<double>(batch * reals),        std::vector<std::int8_t>(batch * kM),
      std::vector<std::int32_t>(batch * wholes), std::vector<std::uint32_t>(batch * kStates)};
  const python::SolveOutputs<double> out = {
      lead,
      world.out(s.x),
      world.out(s.y),
      world.out(s.active),
      world.out(s.whole),
      world.out(s.real),
      world.out(s.state)};
  const auto in = call.in(world);
  python::solve_call(world.caller, in, out, kConfig, keep);
  world.finish();
  return s;
}

struct Sides {
  Argument g, h;
};

template <class World>
std::vector<double> adjoint(
    const Call& call,
    const Solved& solved,
    Dimensions problems,
    const Sides& sides,
    const Dimensions& full) {
  World world;
  const auto count = std::size_t(python::product(full));
  std::vector<double> w(count * kN, 7), d(count * kM, 7);
  problems.push_back(kStates);
  const auto state = Call::blocks(world, solved.state, problems, 1);
  const auto in = call.in(world);
  const auto g = Call::blocks(world, sides.g, {kN}), h = Call::blocks(world, sides.h, {kM});
  double* const to_w = world.out(w);
  double* const to_d = world.out(d);
  python::adjoint_call(world.caller, g, h, state, in, full, to_w, to_d, kConfig);
  world.finish();
  w.insert(w.end(), d.begin(), d.end());
  return w;
}

/// An argument of a generated batch of all of `lead`'s problems; its first blocks.
Argument argument(const std::vector<double>& from, const Dimensions& lead, std::int64_t size) {
  return {lead, {from.begin(), from.begin() + python::product(lead) * size}};
}

Argument random_argument(const Dimensions& lead, std::int64_t size, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  Argument a = {lead, std::vector<double>(std::size_t(python::product(lead) * size))};
  for (double& v : a.data) v = normal(generator);
  return a;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], expected[i], 1e-8 * std::max(1.0, std::abs(expected[i])))
        << "entry " << i;
}

class CallsOnDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (capabilities().cuda_devices.empty()) GTEST_SKIP() << "there is no CUDA device";
    const auto made =
        io::generate(io::Family::qp, {.n = kN, .eq = 3, .ineq = kM - 3, .batch = 12, .seed = 5});
    // P differs along the first dimension, q along both, the rows are shared.
    call_ = {
        argument(made.P, {3, 1}, kN * kN),
        argument(made.q, {3, 4}, kN),
        argument(made.A, {1, 1}, kM * kN),
        argument(made.l, {1, 1}, kM),
        argument(made.u, {1, 1}, kM),
        {{1, 1}, {}},
        {{1, 1}, {}}};
  }

  Call call_;
  const Dimensions lead_ = {3, 4};
};

TEST_F(CallsOnDevice, SolveWhatIsSharedAlongOneDimensionAsTheHostDoes) {
  const Solved found = solve<DeviceWorld>(call_, lead_), expected = solve<HostWorld>(call_, lead_);
  expect_near(found.x, expected.x);
  expect_near(found.y, expected.y);
  EXPECT_EQ(found.active, expected.active);
  const std::size_t columns = found.whole.size() / 12;
  for (std::size_t b = 0; b < 12; ++b) {
    EXPECT_EQ(found.whole[b * columns], expected.whole[b * columns]) << "status of problem " << b;
    EXPECT_EQ(found.state[b * kStates + 2], b);
    EXPECT_EQ(found.state[b * kStates], found.state[0]);
  }
  EXPECT_NE(found.state[0], 0U);
  EXPECT_NEAR(found.real[0], expected.real[0], 1e-8) << "objective of problem 0";
}

TEST_F(CallsOnDevice, DifferentiateAsTheHostDoes) {
  const Sides sides = {random_argument(lead_, kN, 1), random_argument(lead_, kM, 2)};
  const Solved there = solve<DeviceWorld>(call_, lead_), here = solve<HostWorld>(call_, lead_);
  expect_near(
      adjoint<DeviceWorld>(call_, there, lead_, sides, lead_),
      adjoint<HostWorld>(call_, here, lead_, sides, lead_));
}

TEST_F(CallsOnDevice, DifferentiateSeveralRightHandSidesOfWhichSomeAreZero) {
  call_ = {
      {{1, 3, 1}, call_.P.data},
      {{1, 3, 4}, call_.q.data},
      {{1, 1, 1}, call_.A.data},
      {{1, 1, 1}, call_.l.data},
      {{1, 1, 1}, call_.u.data},
      {{1, 1, 1}, {}},
      {{1, 1, 1}, {}}};
  const Dimensions problems = {1, 3, 4}, full = {5, 3, 4};
  Sides sides = {random_argument(full, kN, 3), {{1, 1, 1}, std::vector<double>(kM, 0)}};
  std::fill_n(sides.g.data.begin() + 14 * kN, 20 * kN, 0.0);
  const Solved there = solve<DeviceWorld>(call_, problems),
               here = solve<HostWorld>(call_, problems);
  expect_near(
      adjoint<DeviceWorld>(call_, there, problems, sides, full),
      adjoint<HostWorld>(call_, here, problems, sides, full));
}

TEST_F(CallsOnDevice, SolveAgainWhatIsGone) {
  const Sides sides = {random_argument(lead_, kN, 1), random_argument(lead_, kM, 2)};
  const Solved solved = solve<DeviceWorld>(call_, lead_);
  const auto expected = adjoint<DeviceWorld>(call_, solved, lead_, sides, lead_);
  python::SolverCache& cache = python::SolverCache::instance();
  const std::uint64_t before = cache.repeated();
  cache.limit(0, 0);
  solve<DeviceWorld>(call_, lead_);
  solve<DeviceWorld>(call_, lead_);
  EXPECT_EQ(adjoint<DeviceWorld>(call_, solved, lead_, sides, lead_), expected);
  cache.limit(256, std::size_t(512) << 20);
  EXPECT_EQ(cache.repeated(), before + 1);
}

TEST_F(CallsOnDevice, StartFromWhatIsGiven) {
  const Solved cold = solve<DeviceWorld>(call_, lead_);
  Call warm = call_;
  warm.x0 = {lead_, cold.x};
  warm.y0 = {lead_, cold.y};
  const Solved again = solve<DeviceWorld>(warm, lead_, false);
  expect_near(again.x, cold.x);
  EXPECT_EQ(again.state[0], 0U);
}

}  // namespace
}  // namespace bpqp::test
