/// \file
/// Batches that share P and A on emulated blocks, whose blocks keep copies of the factors: the
/// CPU's answers, and the bits of a problem that shares with nobody.
#include <limits>
#include <map>
#include <utility>

#include "as_on_the_cpu.hpp"
#include "support/same_problem.hpp"
#include "twins.hpp"

namespace bpqp::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kN = 9, kM = 15;
using Vector = std::vector<double>;

/// Every size class, with copies of all, of some and of nothing.
constexpr Mapping kSharedMappings[] = {
    {"Warps", kWarps, 64 << 10, 3},
    {"WarpsWithSomeCopies", kWarps, 2 << 10, 42, 3, 2, 3 << 10},
    {"Block128", kBlock128, 6 << 10, 7, 2, 2},
    {"Block128WithoutCopies", kBlock128, 0, 0, 3, 1, 0},
    {"Block256", kBlock256, 64 << 10, 1, 1},
};

class Sharing : public testing::TestWithParam<Mapping> {};
INSTANTIATE_TEST_SUITE_P(Gpu, Sharing, testing::ValuesIn(kSharedMappings), mapping_name);

/// The same P and A with other vectors: sides about A x of a random x, two equalities, and q that
/// pushes some rows to their sides. With `trouble` problem 1 has a NaN, 2 has crossed sides, and 4
/// more equalities than variables.
Batch<double> shared_batch(int count, std::uint64_t seed, bool trouble = false) {
  DenseProblem p = random_known({.n = kN}, seed).problem;
  std::mt19937_64 engine(seed);
  Batch<double> batch;
  batch.shape = {.n = p.n, .m = p.m};
  for (int b = 0; b < count; ++b) {
    const Vector x = normals(std::size_t(p.n), engine), slack = normals(2 * p.l.size(), engine);
    p.q = normals(std::size_t(p.n), engine);
    for (double& q : p.q) q *= 3;
    for (int i = 0; i < p.m; ++i) {
      double Ax = 0;
      for (int j = 0; j < p.n; ++j) Ax += p.row(i)[j] * x[std::size_t(j)];
      const bool equal = i < (trouble && b == 4 ? p.n + 2 : 2);
      const auto k = std::size_t(i);
      p.l[k] = Ax - (equal ? 0 : 0.1 + std::fabs(slack[2 * k]));
      p.u[k] = Ax + (equal ? 0 : 0.1 + std::fabs(slack[2 * k + 1]));
      if (trouble && b == 4 && equal) p.l[k] = p.u[k] += slack[2 * k];
    }
    if (trouble && b == 1) p.q[3] = kNaN;
    if (trouble && b == 2) p.l[5] = p.u[5] + 1;
    batch.add(p);
  }
  return batch;
}

/// Its first matrices for all.
template <class R>
Problem<R> sharing(const Batch<R>& batch) {
  Problem<R> p = batch.view();
  p.P.stride = p.A.stride = 0;
  return p;
}

/// All that solve, vectors-only solves and backward give for a batch.
struct Outcome {
  Answers<double> answers;
  Gradients<double> gradients;
};

Outcome run(const Batch<double>& batch, const Mapping& mapping, const Settings& settings = {}) {
  auto gpu = gpu_engine(batch.shape, batch.batch, mapping, settings);
  Outcome out{{batch.shape, batch.batch}, {batch.shape, batch.batch}};
  gpu.solve(sharing(batch), out.answers.view(), Changed::everything);
  if (!settings.gradients) return out;
  const auto gx = random_vector(kN, 1), gy = random_vector(kM, 2);
  gpu.backward({{gx.data(), kN, 0}, {gy.data(), kM, 0}}, out.gradients.view());
  return out;
}

/// Problems first ... first + count - 1.
Batch<double> part(const Batch<double>& batch, int first, int count) {
  Batch<double> out = batch;
  const auto cut = [&](Vector& v, int size) {
    v = Vector(v.begin() + first * size, v.begin() + (first + count) * size);
  };
  cut(out.P, kN * kN), cut(out.q, kN), cut(out.A, kM * kN), cut(out.l, kM), cut(out.u, kM);
  out.batch = count;
  return out;
}

TEST_P(Sharing, FamiliesGiveTheCpusAnswers) {
  const Batch<double> qp = family(io::Family::qp, 17, 6, 9, 3);
  auto engine = gpu_engine(qp.shape, qp.batch, GetParam());
  expect_as_on_the_cpu(qp, engine, 1e-9, true);
  for (const auto& [name, n] : {std::pair(io::Family::mpc, 8), {io::Family::portfolio, 12}}) {
    Batch<double> data = family(name, n, -1, -1, 4);
    for (const bool gradients : {true, false}) {
      Twins<> t(data, GetParam(), {.gradients = gradients});
      t.solve(sharing(data));
      for (const Report& r : t.have.report) EXPECT_EQ(r.status, Status::solved);
      if (gradients) t.backward();
    }
  }
}

TEST_P(Sharing, BitsDependOnTheProblemAlone) {
  const Batch<double> all = shared_batch(17, 5, true);
  const Outcome whole = run(all, GetParam());
  int solved = 0;
  for (const Report& r : whole.answers.report) solved += r.status == Status::solved;
  EXPECT_EQ(solved, 14);
  for (const int count : {1, 3})
    for (const int first : {0, 3, 17 - count}) {
      const Outcome few = run(part(all, first, count), GetParam());
      for (int b = 0; b < count; ++b)
        EXPECT_TRUE(
            same_problem(few.answers, few.gradients, b, whole.answers, whole.gradients, first + b))
            << count << " problems, " << first + b;
    }
}

TEST_P(Sharing, BitsDoNotDependOnTheScheduleTheBlocksOrTheCopies) {
  const Batch<double> batch = shared_batch(6, 7, true);
  const Outcome first = run(batch, GetParam());
  for (int other = 0; other < 5; ++other) {
    Mapping mapping = GetParam();
    if (other == 0) mapping.schedule += 17;
    if (other == 1) mapping.blocks = 1, mapping.schedule = 0;
    if (other == 2) mapping.blocks = 5;
    if (other == 3) mapping.copy_bytes = mapping.copy_bytes > 0 ? 0 : 64 << 10;
    if (other == 4) mapping.copy_bytes = 2 << 10;
    SCOPED_TRACE("other mapping " + std::to_string(other));
    const Outcome again = run(batch, mapping);
    for (int b = 0; b < 6; ++b)
      EXPECT_TRUE(
          same_problem(again.answers, again.gradients, b, first.answers, first.gradients, b))
          << "problem " << b;
  }
}

TEST_P(Sharing, WithoutGradientsTheAnswersHaveTheSameBits) {
  const Batch<double> batch = shared_batch(7, 9, true);
  Mapping mapping = GetParam();
  mapping.blocks = 1;  // slots serve problem after problem
  const Outcome with = run(batch, mapping), without = run(batch, mapping, {.gradients = false});
  EXPECT_TRUE(same_bits(with.answers.x, without.answers.x));
  EXPECT_TRUE(same_bits(with.answers.y, without.answers.y));
  EXPECT_EQ(with.answers.active, without.answers.active);
  for (std::size_t b = 0; b < 7; ++b)
    EXPECT_EQ(with.answers.report[b].status, without.answers.report[b].status) << b;
}

TEST_P(Sharing, AnEngineThatSharedBeforeSolvesWhatIsNotShared) {
  for (const bool gradients : {true, false}) {
    const Batch<double> shared = shared_batch(5, 11, true), own = known_batch(kN, 5, 12);
    Twins<> t(own, GetParam(), {.gradients = gradients});
    for (int round = 0; round < 2; ++round) {
      t.solve(sharing(shared));
      t.solve(own.view());
      if (gradients) t.backward();
    }
  }
}

/// Without P, or without rows.
TEST_P(Sharing, LinearProgramsAndProblemsWithoutRowsGiveTheCpusAnswers) {
  constexpr int n = 4;  // in a box, with a bound on the sum: the solution is a vertex
  DenseProblem box{n, n + 1, {}, {}, Vector(n * (n + 1), 0), Vector(n + 1, -1), Vector(n + 1, 1),
                   {}};
  for (std::size_t j = 0; j < n; ++j) box.A[j * (n + 1)] = box.A[n * n + j] = 1;
  Batch<double> lp;
  lp.shape = {.n = n, .m = n + 1};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    box.q = random_vector(n, seed);
    lp.add(box);
  }
  Twins<> t(lp, GetParam());
  Problem<double> p = sharing(lp);
  p.P = {};
  t.solve(p, Changed::everything, 1e-7);
  t.backward(1e-6);
  const auto free = [](std::uint64_t seed) {
    return random_known({.n = 5, .equalities = 0, .active = 0, .inactive = 0}, seed).problem;
  };
  Twins<> none(Batch<double>({free(1), free(2), free(3)}), GetParam());
  none.solve(sharing(none.batch));
  none.backward();
}

TEST_P(Sharing, VectorsAndStartsGiveTheCpusAnswers) {
  Batch<double> data = shared_batch(5, 13, true);
  Twins<> t(data, GetParam());
  t.solve(sharing(data));
  t.backward();
  for (int round = 0; round < 2; ++round) {
    const Vector x = t.want.x, y = t.want.y;  // NaN where there is no solution: no start
    if (round == 1) {
      t.cpu.warm_start(5, {x.data(), kN, kN}, {y.data(), kM, kM});
      t.gpu.warm_start(5, {x.data(), kN, kN}, {y.data(), kM, kM});
    }
    for (double& q : data.q) q *= 0.9;
    t.solve(sharing(data), Changed::vectors);
    t.backward();
  }
}

TEST_P(Sharing, PointsFromElsewhereHaveFactorsOfTheirOwn) {
  const Batch<double> data = shared_batch(4, 15);
  Twins<> t(data, GetParam());
  t.solve(sharing(data));
  const Answers<double> first = t.have;
  Batch<double> other = shared_batch(4, 16);  // another P and A, one for each point
  for (std::size_t b = 1; b < 4; ++b)
    for (int j = 0; j < kN; ++j) other.P[b * kN * kN + std::size_t(j * (kN + 1))] += double(b);
  const KktPoint<double> point{
      4,
      {other.P.data(), kN, kN, kN * kN},
      {other.A.data(), kM, kN, kM * kN},
      {first.x.data(), kN, kN},
      {first.y.data(), kM, kM},
      first.active.data(),
      {},
      {}};
  t.cpu.differentiate(point, nullptr);
  t.gpu.differentiate(point, nullptr);
  t.backward();
  t.solve(sharing(data), Changed::vectors);
  EXPECT_TRUE(same_bits(t.have.x, first.x) && same_bits(t.have.y, first.y));
  t.backward();
}

TEST_P(Sharing, FloatDataGiveTheCpusAnswers) {
  const Batch<double> wide = shared_batch(4, 17);
  Batch<float> data;
  data.shape = wide.shape, data.batch = wide.batch;
  const auto narrow = [](const Vector& v) { return std::vector<float>(v.begin(), v.end()); };
  data.P = narrow(wide.P), data.q = narrow(wide.q), data.A = narrow(wide.A);
  data.l = narrow(wide.l), data.u = narrow(wide.u);
  Twins<float> t(data, GetParam());
  t.solve(sharing(data));
  t.backward();
  for (float& q : t.batch.q) q *= 0.5F;
  t.solve(sharing(t.batch), Changed::vectors);
  t.backward();
}

/// Keeps the room for copies that each kernel was started with.
class Recorder : public EmulatedRuntime {
 public:
  using EmulatedRuntime::EmulatedRuntime;
  void launch(gpu::Kernel k, const gpu::Plan& p, int blocks, const gpu::Arguments& a) override {
    copies[k] = a.batch.memory.copy_bytes;
    EmulatedRuntime::launch(k, p, blocks, a);
  }
  std::map<gpu::Kernel, std::size_t> copies;
};

TEST(SharingKernels, CopyWhatTheBatchSharesAndNothingElse) {
  const Batch<double> data = shared_batch(3, 19);
  auto owned = std::make_unique<Recorder>(kSharedMappings[0]);
  auto& copies = owned->copies;
  gpu::GpuEngine<double> gpu(data.shape, 3, {}, std::move(owned));
  Answers<double> a(data.shape, 3);
  Gradients<double> g(data.shape, 3, true);
  const Vector gx = random_vector(kN, 1);
  const SolutionGradient<double> loss{{gx.data(), kN, 0}, {}};
  const auto solve = gpu::Kernel::solve_plain, adjoint = gpu::Kernel::differentiate;
  const auto expect = [&](bool some) {
    gpu.backward(loss, g.view());
    EXPECT_EQ(copies[solve] > 0, some);
    EXPECT_EQ(copies[adjoint] > 0, some);
    for (const auto k : {gpu::Kernel::sum_gradients, gpu::Kernel::solve_rest})
      EXPECT_EQ(copies[k], 0U);
  };
  gpu.solve(sharing(data), a.view(), Changed::everything);
  expect(true);
  EXPECT_LT(copies[adjoint], copies[solve]);  // S is not read
  Problem<double> one = sharing(data);
  one.A = data.view().A;
  gpu.solve(one, a.view(), Changed::everything);
  expect(false);
  gpu.solve(sharing(data), a.view(), Changed::everything);
  const KktPoint<double> point{
      3,
      {data.P.data(), kN, kN, 0},
      {data.A.data(), kM, kN, 0},
      {a.x.data(), kN, kN},
      {a.y.data(), kM, kM},
      a.active.data(),
      {},
      {}};
  gpu.differentiate(point, nullptr);
  gpu.backward(loss, g.view());
  EXPECT_EQ(copies[adjoint], 0U);
}

}  // namespace
}  // namespace bpqp::test
