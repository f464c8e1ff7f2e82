/// \file
/// The teams that tests of a team's algebra run on: a warp, blocks, and a grid of three blocks.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/place.hpp"
#include "support/emulated_thread.hpp"

namespace bpqp::test {

/// A grid that is one team.
struct GridOfThree : gpu::ByGrid<2> {
  static constexpr int kBlocks = 3;
};

/// A layout of teams and the type of the data.
template <class LayoutOf, class RealOf>
struct TeamCase {
  using Layout = LayoutOf;
  using R = RealOf;
};

template <class C>
class OnTeam : public testing::Test {
 public:
  using Layout = typename C::Layout;
  static constexpr int blocks() {
    if constexpr (requires { Layout::kBlocks; }) return Layout::kBlocks;
    return 1;
  }

  /// body(team), by the threads of one team, in an order that the schedule gives.
  template <class Body>
  static void run(const Body& body, std::uint64_t schedule) {
    std::vector<double> partial(2 * std::size_t(blocks()));
    const gpu::GridMemory grid{blocks(), partial.data(), nullptr};
    EmulatedThread::launch(
        {blocks(), Layout::kThreads, 64 + Layout::kPartialBytes, blocks()}, schedule,
        [&](const EmulatedThread& thread) { body(Layout::team(thread, thread.shared(), grid)); });
  }
};

using TeamCases = testing::Types<
    TeamCase<gpu::ByWarps<1>, double>,
    TeamCase<gpu::ByWarps<1>, float>,
    TeamCase<gpu::ByBlocks<4>, double>,
    TeamCase<gpu::ByBlocks<4>, float>,
    TeamCase<gpu::ByGrid<2>, double>,
    TeamCase<GridOfThree, double>>;

class TeamCaseName {
 public:
  template <class C>
  static std::string GetName(int) {
    using Layout = typename C::Layout;
    return std::string(
               Layout::kThreads == 32    ? "Warp"
               : OnTeam<C>::blocks() > 1 ? "Grid"
               : Layout::kMayBeGrid      ? "LargeBlock"
                                         : "Block") +
           (sizeof(typename C::R) == 4 ? "Float" : "Double");
  }
};

}  // namespace bpqp::test
