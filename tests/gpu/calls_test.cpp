/// \file
/// The calls that bpqp.jax makes, against the Solver itself: on the host, and on a real device
/// where there is one.
#include <functional>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "cached_calls.hpp"
#ifdef BPQP_TEST_CUDA
#include "device_array.hpp"
#endif
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
  static bool is_there() { return true; }

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

#ifdef BPQP_TEST_CUDA
/// Copies on the device, brought back by finish(). In a stream of its own.
struct DeviceWorld {
  static bool is_there() { return !capabilities().cuda_devices.empty(); }

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
#endif

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

/// What block of an argument each index of `full` has.
std::vector<std::size_t> block_of(const Dimensions& full, const Dimensions& own) {
  std::vector<std::size_t> out;
  Dimensions index(full.size(), 0);
  for (std::int64_t f = 0; f < python::product(full); ++f) {
    std::int64_t rest = f, block = 0;
    for (std::size_t axis = full.size(); axis-- > 0; rest /= full[axis])
      index[axis] = rest % full[axis];
    for (std::size_t axis = 0; axis < full.size(); ++axis)
      block = block * own[axis] + (own[axis] == 1 ? 0 : index[axis]);
    out.push_back(std::size_t(block));
  }
  return out;
}

/// A block for every index of `full`.
std::vector<double> expanded(const Argument& a, const Dimensions& full, std::size_t size) {
  std::vector<double> out;
  for (const std::size_t block : block_of(full, a.lead))
    out.insert(
        out.end(), a.data.begin() + std::int64_t(block * size),
        a.data.begin() + std::int64_t((block + 1) * size));
  return out;
}

/// The batch written out, and a Solver that has solved it.
struct Reference {
  Batch<double> data;
  Solver<double> solver;
  Answers<double> answers;

  Reference(const Call& call, const Dimensions& lead)
      : data(written_out(call, lead)),
        solver(data.shape, data.batch, {.eps_abs = 1e-10, .eps_rel = 1e-10}),
        answers(data.shape, data.batch) {
    solver.solve(data.view(), answers.view());
  }

  static Batch<double> written_out(const Call& call, const Dimensions& lead) {
    Batch<double> out;
    out.shape = {kN, kM, {}};
    out.batch = int(python::product(lead));
    out.P = expanded(call.P, lead, kN * kN);
    out.q = expanded(call.q, lead, kN);
    out.A = expanded(call.A, lead, kM * kN);
    out.l = expanded(call.l, lead, kM);
    out.u = expanded(call.u, lead, kM);
    return out;
  }

  /// (w, d) of right-hand sides for each of which problem[f] says whose they are; all w first.
  std::vector<double> adjoint(
      const Sides& sides, const Dimensions& full, const std::vector<std::size_t>& problem) {
    const auto g = expanded(sides.g, full, kN), h = expanded(sides.h, full, kM);
    const auto batch = std::size_t(data.batch);
    std::vector<double> w(g.size()), d(h.size());
    std::vector<double> gs(batch * kN), hs(batch * kM), ws(gs.size()), ds(hs.size());
    for (std::size_t f = 0; f < problem.size(); ++f) {  // one at a time
      const std::size_t b = problem[f];
      std::copy_n(g.begin() + std::int64_t(f * kN), kN, gs.begin() + std::int64_t(b * kN));
      std::copy_n(h.begin() + std::int64_t(f * kM), kM, hs.begin() + std::int64_t(b * kM));
      solver.adjoint_solve(1, gs.data(), hs.data(), ws.data(), ds.data());
      std::copy_n(ws.begin() + std::int64_t(b * kN), kN, w.begin() + std::int64_t(f * kN));
      std::copy_n(ds.begin() + std::int64_t(b * kM), kM, d.begin() + std::int64_t(f * kM));
    }
    w.insert(w.end(), d.begin(), d.end());
    return w;
  }
};

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

template <class World>
class Calls : public testing::Test {
 protected:
  void SetUp() override {
    if (!World::is_there()) GTEST_SKIP() << "there is no CUDA device";
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
  const std::vector<std::size_t> each_ = block_of({3, 4}, {3, 4});
};

#ifdef BPQP_TEST_CUDA
using Worlds = testing::Types<HostWorld, DeviceWorld>;
#else
using Worlds = testing::Types<HostWorld>;
#endif
TYPED_TEST_SUITE(Calls, Worlds);

TYPED_TEST(Calls, SolveWhatIsSharedAlongOneDimension) {
  const Solved found = solve<TypeParam>(this->call_, this->lead_);
  const Reference expected(this->call_, this->lead_);
  expect_near(found.x, expected.answers.x);
  expect_near(found.y, expected.answers.y);
  EXPECT_EQ(found.active, expected.answers.active);
  const std::size_t wholes = found.whole.size() / 12, reals = found.real.size() / 12;
  for (std::size_t b = 0; b < 12; ++b) {
    const Report& report = expected.answers.report[b];
    EXPECT_EQ(found.whole[b * wholes], int(report.status)) << "status of problem " << b;
    EXPECT_NEAR(found.real[b * reals], report.objective, 1e-8) << "objective of problem " << b;
    EXPECT_EQ(found.state[b * kStates + 2], b);
    EXPECT_EQ(found.state[b * kStates], found.state[0]);
  }
  EXPECT_NE(found.state[0], 0U);
}

TYPED_TEST(Calls, DifferentiateEveryProblem) {
  const Sides sides = {random_argument(this->lead_, kN, 1), random_argument(this->lead_, kM, 2)};
  const Solved solved = solve<TypeParam>(this->call_, this->lead_);
  expect_near(
      adjoint<TypeParam>(this->call_, solved, this->lead_, sides, this->lead_),
      Reference(this->call_, this->lead_).adjoint(sides, this->lead_, this->each_));
}

TYPED_TEST(Calls, DifferentiateSeveralRightHandSidesOfWhichSomeAreZero) {
  Call call = this->call_;
  for (Argument* a : {&call.P, &call.q, &call.A, &call.l, &call.u, &call.x0, &call.y0})
    a->lead.insert(a->lead.begin(), 1);
  const Dimensions problems = {1, 3, 4}, full = {5, 3, 4};
  Sides sides = {random_argument(full, kN, 3), {{1, 1, 1}, std::vector<double>(kM, 0)}};
  std::fill_n(sides.g.data.begin() + 14 * kN, 20 * kN, 0.0);
  const Solved solved = solve<TypeParam>(call, problems);
  expect_near(
      adjoint<TypeParam>(call, solved, problems, sides, full),
      Reference(call, problems).adjoint(sides, full, block_of(full, problems)));
}

TYPED_TEST(Calls, SolveAgainWhatIsGone) {
  const Sides sides = {random_argument(this->lead_, kN, 1), random_argument(this->lead_, kM, 2)};
  const Solved solved = solve<TypeParam>(this->call_, this->lead_);
  const auto expected = adjoint<TypeParam>(this->call_, solved, this->lead_, sides, this->lead_);
  python::SolverCache& cache = python::SolverCache::instance();
  const std::uint64_t before = cache.repeated();
  cache.limit(0, 0);
  solve<TypeParam>(this->call_, this->lead_);
  EXPECT_EQ(adjoint<TypeParam>(this->call_, solved, this->lead_, sides, this->lead_), expected);
  cache.limit(256, std::size_t(512) << 20);
  EXPECT_EQ(cache.repeated(), before + 1);
}

TYPED_TEST(Calls, StartFromWhatIsGiven) {
  const Solved cold = solve<TypeParam>(this->call_, this->lead_);
  Call warm = this->call_;
  warm.x0 = {this->lead_, cold.x};
  warm.y0 = {this->lead_, cold.y};
  const Solved again = solve<TypeParam>(warm, this->lead_, false);
  expect_near(again.x, cold.x);
  EXPECT_EQ(again.state[0], 0U);
  const std::size_t columns = again.whole.size() / 12;
  int exchanges = 0;
  for (std::size_t b = 0; b < 12; ++b) exchanges += again.whole[b * columns + 3];
  EXPECT_EQ(exchanges, 0);
}

}  // namespace
}  // namespace bpqp::test
