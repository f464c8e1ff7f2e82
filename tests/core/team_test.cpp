#include "core/team.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "workbench.hpp"

namespace bpqp::core {
namespace {

TEST(Range, DealsOutEveryIndexOnceInOrder) {
  std::vector<int> seen;
  for (int rank = 0; rank < 3; ++rank)
    for (int i : StridedRange{rank, 3, 8}) seen.push_back(i);
  EXPECT_EQ(seen, (std::vector<int>{0, 3, 6, 1, 4, 7, 2, 5}));
  seen.clear();
  for (int i : UnitRange{3}) seen.push_back(i);
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
}

TEST(Range, IsEmptyForNoOrNegativeCounts) {
  int count = 0;
  for (int n : {0, -1, -7}) {
    for (int i : UnitRange{n}) count += 1 + i;
    for (int i : StridedRange{0, 4, n}) count += 1 + i;
  }
  for (int i : StridedRange{5, 8, 3}) count += 1 + i;  // more lanes than items
  EXPECT_EQ(count, 0);
}

TEST(NanMax, KeepsANaNWhicheverArgumentHasIt) {
  EXPECT_EQ(nan_max(1.0, 2.0), 2.0);
  EXPECT_EQ(nan_min(1.0, 2.0), 1.0);
  for (double other : {1.0, -double(INFINITY), double(INFINITY)}) {
    EXPECT_TRUE(std::isnan(nan_max(test::kNaN, other)) && std::isnan(nan_max(other, test::kNaN)));
    EXPECT_TRUE(std::isnan(nan_min(test::kNaN, other)) && std::isnan(nan_min(other, test::kNaN)));
  }
}

TEST(Arena, CountsWhatItHandsOut) {
  const auto take_all = [](Arena& a) {
    const auto c = Condensed<double>::lay_out(a, 7, 5);
    const auto w = WorkingSet<double>::lay_out(a, 7, 5);
    const auto s = ForwardWork<double>::lay_out(a, 7, 5);
    return std::vector<const void*>{c.L, c.Y, c.S, w.list, w.side, w.L, s.l, s.admm_operator};
  };
  Arena counter(nullptr);
  for (const void* piece : take_all(counter)) EXPECT_EQ(piece, nullptr);
  alignas(Arena::kAlign) static char memory[1 << 16];
  ASSERT_LE(counter.bytes(), sizeof memory);
  Arena arena(memory);
  for (const void* piece : take_all(arena)) {
    EXPECT_GE(piece, memory);
    EXPECT_LT(piece, memory + counter.bytes());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % Arena::kAlign, 0u);
  }
  EXPECT_EQ(arena.bytes(), counter.bytes());
}

TEST(ProblemView, TakesSidesFrom1e30OnAsAbsent) {
  EXPECT_TRUE(has_upper(1e29) && has_lower(-1e29) && has_upper(-1e31) && has_lower(1e31));
  EXPECT_FALSE(has_upper(1e30) || has_upper(INFINITY) || has_lower(-1e30) || has_lower(-INFINITY));
}

}  // namespace
}  // namespace bpqp::core
