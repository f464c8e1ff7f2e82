/// \file
/// What a GPU's teams combine, and the queue that they take problems from, on emulated blocks.
#include "gpu/team.hpp"

#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "gpu/place.hpp"
#include "gpu/solve_body.hpp"
#include "support/emulated_thread.hpp"
#include "support/random_problems.hpp"
#include "team_cases.hpp"

namespace bpqp::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kSchedules[] = {0, 1, 42};  // threads in order, and two shuffles

template <class L>
class Teams : public testing::Test {
 protected:
  static constexpr int kThreads = L::kThreads;
  template <class Body>
  static void run(int blocks, std::uint64_t schedule, const Body& body, int host_threads = 1) {
    EmulatedThread::launch(
        {blocks, kThreads, 64 + L::kTeams * gpu::team_bytes<L>(0)}, schedule,
        [&](const EmulatedThread& thread) { body(thread, L::team(thread, thread.shared(), {})); },
        host_threads);
  }
};
using Layouts = testing::Types<gpu::ByWarps<1>, gpu::ByWarps<4>, gpu::ByBlocks<4>>;
class LayoutName {
 public:
  template <class L>
  static std::string GetName(int) {
    return (L::kTeams == 1 && L::kThreads > 32 ? "Block" : "Warps") + std::to_string(L::kThreads);
  }
};
TYPED_TEST_SUITE(Teams, Layouts, LayoutName);

bool same_value(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

/// Reductions without a barrier between: none may touch what a lane of the one before still reads.
TYPED_TEST(Teams, ReductionsInARowGiveEveryLaneTheSameBits) {
  constexpr int kRounds = 6;
  const auto lanes = std::size_t(this->kThreads);
  std::mt19937_64 engine(1);
  const auto values = normals(lanes * kRounds, engine);
  std::vector<double> sum(lanes * kRounds), most(sum), least(sum);
  std::vector<double> first;
  for (std::uint64_t schedule : kSchedules) {
    this->run(1, schedule, [&](const EmulatedThread& thread, const auto& team) {
      for (std::size_t r = 0; r < kRounds; ++r) {
        const std::size_t at = r * lanes + std::size_t(thread.index());
        sum[at] = team.sum(values[at]);
        most[at] = team.max(values[at]);
        if (r % 2 == 0) least[at] = team.min(values[at]);
      }
    });
    const std::size_t size = lanes / TypeParam::kTeams;  // of a team
    for (std::size_t at = 0; at < sum.size(); at += size) {
      const auto begin = values.begin() + std::ptrdiff_t(at), end = begin + std::ptrdiff_t(size);
      long double total = 0;
      for (auto v = begin; v != end; ++v) total += *v;
      EXPECT_NEAR(sum[at], double(total), 1e-13);  // of some hundred normals
      EXPECT_EQ(most[at], *std::max_element(begin, end));
      if (at / lanes % 2 == 0) {
        EXPECT_EQ(least[at], *std::min_element(begin, end));
      }
      for (std::size_t i = at; i < at + size; ++i) {
        EXPECT_TRUE(same_value(sum[i], sum[at]) && same_value(most[i], most[at])) << i;
        EXPECT_TRUE(same_value(least[i], least[at])) << i;
      }
    }
    if (first.empty()) first = sum;
    EXPECT_EQ(sum, first) << "schedule " << schedule;
  }
}

TYPED_TEST(Teams, ReductionsKeepANaNWhicheverLaneHasIt) {
  const int size = this->kThreads / TypeParam::kTeams;
  std::vector<int> kept(std::size_t(this->kThreads));
  for (int bad = 0; bad < size; bad += 5) {
    this->run(1, std::uint64_t(bad), [&](const EmulatedThread& thread, const auto& team) {
      const double v = team.rank() == bad ? kNaN : double(team.rank());
      const double sum = team.sum(v), most = team.max(v), least = team.min(v);
      kept[std::size_t(thread.index())] = std::isnan(sum) + std::isnan(most) + std::isnan(least);
    });
    for (int k : kept) EXPECT_EQ(k, 3) << "NaN on lane " << bad;
  }
}

/// Every lane's turns until there is nothing left; teams append what they took.
TYPED_TEST(Teams, EachProblemIsTakenOnceAndByAllLanesOfItsTeam) {
  constexpr int kBlocks = 3;
  for (const int host_threads : {1, 2})
    for (const int count : {0, 1, 2, 23})
      for (const bool listed : {false, true}) {
        SCOPED_TRACE(testing::Message() << count << (listed ? " listed" : ""));
        std::vector<int> items, list(std::size_t(count) + 1, -1);
        for (int i = 0; i < count; ++i) items.push_back(100 + 7 * i % 23);
        int next = 0, appended = 0;
        gpu::Queue queue =
            listed ? gpu::Queue{&next, 0, &count, items.data()} : gpu::Queue{&next, count};
        queue.each = listed ? TypeParam::kTeams : (TypeParam::kTeams + 1) / 2;
        std::vector<std::vector<int>> taken(std::size_t(kBlocks * this->kThreads));
        this->run(
            kBlocks, 5,
            [&](const EmulatedThread& thread, const auto& team) {
              const int id = thread.block() * TypeParam::kThreads + thread.index();
              const gpu::Place<TypeParam> place(thread, gpu::BatchMemory());
              for (gpu::Turns turns(team, queue, place); turns.more();) {
                if (turns.problem() < 0) continue;
                taken[std::size_t(id)].push_back(turns.problem());
                gpu::append(team, {&appended, list.data()}, turns.problem());
              }
            },
            host_threads);
        std::vector<int> all;
        const std::size_t size = std::size_t(this->kThreads / TypeParam::kTeams);
        for (std::size_t id = 0; id < taken.size(); ++id) {
          EXPECT_EQ(taken[id], taken[id / size * size]) << "thread " << id;
          if (id % size == 0) all.insert(all.end(), taken[id].begin(), taken[id].end());
        }
        if (!listed) {
          items.clear();
          for (int i = 0; i < count; ++i) items.push_back(i);
        }
        ASSERT_EQ(appended, count);
        list.pop_back();
        for (auto* v : {&items, &all, &list}) std::sort(v->begin(), v->end());
        EXPECT_EQ(all, items);
        EXPECT_EQ(list, items);
      }
}

/// Around the warp's width, and more than once through it.
TYPED_TEST(Teams, ListsWhereSomethingHoldsAreThoseOfASerialTeam) {
  std::mt19937_64 engine(4);
  for (const int count : {0, 1, 31, 32, 33, 100}) {
    std::vector<int> holds(std::size_t(count) + 1);
    for (int& h : holds) h = int(engine() % 3 == 0);
    std::vector<int> want;
    const int expected = core::list_where(
        core::SerialTeam(), count, [&](int i) { return holds[std::size_t(i)] != 0; },
        [&](int, int i) { want.push_back(i); });
    for (const std::uint64_t schedule : kSchedules) {
      constexpr auto kTeams = std::size_t(TypeParam::kTeams);
      std::vector<std::vector<int>> lists(kTeams, std::vector<int>(want.size(), -1));
      std::vector<int> found(std::size_t(this->kThreads), -1);
      this->run(1, schedule, [&](const EmulatedThread& thread, const auto& team) {
        auto& list = lists[std::size_t(thread.index()) / (found.size() / kTeams)];
        found[std::size_t(thread.index())] = list_where(
            team, count, [&](int i) { return holds[std::size_t(i)] != 0; },
            [&](int at, int i) { list[std::size_t(at)] = i; });
      });
      for (const int f : found) ASSERT_EQ(f, expected) << count << " with schedule " << schedule;
      for (const auto& list : lists)
        EXPECT_EQ(list, want) << count << " with schedule " << schedule;
    }
  }
}

using Grid = OnTeam<TeamCase<GridOfThree, double>>;
constexpr int kGridThreads = GridOfThree::kBlocks * GridOfThree::kThreads;

/// Reductions without a barrier between, over blocks that share no memory of their own.
TEST(TeamOfAGrid, ReductionsInARowGiveEveryThreadTheSameBitsInEverySchedule) {
  constexpr int kRounds = 6;
  std::mt19937_64 engine(2);
  const auto values = normals(kGridThreads * kRounds, engine);
  std::vector<double> first;
  for (std::uint64_t schedule : kSchedules) {
    std::vector<double> sum(values.size()), most(sum), least(sum);
    Grid::run(
        [&](const auto& team) {
          ASSERT_EQ(team.size(), kGridThreads);
          for (int r = 0; r < kRounds; ++r) {
            const auto at = std::size_t(r * kGridThreads + team.rank());
            sum[at] = team.sum(values[at]);
            most[at] = team.max(values[at]);
            if (r % 2 == 0) least[at] = team.min(values[at]);
          }
        },
        schedule);
    for (int r = 0; r < kRounds; ++r) {
      const auto begin = values.begin() + r * kGridThreads, end = begin + kGridThreads;
      long double total = 0;
      for (auto v = begin; v != end; ++v) total += *v;
      for (int t = 0; t < kGridThreads; ++t) {
        const auto at = std::size_t(r * kGridThreads + t);
        ASSERT_NEAR(sum[at], double(total), 1e-13) << t;  // of some hundred normals
        ASSERT_TRUE(same_value(sum[at], sum[std::size_t(r * kGridThreads)])) << t;
        ASSERT_EQ(most[at], *std::max_element(begin, end)) << t;
        if (r % 2 == 0) {
          ASSERT_EQ(least[at], *std::min_element(begin, end)) << t;
        }
      }
    }
    if (first.empty()) first = sum;
    EXPECT_EQ(sum, first) << "schedule " << schedule;
  }
}

TEST(TeamOfAGrid, ReductionsKeepANaNWhicheverBlockHasIt) {
  for (int bad = 0; bad < kGridThreads; bad += 13) {
    std::vector<int> kept(kGridThreads);
    Grid::run(
        [&](const auto& team) {
          const double v = team.rank() == bad ? kNaN : double(team.rank());
          const double sum = team.sum(v), most = team.max(v), least = team.min(v);
          kept[std::size_t(team.rank())] = std::isnan(sum) + std::isnan(most) + std::isnan(least);
        },
        std::uint64_t(bad));
    for (int k : kept) EXPECT_EQ(k, 3) << "NaN on thread " << bad;
  }
}

TEST(TeamOfAGrid, TakesEachProblemOnceAllBlocksTogether) {
  int next = 0;
  const gpu::Queue queue{&next, 5};
  std::vector<std::vector<int>> taken(kGridThreads);
  Grid::run(
      [&](const auto& team) {
        for (int b; (b = gpu::take_next(team, queue)) >= 0;)
          taken[std::size_t(team.rank())].push_back(b);
      },
      7);
  for (const auto& of_thread : taken) EXPECT_EQ(of_thread, (std::vector<int>{0, 1, 2, 3, 4}));
}

/// The others wait at the grid's barrier meanwhile.
TEST(TeamOfAGrid, OneBlockWorksForAllAsATeamOfItsOwn) {
  for (std::uint64_t schedule : kSchedules) {
    std::vector<double> work(kGridThreads, 0), seen(kGridThreads, 0);
    Grid::run(
        [&](const auto& team) {
          if (gpu::acts_for_all(team)) {
            const auto block = team.own_block();
            for (int i : block.items(kGridThreads)) work[std::size_t(i)] = i;
            block.sync();
            double total = 0;
            for (int i = 0; i < kGridThreads; ++i) total += work[std::size_t(i)];
            block.sync();
            if (block.rank() == 0) work[0] = total;
          }
          team.sync();
          seen[std::size_t(team.rank())] = work[0];
        },
        schedule);
    for (double v : seen) EXPECT_EQ(v, kGridThreads * (kGridThreads - 1) / 2);
  }
}

}  // namespace
}  // namespace bpqp::test
