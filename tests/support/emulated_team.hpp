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
#include <stdexcept>

#include "core/lanes.hpp"

namespace bpqp::test {

/// Lanes wait for one another that will never meet; the message says which wait where.
class BarrierDivergence : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Which operation a lane waits in.
enum class Barrier : int { sync = 0, sum, max, min };

class EmulatedTeam {
 public:
  /// Runs body on `lanes` lanes (1 ... 1024) on the calling thread. An exception of a lane ends all
  /// lanes (their stacks are unwound) and is thrown on. Not to be nested.
  static void run(
      int lanes, std::uint64_t seed, const std::function<void(const EmulatedTeam&)>& body);

  int rank() const { return rank_; }
  int size() const { return size_; }
  core::StridedRange items(int n) const { return {rank_, size_, n}; }
  void sync() const { meet(Barrier::sync, 0); }
  /// Pairwise over the lanes, as a block's reduction tree.
  double sum(double v) const { return meet(Barrier::sum, v); }
  double max(double v) const { return meet(Barrier::max, v); }
  double min(double v) const { return meet(Barrier::min, v); }

  EmulatedTeam(int rank, int size, void* block) : rank_(rank), size_(size), block_(block) {}

 private:
  double meet(Barrier kind, double v) const;

  int rank_;
  int size_;
  void* block_;  ///< the scheduler's state of this run
};

static_assert(core::Team<EmulatedTeam>);

}  // namespace bpqp::test
