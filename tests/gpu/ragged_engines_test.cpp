/// \file
/// A ragged batch by GpuEngines on emulated blocks: each problem has the bits of an engine of its
/// own, and with pointers to the device's memory no call waits or allocates.
#include <deque>

#include "capturing_runtime.hpp"
#include "gpu/gpu_engine.hpp"
#include "ragged.hpp"
#include "support/ragged_batch.hpp"
#include "twins.hpp"

namespace bpqp::test {
namespace {

/// A device with arrays of the caller's, which every runtime there knows.
struct Device {
  std::vector<std::pair<const char*, std::size_t>> arrays;

  template <class V>
  void add(const std::vector<V>& v) {
    arrays.emplace_back(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(V));
  }
  bool has(const void* pointer) const {
    for (const auto& [start, bytes] : arrays)
      if (pointer >= start && pointer < start + bytes) return true;
    return false;
  }
};

/// Its stream takes only what a CUDA graph would, once the engine is made.
class OnDevice : public CapturingRuntime {
 public:
  OnDevice(const Mapping& mapping, const Device& device, Counts* counts)
      : CapturingRuntime(mapping, counts), device_(device) {}
  bool on_device(const void* pointer) const override {
    return device_.has(pointer) || CapturingRuntime::on_device(pointer);
  }

 private:
  const Device& device_;
};

std::vector<DenseProblem> mixed() {
  std::vector<DenseProblem> all;
  const auto add = [&all](std::vector<DenseProblem> some) {
    all.insert(all.end(), some.begin(), some.end());
  };
  add(problems_of(io::Family::qp, {.n = 6, .eq = 2, .ineq = 4}, 5, 1));
  add(problems_of(io::Family::qp, {.n = 9, .eq = 2, .ineq = 4}, 2, 2));
  add(problems_of(io::Family::socp, {.n = 6, .eq = 2}, 1, 3));
  DenseProblem free;
  free.n = 2, free.m = 0;
  free.P = {2, 0, 0, 4}, free.q = {2, 4};
  add({free});
  std::shuffle(all.begin(), all.end(), std::mt19937_64(9));
  return all;
}

class RaggedEngines : public testing::TestWithParam<Mapping> {};
INSTANTIATE_TEST_SUITE_P(Gpu, RaggedEngines, testing::ValuesIn(kMappings), mapping_name);

TEST_P(RaggedEngines, GiveEachProblemTheBitsOfAnEngineOfItsOwn) {
  RaggedBatch<double> batch(mixed());
  RaggedResults<double> results(batch);
  Settings settings;
  settings.device = bpqp::Device::cuda;
  EmulatedRuntime::Counts counts;
  Device device;
  std::vector<OnDevice*> runtimes;
  Ragged<double> ragged(
      batch.shapes, settings, [&](const Shape& shape, int count, const Settings& s) {
        auto runtime = std::make_unique<OnDevice>(GetParam(), device, &counts);
        runtimes.push_back(runtime.get());
        return std::make_unique<gpu::GpuEngine<double>>(shape, count, s, std::move(runtime));
      });
  EXPECT_EQ(runtimes.size(), 4u);  // one to a shape
  for (auto* v : {&batch.P, &batch.q, &batch.A, &batch.l, &batch.u, &batch.g_x, &batch.g_y})
    device.add(*v);
  for (auto* v :
       {&results.x, &results.y, &results.again, &results.dP, &results.dq, &results.dA, &results.dl,
        &results.du, &results.w, &results.d, &results.dx, &results.dy})
    device.add(*v);
  device.add(results.active);
  device.add(results.reports);
  const int allocations = counts.allocations;
  for (OnDevice* runtime : runtimes) runtime->begin();
  call_all(ragged, batch, results, [](auto& v) { return v.data(); });
  EXPECT_EQ(counts.launches, 0);
  for (OnDevice* runtime : runtimes) {
    runtime->end();
    runtime->replay();
  }
  EXPECT_EQ(counts.allocations, allocations);
  EXPECT_EQ(counts.waits, 0);
  expect_as_alone(batch, results, [&](const Shape& shape) {
    return gpu_engine(shape, 1, GetParam(), settings);
  });
  for (std::size_t b = 0; b < results.reports.size(); ++b)
    EXPECT_EQ(ragged.reports()[b].status, results.reports[b].status);
}

TEST(RaggedEngine, TakesArraysOfTheHostToo) {
  RaggedBatch<double> batch(mixed());
  RaggedResults<double> results(batch);
  Settings settings;
  settings.device = bpqp::Device::cuda;
  Ragged<double> ragged(
      batch.shapes, settings, [](const Shape& shape, int count, const Settings& s) {
        return std::make_unique<gpu::GpuEngine<double>>(
            shape, count, s, std::make_unique<EmulatedRuntime>(kMappings[0]));
      });
  call_all(ragged, batch, results, [](auto& v) { return v.data(); });
  expect_as_alone(batch, results, [&](const Shape& shape) {
    return gpu_engine(shape, 1, kMappings[0], settings);
  });
}

}  // namespace
}  // namespace bpqp::test
