/// \file
/// Lists of the indices at which something holds, in their order.
#pragma once

#include "core/team.hpp"

namespace bpqp::core {

/// put(position, i), on one lane, for every i < count where holds(i), which is the same on every
/// lane; returns how many there are. No barrier after it. (A GPU's teams have their own.)
template <Team T, class Holds, class Put>
BPQP_HD int list_where(const T& team, int count, const Holds& holds, const Put& put) {
  int found = 0;
  for (int i = 0; i < count; ++i) {
    if (!holds(i)) continue;
    if (team.rank() == 0) put(found, i);
    ++found;
  }
  return found;
}

}  // namespace bpqp::core
