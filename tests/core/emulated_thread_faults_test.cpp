// Planted faults that EmulatedThread must find; those that ThreadSanitizer must find with it are in
// emulated_thread_races_test.cpp.
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "schedules.hpp"
#include "support/emulated_thread.hpp"

namespace bpqp::test {
namespace {

using Body = void (*)(const EmulatedThread&);

/// The message of the exception E that the launch ends in; empty if it ends well.
template <class E>
std::string message(
    const LaunchShape& shape,
    std::uint64_t seed,
    const std::function<void(const EmulatedThread&)>& body,
    int host_threads = 1) {
  try {
    EmulatedThread::launch(shape, seed, body, host_threads);
  } catch (const E& e) {
    return e.what();
  }
  return "";
}

void expect_divergence(const LaunchShape& shape, Body body, const std::string& expected) {
  for (std::uint64_t seed : kSchedules)
    for (int host_threads : {1, 2})
      EXPECT_EQ(
          message<BarrierDivergence>(shape, seed, body, host_threads),
          "barrier divergence: " + expected)
          << "schedule " << seed << ", host threads " << host_threads;
}

TEST(EmulatedThread, FindsALaneThatReturnsWhereItsWarpWaits) {
  expect_divergence(
      {.threads = 64},
      [](const EmulatedThread& t) {
        t.sync_warp();
        if (t.index() != 34) t.shuffle(1, 0);
      },
      "block 0: lanes 0 1 2 3 4 5 6 7 ... (32) have returned after 2 barriers; lanes 32 33 35 36 "
      "37 38 39 40 ... (31) wait in shuffle() after 1 barriers; lanes 34 have returned after 1 "
      "barriers");
}

TEST(EmulatedThread, FindsAWarpThatWaitsInTheBlockWhereAnotherReturned) {
  expect_divergence(
      {.threads = 64},
      [](const EmulatedThread& t) {
        if (t.index() < 32) t.sync_block();
      },
      "block 0: lanes 0 1 2 3 4 5 6 7 ... (32) wait in sync_block() after 0 barriers; lanes 32 33 "
      "34 35 36 37 38 39 ... (32) have returned after 0 barriers");
}

TEST(EmulatedThread, FindsLanesOfAWarpThatWaitInDifferentOperations) {
  expect_divergence(
      {.threads = 32},
      [](const EmulatedThread& t) {
        if (t.index() % 8 == 7)
          t.sync_warp();
        else
          t.shuffle(1, 0);
      },
      "block 0: lanes 0 1 2 3 4 5 6 8 ... (28) wait in shuffle() after 0 barriers; lanes 7 15 23 "
      "31 wait in sync_warp() after 0 barriers");
}

TEST(EmulatedThread, FindsALaneThatWaitsForItsBlockWhereItsWarpWaits) {
  expect_divergence(
      {.threads = 32},
      [](const EmulatedThread& t) {
        if (t.index() == 0)
          t.sync_block();
        else
          t.multiply_add(1, 1, {0, 0});
      },
      "block 0: lanes 0 wait in sync_block() after 0 barriers; lanes 1 2 3 4 5 6 7 8 ... (31) wait "
      "in multiply_add() after 0 barriers");
}

TEST(EmulatedThread, FindsABlockThatMissesAClusterBarrierAndNamesTheFirst) {
  expect_divergence(
      {.blocks = 8, .threads = 32, .cluster = 2},
      [](const EmulatedThread& t) {
        if (t.block() != 3) t.sync_cluster();
      },
      "block 2: lanes 0 1 2 3 4 5 6 7 ... (32) wait in sync_cluster() after 0 barriers; block 3: "
      "lanes 0 1 2 3 4 5 6 7 ... (32) have returned after 0 barriers");
}

TEST(EmulatedThread, NamesTheBlockThatASingleHostThreadWouldHaveMet) {
  const auto body = [](const EmulatedThread& t) {
    if (t.block() >= 2) throw std::runtime_error("block " + std::to_string(t.block()));
  };
  for (std::uint64_t seed : kSchedules) {
    const std::string alone = message<std::runtime_error>({.blocks = 9}, seed, body);
    for (int host_threads : {2, 3})
      EXPECT_EQ(message<std::runtime_error>({.blocks = 9}, seed, body, host_threads), alone);
  }
  EXPECT_EQ(message<std::runtime_error>({.blocks = 9}, 0, body), "block 2");
}

TEST(EmulatedThread, UnwindsTheThreadsOfABrokenLaunch) {
  struct Mark {
    double& unwound;
    ~Mark() { unwound = 1; }
  };
  std::vector<double> begun(64, 0), unwound(64, 0);
  for (std::uint64_t seed : kSchedules) {
    const auto body = [&](const EmulatedThread& t) {
      const auto i = std::size_t(t.index());
      begun[i] = 1;
      const Mark mark{unwound[i]};
      t.sync_block();
      if (t.index() == 5) throw std::runtime_error("thread 5");
      t.sync_warp();
      t.sync_block();
    };
    EXPECT_EQ(message<std::runtime_error>({.threads = 64}, seed, body), "thread 5");
    EXPECT_EQ(unwound, begun);
    // The next launch of the same fibers is a fresh one.
    std::vector<int> ran(64, 0);
    EmulatedThread::launch({.threads = 64}, seed, [&](const EmulatedThread& t) {
      t.sync_block();
      ++ran[std::size_t(t.index())];
    });
    EXPECT_EQ(ran, std::vector<int>(64, 1));
  }
}

TEST(EmulatedThread, RefusesLanesOutsideTheWarp) {
  EXPECT_EQ(
      message<std::out_of_range>({}, 0, [](const EmulatedThread& t) { t.shuffle(1, 32); }),
      "shuffle(): no lane 32 in a warp");
  EXPECT_NE(
      message<std::out_of_range>({}, 0, [](const EmulatedThread& t) { t.shuffle_xor(1, 32); }), "");
  EXPECT_EQ(
      message<std::out_of_range>({}, 0, [](const EmulatedThread& t) { t.cluster_shared(1); }),
      "cluster_shared: no rank 1 in the cluster");
}

/// AddressSanitizer would end the program where we want the exception.
#if defined(__SANITIZE_ADDRESS__)
[[gnu::no_sanitize_address, gnu::noinline]]
#endif
void put(double* place, double v) {
  *place = v;
}

TEST(EmulatedThread, FindsWritesBesideSharedMemory) {
  const auto overrun = [](int at) {
    return message<SharedMemoryOverrun>(
        {.blocks = 3, .threads = 32, .shared = 80}, 0, [at](const EmulatedThread& t) {
          if (t.block() == 1 && t.index() == 7) put(doubles(t.shared()) + at, 1.5);
        });
  };
  const std::string block = "shared memory overrun: block 1 has 80 bytes of shared memory; ";
  EXPECT_EQ(overrun(-1), block + "the byte 8 before its first was written");
  EXPECT_EQ(overrun(-32), block + "the byte 256 before its first was written");
  EXPECT_EQ(overrun(10), block + "the byte 1 after its last was written");
  EXPECT_EQ(overrun(41), block + "the byte 249 after its last was written");
  EXPECT_EQ(overrun(0), "");
  EXPECT_EQ(overrun(9), "");
}

TEST(EmulatedThread, TakesTheMemoryOfABlockThatHasReturned) {
#if defined(__SANITIZE_ADDRESS__) || BPQP_UNDER_TSAN
  GTEST_SKIP() << "a sanitizer ends the program";
#endif
  double seen = 0;
  EmulatedThread::launch(
      {.blocks = 2, .threads = 32, .shared = 8, .cluster = 2}, 0, [&](const EmulatedThread& t) {
        *doubles(t.shared()) = 1;
        t.sync_cluster();
        if (t.cluster_rank() == 0) return;
        t.sync_block();
        if (t.index() == 0) seen = *doubles(t.cluster_shared(0));
      });
  EXPECT_NE(seen, 1);
}

#if defined(__SANITIZE_ADDRESS__)
void read_at(int at) {
  EmulatedThread::launch({.threads = 32, .shared = 80}, 0, [at](const EmulatedThread& t) {
    volatile double v = doubles(t.shared())[at];
    static_cast<void>(v);
  });
}

TEST(EmulatedThreadDeathTest, AddressSanitizerFindsReadsBesideSharedMemory) {
  for (int at : {-1, 10}) EXPECT_DEATH(read_at(at), "use-after-poison") << at;
  read_at(9);
}
#endif

}  // namespace
}  // namespace bpqp::test
