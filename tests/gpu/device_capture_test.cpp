/// \file
/// On a real device, where there is one: calls in CUDA graphs, and memory from CUDA's pool.
#include <map>

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include "device_array.hpp"
#include "support/batch.hpp"

namespace bpqp::test {
namespace {

constexpr int kCount = 40;

Batch<double> generated(std::uint64_t seed) {
  const auto made =
      io::generate(io::Family::qp, {.n = 20, .eq = 5, .ineq = 10, .batch = kCount, .seed = seed});
  Batch<double> out;
  out.shape = made.shape;
  for (int b = 0; b < kCount; ++b) out.add(problem_of(made, b));
  return out;
}

/// From CUDA's pool of the device, in the stream's order.
class Pool : public Allocator {
 public:
  std::map<void*, std::size_t> blocks;
  void* allocate(std::size_t bytes, void* stream) override {
    void* memory = nullptr;
    if (cudaMallocAsync(&memory, bytes, static_cast<cudaStream_t>(stream)) != cudaSuccess)
      return nullptr;
    blocks[memory] = bytes;
    return memory;
  }
  void deallocate(void* memory, std::size_t bytes, void* stream) noexcept override {
    EXPECT_EQ(blocks[memory], bytes);
    blocks.erase(memory);
    cudaFreeAsync(memory, static_cast<cudaStream_t>(stream));
  }
};

class Captured : public testing::Test {
 protected:
  void SetUp() override {
    if (capabilities().cuda_devices.empty()) GTEST_SKIP() << "there is no CUDA device";
    expect_success(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    settings.device = Device::cuda;
    settings.stream = stream;
  }
  void TearDown() override {
    if (stream) cudaStreamDestroy(stream);
  }

  cudaStream_t stream = nullptr;
  Settings settings;
};

TEST_F(Captured, CallsAreReplayedOnWhatTheArraysHold) {
  const Batch<double> first = generated(1), second = generated(2);
  const Shape shape = first.shape;
  const int n = shape.n, m = shape.m;
  DeviceArray<double> P(first.P), q(first.q), A(first.A), l(first.l), u(first.u), g(first.q);
  Answers<double> nothing(shape, kCount);
  Gradients<double> none(shape, kCount);
  DeviceArray<double> x(nothing.x), y(nothing.y), dP(none.P), dq(none.q);
  DeviceArray<Report> report(nothing.report);
  Solver<double> solver(shape, kCount, settings);
  const auto problem =
      contiguous<double>(shape, kCount, P.data(), q.data(), A.data(), l.data(), u.data());
  ProblemGradient<double> out;
  out.P = {dP.data(), std::int64_t(n) * n}, out.q = {dq.data(), n};

  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  expect_success(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  solver.solve(problem, {x.data(), y.data(), nullptr, report.data()});
  solver.warm_start(kCount, {x.data(), n, n}, {y.data(), m, m});
  solver.solve(problem, {x.data(), y.data(), nullptr, report.data()}, Changed::vectors);
  solver.backward({{g.data(), n, n}, {}}, out);
  EXPECT_THROW(solver.solve(first.view(), {}), InvalidArgument);
  EXPECT_THROW(solver.reports(), InvalidArgument);
  expect_success(cudaStreamEndCapture(stream, &graph));
  expect_success(cudaGraphInstantiate(&ready, graph, 0));

  for (const Batch<double>* batch : {&first, &second, &first}) {
    P.put(batch->P), q.put(batch->q), A.put(batch->A), l.put(batch->l), u.put(batch->u);
    expect_success(cudaGraphLaunch(ready, stream));
    expect_success(cudaStreamSynchronize(stream));
    Solver<double> direct(shape, kCount, settings);
    Answers<double> want(shape, kCount);
    Gradients<double> gradients(shape, kCount);
    direct.solve(batch->view(), want.view());
    direct.warm_start(kCount, {want.x.data(), n, n}, {want.y.data(), m, m});
    direct.solve(batch->view(), want.view(), Changed::vectors);
    direct.backward({{first.q.data(), n, n}, {}}, gradients.view());
    EXPECT_TRUE(same_bits(x.get(), want.x));
    EXPECT_TRUE(same_bits(y.get(), want.y));
    EXPECT_TRUE(same_bits(dP.get(), gradients.P));
    EXPECT_TRUE(same_bits(dq.get(), gradients.q));
    EXPECT_EQ(report.get()[0].status, Status::solved);
  }
  cudaGraphExecDestroy(ready);
  cudaGraphDestroy(graph);
}

TEST_F(Captured, MemoryComesFromThePoolThatIsGiven) {
  const Batch<double> batch = generated(1);
  const Answers<double> want = solve(batch, settings);
  const auto pool = std::make_shared<Pool>();
  settings.allocator = pool;
  {
    Solver<double> solver(batch.shape, kCount, settings);
    ASSERT_EQ(pool->blocks.size(), 1u);
    EXPECT_EQ(pool->blocks.begin()->second, solver.bytes());
    EXPECT_EQ(solver.bytes(), Solver<double>::bytes_needed(batch.shape, kCount, settings));
    Answers<double> have(batch.shape, kCount);
    solver.solve(batch.view(), have.view());
    EXPECT_GT(pool->blocks.size(), 1u);  // copies of the host's arrays
    EXPECT_TRUE(same_bits(have.x, want.x));
  }
  EXPECT_TRUE(pool->blocks.empty());
}

}  // namespace
}  // namespace bpqp::test
