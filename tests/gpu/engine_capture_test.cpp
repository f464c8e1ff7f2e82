/// \file
/// A GpuEngine's calls in a CUDA graph: with pointers to the device's memory they are captured, and
/// replayed on what the arrays hold then; others are refused before anything has changed.
#include "capturing_runtime.hpp"
#include "twins.hpp"

namespace bpqp::test {
namespace {

constexpr int kN = 8, kM = 15, kCount = 3;
const Shape kShape{.n = kN, .m = kM};

/// Makes, writes and reads arrays of the device.
class DeviceArrays {
 public:
  explicit DeviceArrays(CapturingRuntime& runtime) : runtime_(runtime) {}

  template <class V>
  V* make(const std::vector<V>& from) {
    V* const array = static_cast<V*>(runtime_.allocate(from.size() * sizeof(V)));
    put(array, from);
    return array;
  }
  template <class V>
  void put(V* array, const std::vector<V>& from) {
    runtime_.EmulatedRuntime::copy(array, from.data(), from.size() * sizeof(V));
  }
  template <class V>
  void get(const V* array, std::vector<V>& to) const {
    runtime_.EmulatedRuntime::copy(to.data(), array, to.size() * sizeof(V));
  }

 private:
  CapturingRuntime& runtime_;
};

/// What the calls below write.
struct Results {
  Answers<double> answers{kShape, kCount};
  Gradients<double> each{kShape, kCount};
  std::vector<double> sum = std::vector<double>(kN), w = std::vector<double>(kN * kCount), dx = w;

  void expect_same_bits(const Results& want) const {
    EXPECT_TRUE(same_bits(answers.x, want.answers.x));
    EXPECT_TRUE(same_bits(answers.y, want.answers.y));
    EXPECT_EQ(answers.active, want.answers.active);
    for (std::size_t b = 0; b < kCount; ++b)
      EXPECT_EQ(answers.report[b].status, want.answers.report[b].status);
    EXPECT_TRUE(same_bits(each.P, want.each.P));
    EXPECT_TRUE(same_bits(each.u, want.each.u));
    EXPECT_TRUE(same_bits(sum, want.sum));
    EXPECT_TRUE(same_bits(w, want.w));
    EXPECT_TRUE(same_bits(dx, want.dx));
  }
};

/// Solves cold and warm, and differentiates in every way.
void call(
    gpu::GpuEngine<double>& engine,
    const Problem<double>& problem,
    const Solution<double>& solution,
    const double* g,
    const ProblemGradient<double>& each,
    double* sum,
    double* w,
    double* dx) {
  engine.solve(problem, solution, Changed::everything);
  engine.warm_start(kCount, {solution.x, kN, kN}, {solution.y, kM, kM});
  engine.solve(problem, solution, Changed::vectors);
  const SolutionGradient<double> loss{{g, kN, kN}, {}};
  engine.backward(loss, each);
  ProblemGradient<double> summed;
  summed.q = {sum, 0};
  engine.backward(loss, summed);
  engine.adjoint_solve(1, g, nullptr, w, nullptr);
  ProblemTangent<double> tangent;
  tangent.q = {g, kN, kN};
  engine.jvp(tangent, {dx, nullptr});
}

Results directly(const Batch<double>& batch, const std::vector<double>& g) {
  Results r;
  auto engine = gpu_engine(kShape, kCount, kMappings[0]);
  call(
      engine, batch.view(), r.answers.view(), g.data(), r.each.view(), r.sum.data(), r.w.data(),
      r.dx.data());
  return r;
}

struct Captured {
  Captured() {
    auto owned = std::make_unique<CapturingRuntime>(kMappings[0], &counts);
    runtime = owned.get();
    engine = std::make_unique<gpu::GpuEngine<double>>(kShape, kCount, Settings(), std::move(owned));
  }
  EmulatedRuntime::Counts counts;
  CapturingRuntime* runtime = nullptr;
  std::unique_ptr<gpu::GpuEngine<double>> engine;
};

/// Every array of the calls on the device.
struct Places {
  Places(CapturingRuntime& runtime, const Batch<double>& batch, const std::vector<double>& loss)
      : device(runtime),
        P(device.make(batch.P)),
        q(device.make(batch.q)),
        A(device.make(batch.A)),
        l(device.make(batch.l)),
        u(device.make(batch.u)),
        g(device.make(loss)),
        problem(contiguous<double>(kShape, kCount, P, q, A, l, u)),
        sum(device.make(nothing.sum)),
        w(device.make(nothing.w)),
        dx(device.make(nothing.dx)) {
    solution.x = device.make(nothing.answers.x), solution.y = device.make(nothing.answers.y);
    solution.active = device.make(nothing.answers.active);
    solution.report = device.make(nothing.answers.report);
    each.P = {device.make(nothing.each.P), kN * kN};
    each.u = {device.make(nothing.each.u), kM};
  }

  void put(const Batch<double>& batch) {
    device.put(P, batch.P), device.put(q, batch.q), device.put(A, batch.A);
    device.put(l, batch.l), device.put(u, batch.u);
  }
  Results results() const {
    Results r;
    device.get(solution.x, r.answers.x), device.get(solution.y, r.answers.y);
    device.get(solution.active, r.answers.active), device.get(solution.report, r.answers.report);
    device.get(each.P.data, r.each.P), device.get(each.u.data, r.each.u);
    device.get(sum, r.sum), device.get(w, r.w), device.get(dx, r.dx);
    return r;
  }

  Results nothing;
  DeviceArrays device;
  double *P, *q, *A, *l, *u, *g;
  Problem<double> problem;
  Solution<double> solution;
  ProblemGradient<double> each;
  double *sum, *w, *dx;
};

TEST(EngineCapture, IsReplayedOnWhatTheArraysHold) {
  const Batch<double> first = known_batch(kN, kCount, 1), second = known_batch(kN, kCount, 11);
  const auto g = random_vector(kN * kCount, 1);
  Captured c;
  Places at(*c.runtime, first, g);
  const int allocations = c.counts.allocations;
  c.runtime->begin();
  call(*c.engine, at.problem, at.solution, at.g, at.each, at.sum, at.w, at.dx);
  c.runtime->end();
  EXPECT_GT(c.runtime->size(), 12u);
  EXPECT_EQ(c.counts.launches, 0);
  c.runtime->replay();
  at.results().expect_same_bits(directly(first, g));
  at.put(second);
  c.runtime->replay();
  at.results().expect_same_bits(directly(second, g));
  at.put(first);
  c.runtime->replay();
  at.results().expect_same_bits(directly(first, g));
  EXPECT_EQ(c.counts.allocations, allocations);
  EXPECT_EQ(c.counts.waits, 0);
  EXPECT_EQ(c.engine->reports()[0].status, Status::solved);
}

/// The call is refused, naming the argument, and puts nothing into the graph.
template <class Call>
void expect_refused(const Captured& c, const char* argument, const Call& call) {
  const std::size_t before = c.runtime->size();
  try {
    call();
    ADD_FAILURE() << argument << " was not refused";
  } catch (const InvalidArgument& e) {
    const std::string message = e.what();
    EXPECT_EQ(message.find(std::string(argument) + ": expected "), 0u) << message;
    EXPECT_NE(message.find("captured in a CUDA graph"), std::string::npos) << message;
  }
  EXPECT_EQ(c.runtime->size(), before);
}

TEST(EngineCapture, RefusesArraysInTheHostsMemoryByName) {
  const Batch<double> batch = known_batch(kN, kCount, 1), other = known_batch(kN, 1, 5);
  const auto g = random_vector(kN * kCount, 1);
  Captured c;
  Places at(*c.runtime, batch, g);
  c.engine->solve(at.problem, at.solution, Changed::everything);
  c.runtime->begin();
  Problem<double> of_host = at.problem;
  of_host.l = other.view().l;
  of_host.batch = 1;
  expect_refused(c, "l", [&] { c.engine->solve(of_host, at.solution, Changed::everything); });
  std::vector<Report> reports(kCount);
  Solution<double> to_host = at.solution;
  to_host.report = reports.data();
  expect_refused(c, "report", [&] { c.engine->solve(at.problem, to_host, Changed::everything); });
  std::vector<double> v(kN * kM * kCount);
  const VectorBatch<double> x{v.data(), kN, kN}, y{v.data(), kM, kM}, dx{at.dx, kN, kN};
  expect_refused(c, "y", [&] { c.engine->warm_start(kCount, dx, y); });
  expect_refused(c, "gradient.x", [&] { c.engine->backward({x, {}}, at.each); });
  ProblemGradient<double> out;
  out.A = {v.data(), kM * kN};
  expect_refused(c, "out.A", [&] { c.engine->backward({dx, {}}, out); });
  expect_refused(c, "w", [&] { c.engine->adjoint_solve(1, at.g, nullptr, v.data(), nullptr); });
  ProblemTangent<double> tangent;
  tangent.u = y;
  expect_refused(c, "tangent.u", [&] { c.engine->jvp(tangent, {at.dx, nullptr}); });
  expect_refused(c, "out.y", [&] { c.engine->jvp({}, {at.dx, v.data()}); });
  KktPoint<double> point;
  point.batch = kCount;
  point.P = at.problem.P, point.A = at.problem.A, point.x = dx, point.y = y;
  expect_refused(c, "point.y", [&] { c.engine->differentiate(point, nullptr); });
  expect_refused(c, "reports", [&] { c.engine->reports(); });
  c.runtime->end();
  // Nothing has changed: derivatives are those of the solve before.
  EXPECT_EQ(c.engine->batch(), kCount);
  c.engine->backward({{at.g, kN, kN}, {}}, at.each);
  Gradients<double> want(kShape, kCount);
  auto engine = gpu_engine(kShape, kCount, kMappings[0]);
  engine.solve(batch.view(), {}, Changed::everything);
  engine.backward({{g.data(), kN, kN}, {}}, want.view());
  EXPECT_TRUE(same_bits(at.results().each.P, want.P));
  EXPECT_TRUE(same_bits(at.results().each.u, want.u));
}

TEST(EngineCapture, IsNotTheTimeToMakeASolver) {
  auto runtime = std::make_unique<CapturingRuntime>(kMappings[0]);
  runtime->begin();
  try {
    gpu::GpuEngine<double>(kShape, kCount, Settings(), std::move(runtime));
    ADD_FAILURE() << "it was made";
  } catch (const InvalidArgument& e) {
    EXPECT_EQ(std::string(e.what()).find("stream: expected "), 0u) << e.what();
  }
}

/// Also those of ADMM's adjoint and of shared matrices; engine_test.cpp has cones. The runtime
/// refuses to start others.
TEST(EngineCapture, FindsEveryKernelOfACallPrepared) {
  const Settings by_admm{.backward_method = BackwardMethod::admm};
  const Batch<double> batch = known_batch(kN, kCount, 1);
  for (const Settings& settings : {Settings(), by_admm}) {
    auto engine = gpu_engine(kShape, kCount, kMappings[0], settings);
    Problem<double> p = batch.view();
    for (const bool shared : {false, true}) {
      if (shared) p.P.stride = p.A.stride = 0;
      Answers<double> answers(kShape, kCount);
      Gradients<double> sums(kShape, kCount, true);
      engine.solve(p, answers.view(), Changed::everything);
      engine.backward({{batch.q.data(), kN, kN}, {}}, sums.view());
      EXPECT_EQ(answers.report[0].status, Status::solved);
    }
  }
}

}  // namespace
}  // namespace bpqp::test
