/// \file
/// Where a GpuEngine's arrays may be, and when it waits: never with pointers to the device's
/// memory, until the results are there with the host's.
#include <limits>

#include "late_runtime.hpp"
#include "twins.hpp"

namespace bpqp::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kN = 8, kM = 15, kCount = 3, kSides = 2;
const Shape kShape{.n = kN, .m = kM};
using Vector = std::vector<double>;

/// An engine whose device is far behind, and that device.
struct Late {
  explicit Late(const Mapping& mapping = kMappings[0]) {
    auto owned = std::make_unique<LateRuntime>(mapping, &counts);
    runtime = owned.get();
    engine = std::make_unique<gpu::GpuEngine<double>>(kShape, kCount, Settings(), std::move(owned));
  }
  EmulatedRuntime::Counts counts;
  LateRuntime* runtime = nullptr;
  std::unique_ptr<gpu::GpuEngine<double>> engine;
};

/// Arrays of the calls, on the host or, by place(), on the device.
struct Arrays {
  explicit Arrays(const Batch<double>& b)
      : P(b.P),
        q(b.q),
        A(b.A),
        l(b.l),
        u(b.u),
        x(N),
        y(M),
        gP(N * kN),
        gq(N),
        gA(M * kN),
        gl(M),
        gu(M),
        sum(kN),
        w(N * kSides),
        d(M * kSides),
        dx(N),
        dy(M),
        gx(random_vector(N * kSides, 1)),
        gy(random_vector(M * kSides, 2)),
        active(M),
        reports(kCount) {}
  static constexpr std::size_t N = kN * kCount, M = kM * kCount;
  Vector P, q, A, l, u, x, y, gP, gq, gA, gl, gu, sum, w, d, dx, dy, gx, gy;
  std::vector<std::int8_t> active;
  std::vector<Report> reports;

  template <class F>
  void for_outputs(const F& f) {
    for (Vector* v : {&x, &y, &gP, &gq, &gA, &gl, &gu, &sum, &w, &d, &dx, &dy}) f(*v);
    f(active);
    f(reports);
  }
};

/// Every call, with `at(array)` as the place of an array; `after()` is called after each.
template <class At, class After>
void call_all(gpu::GpuEngine<double>& engine, Arrays& a, const At& at, const After& after) {
  const Problem<double> problem =
      contiguous<double>(kShape, kCount, at(a.P), at(a.q), at(a.A), at(a.l), at(a.u));
  const Solution<double> solution{at(a.x), at(a.y), at(a.active), at(a.reports)};
  engine.solve(problem, solution, Changed::everything);
  after();
  engine.warm_start(kCount, {at(a.x), kN, kN}, {at(a.y), kM, kM});
  after();
  engine.solve(problem, solution, Changed::vectors);
  after();
  const SolutionGradient<double> loss{{at(a.gx), kN, kN}, {at(a.gy), kM, kM}};
  engine.backward(
      loss,
      {{at(a.gP), kN * kN}, {at(a.gq), kN}, {at(a.gA), kM * kN}, {at(a.gl), kM}, {at(a.gu), kM}});
  after();
  ProblemGradient<double> sum;
  sum.q = {at(a.sum), 0};
  engine.backward(loss, sum);
  after();
  engine.adjoint_solve(kSides, at(a.gx), at(a.gy), at(a.w), at(a.d));
  after();
  engine.jvp({{}, {at(a.gx), kN, kN}, {}, {}, {at(a.gy), kM, 0}}, {at(a.dx), at(a.dy)});
  after();
  KktPoint<double> point;
  point.batch = kCount;
  point.P = problem.P, point.A = problem.A;
  point.x = {at(a.x), kN, kN}, point.y = {at(a.y), kM, kM};
  point.active = at(a.active);
  engine.differentiate(point, at(a.reports));
  after();
}

void expect_same_bits(Arrays& a, Arrays& b) {
  std::vector<Vector*> have, want;
  const auto list = [](std::vector<Vector*>& to) {
    return [&to](auto& v) {
      if constexpr (std::is_same_v<decltype(v), Vector&>) to.push_back(&v);
    };
  };
  a.for_outputs(list(have));
  b.for_outputs(list(want));
  for (std::size_t i = 0; i < have.size(); ++i)
    EXPECT_TRUE(same_bits(*have[i], *want[i])) << "output " << i;
  EXPECT_EQ(a.active, b.active);
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(a.reports[i].status, b.reports[i].status);
}

/// On the host, by a device that is never behind.
Arrays expected(const Batch<double>& batch, const Mapping& mapping = kMappings[0]) {
  Arrays a(batch);
  auto engine = gpu_engine(kShape, kCount, mapping);
  call_all(
      engine, a, [](auto& v) { return v.data(); }, [] {});
  return a;
}

TEST(EngineMemory, EveryCallByALargeBlockGivesWhatAWarpGives) {
  const auto batch = known_batch(kN, kCount, 1);
  Arrays want = expected(batch), have = expected(batch, {"Block256", kBlock256, 100 << 10, 1, 2});
  std::vector<Vector> values;
  want.for_outputs([&](auto& v) {
    if constexpr (std::is_same_v<decltype(v), Vector&>) values.push_back(v);
  });
  std::size_t next = 0;
  have.for_outputs([&](auto& v) {
    if constexpr (std::is_same_v<decltype(v), Vector&>)
      expect_close(v, values[next++], 1e-9, "output");
  });
  EXPECT_EQ(next, values.size());
  EXPECT_EQ(have.active, want.active);
  for (std::size_t b = 0; b < kCount; ++b) expect_same(have.reports[b], want.reports[b]);
}

TEST(EngineMemory, WithDevicePointersNoCallWaitsOrAllocates) {
  const auto batch = known_batch(kN, kCount, 1);
  Arrays want = expected(batch), a(batch);
  Late late;
  std::map<const void*, void*> places;
  const auto at = [&](auto& v) {
    using V = typename std::remove_reference_t<decltype(v)>::value_type;
    void*& place = places[v.data()];
    if (!place) {
      place = late.runtime->allocate(v.size() * sizeof(V));
      late.runtime->EmulatedRuntime::copy(place, v.data(), v.size() * sizeof(V));
    }
    return static_cast<V*>(place);
  };
  a.for_outputs([&](auto& v) { at(v); });
  for (Vector* v : {&a.P, &a.q, &a.A, &a.l, &a.u, &a.gx, &a.gy}) at(*v);
  const int allocations = late.counts.allocations;
  call_all(*late.engine, a, at, [&] {
    EXPECT_EQ(late.counts.waits, 0);
    EXPECT_EQ(late.counts.allocations, allocations);
    EXPECT_EQ(late.counts.launches, 0);  // nor does anything else make the device catch up
  });
  EXPECT_EQ(late.engine->reports()[0].status, Status::solved);  // this one waits
  EXPECT_EQ(late.counts.waits, 1);
  a.for_outputs([&](auto& v) {
    late.runtime->EmulatedRuntime::copy(v.data(), at(v), v.size() * sizeof(v[0]));
  });
  expect_same_bits(a, want);
}

TEST(EngineMemory, WithHostPointersResultsAreThereWhenACallReturns) {
  const auto batch = known_batch(kN, kCount, 1);
  Arrays want = expected(batch);
  Late late;
  int allocations = 0;
  for (int round = 0; round < 3; ++round) {
    Arrays a(batch);
    call_all(
        *late.engine, a, [](auto& v) { return v.data(); }, [] {});
    EXPECT_TRUE(late.runtime->idle());
    expect_same_bits(a, want);
    if (round > 0) {
      EXPECT_EQ(late.counts.allocations, allocations);  // copies' places are kept
    }
    allocations = late.counts.allocations;
  }
}

TEST(EngineMemory, AStartIsCopiedAndOutlivesWhatFollows) {
  const auto batch = known_batch(kN, kCount, 1);
  Late late;
  Answers<double> cold(kShape, kCount), warm(kShape, kCount);
  late.engine->solve(batch.view(), cold.view(), Changed::everything);
  Vector x = cold.x, y = cold.y;
  late.engine->warm_start(kCount, {x.data(), kN, kN}, {y.data(), kM, kM});
  std::fill(x.begin(), x.end(), kNaN), std::fill(y.begin(), y.end(), kNaN);
  Gradients<double> g(kShape, kCount);  // takes the places of the start's copies
  const Vector gx = random_vector(kN * kCount, 3);
  late.engine->backward({{gx.data(), kN, kN}, {}}, g.view());
  late.engine->solve(batch.view(), warm.view(), Changed::everything);
  for (const Report& r : warm.report) EXPECT_EQ(r.exchanges, 0);
}

TEST(EngineMemory, OutputsThatAreNotWantedAreNotWritten) {
  const auto batch = known_batch(kN, kCount, 1);
  auto engine = gpu_engine(kShape, kCount, kMappings[2]);
  Answers<double> all(kShape, kCount), only(kShape, kCount);
  engine.solve(batch.view(), all.view(), Changed::everything);
  engine.solve(batch.view(), {only.x.data(), nullptr, nullptr, nullptr}, Changed::everything);
  EXPECT_TRUE(same_bits(only.x, all.x));
  engine.solve(batch.view(), {}, Changed::everything);
  EXPECT_EQ(engine.reports()[kCount - 1].status, Status::solved);
  const Vector gx = random_vector(kN, 3);
  const SolutionGradient<double> loss{{gx.data(), kN, 0}, {}};
  Gradients<double> g(kShape, kCount), one(kShape, kCount);
  engine.backward(loss, g.view());
  ProblemGradient<double> wanted;
  wanted.A = one.view().A;
  engine.backward(loss, wanted);
  EXPECT_TRUE(same_bits(one.A, g.A));
  engine.backward(loss, {});
  engine.jvp({}, {});
}

/// What lies between one problem's array and the next is not read and not written.
TEST(EngineMemory, StridesLargerThanTheSizeSkipWhatLiesBetween) {
  const auto batch = known_batch(kN, kCount, 1);
  Twins<> t(batch, kMappings[0]);
  t.solve();
  Gradients<double> dense(kShape, kCount);
  t.gpu.backward(t.loss(), dense.view());
  constexpr std::int64_t stride = 20;
  Vector q(kCount * stride, kNaN), gq(kCount * stride, 7), gl(kCount * stride, 7);
  for (std::int64_t b = 0; b < kCount; ++b)
    std::copy_n(batch.q.begin() + b * kN, kN, q.begin() + b * stride);
  Problem<double> p = batch.view();
  p.q = {q.data(), kN, stride};
  t.solve(p);
  for (int round = 0; round < 2; ++round) {
    ProblemGradient<double> out;
    out.q = {gq.data(), stride}, out.l = {gl.data(), stride};
    t.gpu.backward(t.loss(), out);
    for (std::int64_t b = 0; b < kCount; ++b) {
      EXPECT_TRUE(same_bits(gq.data() + b * stride, dense.q.data() + b * kN, kN)) << b;
      EXPECT_TRUE(same_bits(gl.data() + b * stride, dense.l.data() + b * kM, kM)) << b;
      for (std::int64_t j = kN; j < stride; ++j) ASSERT_EQ(gq[std::size_t(b * stride + j)], 7) << b;
      for (std::int64_t i = kM; i < stride; ++i) ASSERT_EQ(gl[std::size_t(b * stride + i)], 7) << b;
    }
  }
}

TEST(EngineMemory, ReportsOfWhatWasNeverSolvedAreThoseOfTheCpu) {
  Twins<> t(known_batch(kN, kCount, 1), kMappings[0]);
  Problem<double> one = t.batch.view();
  one.batch = 1;
  for (const int solved : {0, 1}) {
    if (solved > 0) {
      t.cpu.solve(one, {});
      t.gpu.solve(one, {}, Changed::everything);
    }
    for (int b = solved; b < kCount; ++b) {
      EXPECT_EQ(t.gpu.reports()[b].status, t.cpu.reports()[b].status);
      EXPECT_EQ(t.gpu.reports()[b].iterations, t.cpu.reports()[b].iterations);
      EXPECT_EQ(t.gpu.reports()[b].gap, t.cpu.reports()[b].gap);
    }
  }
}

}  // namespace
}  // namespace bpqp::test
