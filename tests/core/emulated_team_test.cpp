#include "support/emulated_team.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "schedules.hpp"

namespace bpqp::test {
namespace {

class Lanes : public testing::TestWithParam<int> {};

/// Runs the body on the test's lanes in every schedule.
template <class Body>
void in_every_schedule(int lanes, const Body& body) {
  for (std::uint64_t seed : kSchedules) {
    SCOPED_TRACE("schedule " + std::to_string(seed));
    body([&](const auto& lane) { EmulatedTeam::run(lanes, seed, lane); });
  }
}

TEST_P(Lanes, ReduceToClosedForms) {
  const int lanes = GetParam();
  in_every_schedule(lanes, [&](const auto& run) {
    std::vector<double> sum(std::size_t(lanes), -1), max = sum, min = sum;
    run([&](const EmulatedTeam& team) {
      const auto r = std::size_t(team.rank());
      sum[r] = team.sum(team.rank() + 1);
      max[r] = team.max(-team.rank());
      min[r] = team.min(-team.rank());
    });
    for (std::size_t i = 0; i < sum.size(); ++i) {
      EXPECT_EQ(sum[i], lanes * (lanes + 1) / 2);  // exact: integers
      EXPECT_EQ(max[i], 0);
      EXPECT_EQ(min[i], 1 - lanes);
    }
  });
}

TEST_P(Lanes, SumInTheSameOrderInEverySchedule) {
  const int lanes = GetParam();
  std::vector<double> sums;
  in_every_schedule(lanes, [&](const auto& run) {
    double result = 0;
    run([&](const EmulatedTeam& team) {
      const double s = team.sum(1.0 / (3 + team.rank()));
      if (team.rank() == 0) result = s;
    });
    sums.push_back(result);
  });
  EXPECT_EQ(sums[0], sums[1]);
  EXPECT_EQ(sums[0], sums[2]);
}

TEST_P(Lanes, KeepANaNInMaxAndMin) {
  const int lanes = GetParam();
  in_every_schedule(lanes, [&](const auto& run) {
    run([&](const EmulatedTeam& team) {
      const double nan = std::numeric_limits<double>::quiet_NaN();
      const double v = team.rank() == lanes / 2 ? nan : 1;
      const bool kept = std::isnan(team.max(v)) && std::isnan(team.min(v));
      EXPECT_TRUE(kept || team.rank() != 0);
    });
  });
}

/// A body with a barrier between writing and reading what other lanes wrote: prefix sums by
/// doubling (Hillis and Steele).
void prefix_sums(const EmulatedTeam& team, std::vector<double>& v, std::vector<double>& next) {
  const int n = int(v.size());
  for (int step = 1; step < n; step *= 2) {
    for (int i : team.items(n))
      next[std::size_t(i)] = v[std::size_t(i)] + (i >= step ? v[std::size_t(i - step)] : 0);
    team.sync();
    for (int i : team.items(n)) v[std::size_t(i)] = next[std::size_t(i)];
    team.sync();
  }
}

TEST_P(Lanes, SeeEachOthersMemoryAfterABarrier) {
  in_every_schedule(GetParam(), [&](const auto& run) {
    std::vector<double> v(100, 1), next(100);
    run([&](const EmulatedTeam& team) { prefix_sums(team, v, next); });
    for (std::size_t i = 0; i < v.size(); ++i) ASSERT_EQ(v[i], double(i + 1));
  });
}

TEST_P(Lanes, DealOutEveryIndexOnce) {
  in_every_schedule(GetParam(), [&](const auto& run) {
    std::vector<int> dealt(1000, 0);
    run([&](const EmulatedTeam& team) {
      for (int i : team.items(1000)) ++dealt[std::size_t(i)];
    });
    EXPECT_EQ(dealt, std::vector<int>(1000, 1));
  });
}

INSTANTIATE_TEST_SUITE_P(EmulatedTeam, Lanes, testing::Values(1, 7, 32, 128), [](const auto& test) {
  return "Of" + std::to_string(test.param);
});

TEST(EmulatedTeam, ShufflesTheLanesBySeed) {
  const auto order = [](std::uint64_t seed) {
    std::vector<int> ranks;
    EmulatedTeam::run(32, seed, [&](const EmulatedTeam& team) { ranks.push_back(team.rank()); });
    return ranks;
  };
#if !BPQP_UNDER_TSAN  // the lanes race on `ranks` on purpose
  std::vector<int> in_order(32);
  std::iota(in_order.begin(), in_order.end(), 0);
  EXPECT_EQ(order(0), in_order);
  EXPECT_NE(order(1), in_order);
  EXPECT_NE(order(1), order(2));
  EXPECT_EQ(order(1), order(1));
#else
  static_cast<void>(order);
  GTEST_SKIP() << "the test itself races";
#endif
}

/// The message of the divergence that the body ends in; empty if it ends well.
template <class Body>
std::string divergence(int lanes, std::uint64_t seed, const Body& body) {
  try {
    EmulatedTeam::run(lanes, seed, body);
  } catch (const BarrierDivergence& e) {
    return e.what();
  }
  return "";
}

TEST(EmulatedTeam, FindsALaneThatReturnsWhereOthersWait) {
  for (std::uint64_t seed : kSchedules)
    EXPECT_EQ(
        divergence(
            4, seed,
            [](const EmulatedTeam& team) {
              team.sync();
              if (team.rank() != 2) team.sync();
            }),
        "barrier divergence: lanes 0 1 3 wait in sync() after 1 barriers; lanes 2 have returned "
        "after 1 barriers");
}

TEST(EmulatedTeam, FindsLanesThatWaitInDifferentOperations) {
  for (std::uint64_t seed : kSchedules)
    EXPECT_EQ(
        divergence(
            3, seed,
            [](const EmulatedTeam& team) {
              if (team.rank() == 0)
                team.sync();
              else
                team.max(1);
            }),
        "barrier divergence: lanes 0 wait in sync() after 0 barriers; lanes 1 2 wait in max() "
        "after 0 barriers");
}

TEST(EmulatedTeam, UnwindsTheLanesOfABrokenRun) {
  struct Mark {
    double& unwound;
    ~Mark() { unwound = 1; }
  };
  std::vector<double> unwound(32, 0);
  const auto body = [&](const EmulatedTeam& team) {
    const Mark mark{unwound[std::size_t(team.rank())]};
    if (team.rank() == 5) return;
    team.sync();
  };
  EXPECT_NE(divergence(32, 0, body), "");
  EXPECT_EQ(unwound, std::vector<double>(32, 1));
  EXPECT_THROW(
      EmulatedTeam::run(
          8, 3,
          [](const EmulatedTeam& team) {
            if (team.rank() == 1) throw std::runtime_error("lane 1");
            team.sync();
          }),
      std::runtime_error);
  // Lanes whose barrier has opened unwind too, where one that leaves it first throws.
  EXPECT_THROW(
      EmulatedTeam::run(
          8, 0,
          [&](const EmulatedTeam& team) {
            const Mark mark{unwound[std::size_t(team.rank())] = 0};
            team.sync();
            if (team.rank() == 1) throw std::runtime_error("lane 1");
            team.sync();
          }),
      std::runtime_error);
  EXPECT_EQ(unwound, std::vector<double>(32, 1));
  // The next run of the same fibers is a fresh one.
  EXPECT_EQ(divergence(32, 0, [](const EmulatedTeam& team) { team.sync(); }), "");
}

TEST(EmulatedTeam, RefusesSizesOutOfRange) {
  EXPECT_THROW(EmulatedTeam::run(0, 0, [](const EmulatedTeam&) {}), std::invalid_argument);
  EXPECT_THROW(EmulatedTeam::run(1025, 0, [](const EmulatedTeam&) {}), std::invalid_argument);
}

#if BPQP_UNDER_TSAN
/// As prefix_sums, but the second barrier of a step is missing: a lane may read what its neighbour
/// has already overwritten. On one thread in a fixed order the numbers may even come out right.
[[noreturn]] void run_without_a_barrier(std::uint64_t seed) {
  std::vector<double> v(64, 1), next(64);
  EmulatedTeam::run(32, seed, [&](const EmulatedTeam& team) {
    for (int step = 1; step < 64; step *= 2) {
      for (int i : team.items(64))
        next[std::size_t(i)] = v[std::size_t(i)] + (i >= step ? v[std::size_t(i - step)] : 0);
      team.sync();
      for (int i : team.items(64)) v[std::size_t(i)] = next[std::size_t(i)];
    }
  });
  std::exit(0);
}

TEST(EmulatedTeamDeathTest, ThreadSanitizerFindsAMissingBarrier) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (std::uint64_t seed : kSchedules)
    EXPECT_EXIT(run_without_a_barrier(seed), testing::ExitedWithCode(66), "data race")
        << "schedule " << seed;
}
#endif

}  // namespace
}  // namespace bpqp::test
