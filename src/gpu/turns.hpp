/// \file
/// How the teams of a kernel take problem after problem from a queue until it is empty.
#pragma once

#include "gpu/place.hpp"

namespace bpqp::gpu {

/// The problem at a place of the queue; -1: there is none.
BPQP_HD inline int problem_at(const Queue& queue, int place) {
  const int count = queue.size ? *queue.size : queue.count;
  return place >= count ? -1 : queue.items ? queue.items[place] : place;
}

/// The next problem for the team; -1: there is none.
template <GpuTeam T>
BPQP_STAGE int take_next(const T& team, const Queue& queue) {
  double turn = -1;
  if (team.rank() == 0) turn = team.thread().fetch_add(queue.next, 1);
  return problem_at(queue, int(team.max(turn)));
}

/// The problems of one team:
///
///   for (Turns turns(team, queue, place); turns.more();)
///     if (const int b = turns.problem(); b >= 0) ...
///
/// The teams of a block of several begin theirs together, so that one reading of the code serves
/// them all: a team's way through a problem is longer than the instruction cache (on an H100 teams
/// that began when they liked spent 78 % of their time waiting for instructions).
template <class Layout, GpuTeam T>
class Turns {
 public:
  BPQP_HD Turns(const T& team, const Queue& queue, const Place<Layout>& place)
      : team_(team), queue_(queue), taken_(place.taken) {}

  BPQP_HD bool more() {
    if constexpr (Layout::kTeams == 1) {
      problem_ = take_next(team_, queue_);
      return problem_ >= 0;
    } else {
      // Two places by turns: nobody writes to one before all have read what was there.
      int* const first = taken_ + turn_;
      turn_ = 1 - turn_;
      const int thread = team_.thread().index();
      if (thread == 0) *first = team_.thread().fetch_add(queue_.next, queue_.each);
      team_.thread().sync_block();
      const int own = thread / kWarp;
      problem_ = own < queue_.each ? problem_at(queue_, *first + own) : -1;
      return problem_at(queue_, *first) >= 0;
    }
  }
  /// -1: none this time.
  BPQP_HD int problem() const { return problem_; }

 private:
  const T& team_;
  const Queue& queue_;
  int* taken_;
  int turn_ = 0, problem_ = -1;
};

}  // namespace bpqp::gpu
