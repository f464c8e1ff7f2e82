/// \file
/// core/list.hpp for the teams of a GPU: 32 indices at a time.
#pragma once

#include <bit>

#include "core/list.hpp"
#include "gpu/team.hpp"

namespace bpqp::gpu {

/// Every warp counts, so that nobody waits for the number; the first one writes.
template <GpuTeam T, class Holds, class Put>
BPQP_HD int list_where(const T& team, int count, const Holds& holds, const Put& put) {
  const unsigned before = (1u << team.lane()) - 1;
  int found = 0;
  for (int first = 0; first < count; first += kWarp) {
    const int i = first + team.lane();
    const bool mine = i < count && holds(i);
    const unsigned votes = team.thread().ballot(mine);
    if (mine && team.warp() == 0) put(found + std::popcount(votes & before), i);
    found += std::popcount(votes);
  }
  return found;
}

}  // namespace bpqp::gpu
