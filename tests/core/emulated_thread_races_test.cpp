// Planted races that ThreadSanitizer must find with EmulatedThread, and their mended versions, that
// must pass.
#include <cstdlib>

#include <gtest/gtest.h>

#include "schedules.hpp"
#include "support/emulated_thread.hpp"

namespace bpqp::test {
namespace {

using Body = void (*)(const EmulatedThread&);

/// Each thread reads what another wrote, with `wait` between.
template <class Wait>
void exchange(const EmulatedThread& t, int with, const Wait& wait) {
  double* v = doubles(t.shared());
  v[t.index()] = t.index();
  wait();
  if (v[with] != with) std::abort();
}

void barrier_right(const EmulatedThread& t) {
  exchange(t, t.index() ^ 32, [&] { t.sync_block(); });
}
void second_barrier_right(const EmulatedThread& t) {
  exchange(t, t.index() ^ 32, [&] { t.sync_block(); });
  t.sync_block();
  exchange(t, t.index() ^ 33, [&] { t.sync_block(); });
}
void warp_barriers_right(const EmulatedThread& t) {
  exchange(t, t.index() ^ 1, [&] { t.sync_warp(); });
  t.shuffle(1, 0);
  t.sync_warp();
  exchange(t, t.index() ^ 2, [&] { t.sync_warp(); });
}
void read_neighbour(const EmulatedThread& t) {
  const double* theirs = doubles(t.cluster_shared(1 - t.cluster_rank()));
  if (theirs[t.index()] == -1) std::abort();
}
void cluster_barriers_right(const EmulatedThread& t) {
  doubles(t.shared())[t.index()] = 1;
  t.sync_cluster();
  read_neighbour(t);
  t.sync_cluster();
}
double global[2];
void blocks_apart(const EmulatedThread& t) {
  if (t.index() == 3) global[t.block()] = t.block();
}

constexpr LaunchShape kOneBlock{.blocks = 1, .threads = 64, .shared = 64 * sizeof(double)};
constexpr LaunchShape kCluster{
    .blocks = 2, .threads = 32, .shared = 32 * sizeof(double), .cluster = 2};
constexpr LaunchShape kTwoBlocks{.blocks = 2, .threads = 32};

#if BPQP_UNDER_TSAN
void barrier_missing(const EmulatedThread& t) {
  exchange(t, t.index() ^ 32, [&] { t.sync_warp(); });
}
void second_barrier_missing(const EmulatedThread& t) {
  exchange(t, t.index() ^ 32, [&] { t.sync_block(); });
  exchange(t, t.index() ^ 33, [&] { t.sync_block(); });
}
void shuffle_for_barrier(const EmulatedThread& t) {
  exchange(t, t.index() ^ 1, [&] { t.shuffle(1, 0); });
}
void multiply_for_barrier(const EmulatedThread& t) {
  exchange(t, t.index() ^ 1, [&] { t.multiply_add(1, 1, {0, 0}); });
}
void warp_barrier_missing(const EmulatedThread& t) {
  exchange(t, t.index() ^ 1, [&] { t.sync_warp(); });
  exchange(t, t.index() ^ 2, [&] { t.sync_warp(); });
}
void cluster_barrier_missing(const EmulatedThread& t) {
  doubles(t.shared())[t.index()] = 1;
  t.sync_block();
  read_neighbour(t);
  t.sync_cluster();
}
void last_cluster_barrier_missing(const EmulatedThread& t) {
  doubles(t.shared())[t.index()] = 1;
  t.sync_cluster();
  read_neighbour(t);
}
void blocks_race(const EmulatedThread& t) {
  if (t.index() == 3) global[0] = t.block();
}

struct Fault {
  const char* name;
  LaunchShape shape;
  Body body;
  int host_threads = 1;
};

[[noreturn]] void run_fault(const Fault& fault, std::uint64_t seed) {
  EmulatedThread::launch(fault.shape, seed, fault.body, fault.host_threads);
  std::exit(0);
}

class PlantedRace : public testing::TestWithParam<Fault> {};

TEST_P(PlantedRace, IsFoundByThreadSanitizer) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (std::uint64_t seed : {0, 1})
    EXPECT_EXIT(run_fault(GetParam(), seed), testing::ExitedWithCode(66), "data race")
        << "schedule " << seed;
}

INSTANTIATE_TEST_SUITE_P(
    EmulatedThread,
    PlantedRace,
    testing::Values(
        Fault{"NoBlockBarrier", kOneBlock, barrier_missing},
        Fault{"NoSecondBlockBarrier", kOneBlock, second_barrier_missing},
        Fault{"ShuffleForWarpBarrier", kOneBlock, shuffle_for_barrier},
        Fault{"MultiplyForWarpBarrier", kOneBlock, multiply_for_barrier},
        Fault{"NoSecondWarpBarrier", kOneBlock, warp_barrier_missing},
        Fault{"NoClusterBarrier", kCluster, cluster_barrier_missing},
        Fault{"NoLastClusterBarrier", kCluster, last_cluster_barrier_missing},
        Fault{"BlocksOnGlobalMemory", kTwoBlocks, blocks_race, 2}),
    [](const auto& test) { return test.param.name; });
#endif

TEST(EmulatedThread, RunsBodiesWithTheRightBarriers) {
  for (std::uint64_t seed : kSchedules)
    for (int repeat = 0; repeat < 2; ++repeat) {
      EmulatedThread::launch(kOneBlock, seed, barrier_right);
      EmulatedThread::launch(kOneBlock, seed, second_barrier_right);
      EmulatedThread::launch(kOneBlock, seed, warp_barriers_right);
      EmulatedThread::launch(kCluster, seed, cluster_barriers_right);
      EmulatedThread::launch(kTwoBlocks, seed, blocks_apart, 2);
      EXPECT_EQ(global[1], 1);
      LaunchShape many = kOneBlock;  // successive blocks in the same memory
      many.blocks = 6;
      EmulatedThread::launch(many, seed, second_barrier_right, 2);
    }
}

}  // namespace
}  // namespace bpqp::test
