#include "support/emulated_thread.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "schedules.hpp"

namespace bpqp::test {
namespace {

/// Runs the body on the shape in every schedule, on one host thread and on two, and checks after
/// each.
template <class Body, class Check>
void in_every_schedule(const LaunchShape& shape, const Body& body, const Check& check) {
  for (std::uint64_t seed : kSchedules)
    for (int host_threads : {1, 2}) {
      SCOPED_TRACE(
          "schedule " + std::to_string(seed) + ", host threads " + std::to_string(host_threads));
      EmulatedThread::launch(shape, seed, body, host_threads);
      check();
    }
}

TEST(EmulatedThread, KnowsItsPlaceInTheGrid) {
  std::vector<int> seen(6 * 64, 0);
  in_every_schedule(
      {.blocks = 6, .threads = 64, .cluster = 2},
      [&](const EmulatedThread& t) {
        ++seen[std::size_t(64 * t.block() + t.index())];
        if (t.cluster_size() != 2 || t.cluster_rank() != t.block() % 2)
          throw std::logic_error("rank in the cluster");
      },
      [&] {
        EXPECT_EQ(seen, std::vector<int>(seen.size(), 1));
        seen.assign(seen.size(), 0);
      });
}

TEST(EmulatedThread, ShufflesToClosedForms) {
  std::vector<double> from_one(96), rotated(96), sums(96);
  in_every_schedule(
      {.threads = 96},
      [&](const EmulatedThread& t) {
        const auto i = std::size_t(t.index());
        const int lane = t.index() % 32;
        from_one[i] = t.shuffle(t.index(), 5);
        rotated[i] = t.shuffle(t.index(), (lane + 1) % 32);
        double sum = t.index();
        for (int bits = 16; bits > 0; bits /= 2) sum += t.shuffle_xor(sum, bits);
        sums[i] = sum;
      },
      [&] {
        for (int i = 0; i < 96; ++i) {
          const int first = i / 32 * 32;  // of the warp
          ASSERT_EQ(from_one[std::size_t(i)], first + 5);
          ASSERT_EQ(rotated[std::size_t(i)], first + (i + 1) % 32);
          ASSERT_EQ(sums[std::size_t(i)], 32 * first + 31 * 16);
        }
      });
}

TEST(EmulatedThread, MultipliesMatricesInTheOrderOfTheInnerIndex) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  double a[8][4], b[4][8], c[8][8], d[8][8];
  for (auto& row : a)
    for (double& v : row) v = normal(random);
  for (auto& row : b)
    for (double& v : row) v = normal(random);
  for (auto& row : c)
    for (double& v : row) v = normal(random);
  in_every_schedule(
      {.threads = 32},
      [&](const EmulatedThread& t) {
        const int row = t.index() / 4, column = 2 * (t.index() % 4);
        const gpu::Pair sum = t.multiply_add(
            a[t.index() / 4][t.index() % 4], b[t.index() % 4][t.index() / 4],
            {c[row][column], c[row][column + 1]});
        d[row][column] = sum.first;
        d[row][column + 1] = sum.second;
      },
      [&] {
        for (int i = 0; i < 8; ++i)
          for (int j = 0; j < 8; ++j) {
            double sum = c[i][j];
            for (int k = 0; k < 4; ++k) sum += a[i][k] * b[k][j];
            ASSERT_EQ(d[i][j], sum);
            d[i][j] = 0;
          }
      });
}

TEST(EmulatedThread, LetsWarpsProceedIndependently) {
  in_every_schedule(
      {.threads = 64, .shared = 2 * sizeof(double)},
      [&](const EmulatedThread& t) {
        const int warp = t.index() / 32;
        double* counts = doubles(t.shared());
        if (t.index() % 32 == 0) counts[warp] = 0;
        for (int i = 0; i < (warp == 0 ? 5 : 2); ++i) {
          t.sync_warp();
          if (t.index() % 32 == i) counts[warp] += 1;
        }
        t.sync_block();
        if (counts[0] != 5 || counts[1] != 2) throw std::logic_error("counts");
      },
      [] {});
}

TEST(EmulatedThread, SumsABlockThroughSharedMemory) {
  std::vector<double> sums(4);
  in_every_schedule(
      {.blocks = 4, .threads = 128, .shared = 4 * sizeof(double)},
      [&](const EmulatedThread& t) {
        double sum = t.index() + t.block();
        for (int bits = 16; bits > 0; bits /= 2) sum += t.shuffle_xor(sum, bits);
        if (t.index() % 32 == 0) doubles(t.shared())[t.index() / 32] = sum;
        t.sync_block();
        const double* s = doubles(t.shared());
        if (t.index() == 0) sums[std::size_t(t.block())] = s[0] + s[1] + s[2] + s[3];
      },
      [&] {
        for (int i = 0; i < 4; ++i) EXPECT_EQ(sums[std::size_t(i)], 127 * 64 + 128 * i);
        sums.assign(4, 0);
      });
}

TEST(EmulatedThread, DoesTheWorkThatPersistentBlocksFetchOnce) {
  constexpr int kWork = 50;
  int counter = 0;
  std::vector<int> done(kWork, 0);
  in_every_schedule(
      {.blocks = 4, .threads = 64, .shared = sizeof(int)},
      [&](const EmulatedThread& t) {
        int& work = *reinterpret_cast<int*>(t.shared());
        for (;;) {
          if (t.index() == 0) work = t.fetch_add(&counter, 1);
          t.sync_block();
          if (work >= kWork) return;
          if (t.index() == 33) ++done[std::size_t(work)];
          t.sync_block();
        }
      },
      [&] {
        EXPECT_EQ(done, std::vector<int>(kWork, 1));
        EXPECT_EQ(counter, kWork + 4);
        done.assign(kWork, 0);
        counter = 0;
      });
}

TEST(EmulatedThread, ReadsItsNeighboursSharedMemoryAfterAClusterBarrier) {
  std::vector<double> sums(8);
  in_every_schedule(
      {.blocks = 8, .threads = 32, .shared = 32 * sizeof(double), .cluster = 4},
      [&](const EmulatedThread& t) {
        doubles(t.shared())[t.index()] = t.block();
        t.sync_cluster();
        double sum = 0;
        for (int r = 0; r < 4; ++r) sum += doubles(t.cluster_shared(r))[31 - t.index()];
        t.sync_cluster();  // until here all blocks must keep their memory
        if (t.index() == 0) sums[std::size_t(t.block())] = sum;
        if (t.cluster_shared(t.cluster_rank()) != t.shared()) throw std::logic_error("own");
      },
      [&] {
        EXPECT_EQ(sums, (std::vector<double>{6, 6, 6, 6, 22, 22, 22, 22}));
        sums.assign(8, 0);
      });
}

TEST(EmulatedThread, StartsEveryBlockWithNaNInAlignedSharedMemory) {
  in_every_schedule(
      {.blocks = 5, .threads = 32, .shared = 100 * sizeof(double)},
      [&](const EmulatedThread& t) {
        if (reinterpret_cast<std::uintptr_t>(t.shared()) % 128 != 0)
          throw std::logic_error("alignment");
        for (int i = t.index(); i < 100; i += 32) {
          if (!std::isnan(doubles(t.shared())[i])) throw std::logic_error("not NaN");
          doubles(t.shared())[i] = t.block();  // for the next block to find
        }
      },
      [] {});
}

#if !BPQP_UNDER_TSAN  // threads race on the list of who came on purpose
TEST(EmulatedThread, ShufflesThreadsAndBlocksBySeed) {
  const auto order = [](std::uint64_t seed) {
    std::vector<int> came;
    EmulatedThread::launch({.blocks = 8, .threads = 64}, seed, [&](const EmulatedThread& t) {
      came.push_back(64 * t.block() + t.index());
    });
    return came;
  };
  std::vector<int> in_order(8 * 64);
  std::iota(in_order.begin(), in_order.end(), 0);
  EXPECT_EQ(order(0), in_order);
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
  std::vector<int> shuffled = order(1), blocks, threads;
  for (std::size_t i = 0; i < shuffled.size(); i += 64) blocks.push_back(shuffled[i] / 64);
  for (std::size_t i = 0; i < 64; ++i) threads.push_back(shuffled[i] % 64);
  EXPECT_FALSE(std::is_sorted(blocks.begin(), blocks.end()));
  EXPECT_FALSE(std::is_sorted(threads.begin(), threads.end()));
}
#endif

/// The message of the argument that the launch refuses; empty if none.
std::string refused(const LaunchShape& shape, int host_threads = 1) {
  try {
    EmulatedThread::launch(
        shape, 0, [](const EmulatedThread&) {}, host_threads);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

TEST(EmulatedThread, RefusesShapesThatAGpuHasNot) {
  const std::string threads = "threads: expected a multiple of 32 in 32 ... 1024";
  for (int n : {0, -32, 31, 33, 1056}) EXPECT_EQ(refused({.threads = n}), threads) << n;
  const std::string blocks = "blocks: expected a positive multiple of cluster";
  EXPECT_EQ(refused({.blocks = 0}), blocks);
  EXPECT_EQ(refused({.blocks = 3, .cluster = 2}), blocks);
  EXPECT_EQ(refused({.cluster = 0}), "cluster: expected 1 ... 16");
  EXPECT_EQ(refused({.blocks = 17, .cluster = 17}), "cluster: expected 1 ... 16");
  EXPECT_EQ(refused({}, 0), "host_threads: expected at least 1");
  EXPECT_EQ(refused({.blocks = 16, .threads = 32, .cluster = 16}), "");
}

}  // namespace
}  // namespace bpqp::test
