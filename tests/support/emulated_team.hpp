/// \file
/// EmulatedTeam: a GPU block on the host, one fiber per lane, so that tests execute the very code
/// of src/core that a GPU will.
///
///   EmulatedTeam::run(128, seed, [&](const EmulatedTeam& team) { body(team, ...); });
///
/// A lane runs until its next barrier (sync, sum, max, min), then another lane is chosen: in their
/// order for seed 0, else at random from the seed, so a run can be repeated. Divergence is found
/// exactly: if lanes wait at different kinds of barriers, or some wait where others have returned,
/// run throws BarrierDivergence. A missing barrier is found under ThreadSanitizer: fibers are
/// threads to it, and only barriers order their accesses.
#pragma once

#include <cstdint>
#include <functional>

#include "core/lanes.hpp"
#include "support/lane_scheduler.hpp"

namespace bpqp::test {

class EmulatedTeam {
 public:
  /// Runs body on `lanes` lanes (1 ... 1024) on the calling thread. An exception of a lane ends all
  /// lanes (their stacks are unwound) and is thrown on. Not to be nested.
  static void run(
      int lanes, std::uint64_t seed, const std::function<void(const EmulatedTeam&)>& body);

  int rank() const { return rank_; }
  int size() const { return size_; }
  core::StridedRange items(int n) const { return {rank_, size_, n}; }
  void sync() const;
  /// Pairwise over the lanes, as a block's reduction tree.
  double sum(double v) const;
  double max(double v) const;
  double min(double v) const;

  EmulatedTeam(int rank, int size, Lane* lane) : rank_(rank), size_(size), lane_(lane) {}

 private:
  int rank_;
  int size_;
  Lane* lane_;  ///< the scheduler's
};

static_assert(core::Team<EmulatedTeam>);

}  // namespace bpqp::test
