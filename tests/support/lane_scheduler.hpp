/// \file
/// Lanes: fibers that wait for one another in groups, scheduled on one thread by a seed. What
/// EmulatedTeam and EmulatedThread are made of.
///
/// A group opens when all its lanes wait in the same operation on it. A lane runs until it waits;
/// then another that may run is chosen: the one ready for longest for seed 0, else at random from
/// the seed. When none may run and some wait, they never will: BarrierDivergence.
///
/// The .cpp is compiled without -fsanitize=thread, as fiber.cpp: the scheduler's own memory is
/// shared by all lanes without barriers, on one thread. ThreadSanitizer sees the order that
/// operations with `orders_memory` make, and that the lanes run between the start and the end of a
/// run.
#pragma once

#include <cstdint>
#include <stdexcept>

namespace bpqp::test {

struct Fiber;
struct Group;
struct LanePool;
struct Lane;

/// Lanes wait for one another that will never meet; the message says which wait where.
class BarrierDivergence : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What lanes meet in.
struct Operation {
  const char* name;    ///< for messages
  bool orders_memory;  ///< what a lane of the group wrote before is visible after to all
  /// When all `count` lanes are there: makes their `taken` from their `given`. Null: nothing.
  void (*exchange)(Lane* const* lanes, int count);
};

constexpr int kMaxLanes = 1 << 14;  ///< of a run: a cluster of 16 blocks of 1024
constexpr int kLevels = 3;          ///< sizes of groups
constexpr int kSmallestGroup = 32;  ///< unless it is the only one of its level

struct Lane {
  int rank;         ///< in the run
  double given[4];  ///< to the operation that it waits in
  int source;       ///< likewise: whose value it asks for
  double taken[2];  ///< from that operation

  // The scheduler's.
  enum class State { fresh, running, waiting, ready, done } state;
  int passed;  ///< operations
  const Operation* operation;
  Group* groups[kLevels];
  Fiber* fiber;
  LanePool* pool;
};

/// Number i of the seed's sequence (splitmix64).
std::uint64_t random_number(std::uint64_t seed, std::uint64_t i);

/// Called on a lane: waits until all lanes of its group at this level wait in the operation.
void meet(Lane& lane, int level, const Operation& operation);

struct LaneRun {
  int lanes;
  int group_sizes[kLevels];  ///< lanes in turn, as many to a group; 0: no such level
  std::uint64_t seed;
  void (*body)(Lane& lane, void* argument);
  void* argument;
  /// For messages: lanes are named by block and rank in it, from this block on; 0: no blocks.
  int lanes_per_block, first_block;
};

/// A pool of fibers, and the memory to schedule them in. Pools are kept for later: ThreadSanitizer
/// takes longer to make a fiber than a body takes to run. Not bound to a thread.
class LaneScheduler {
 public:
  LaneScheduler();
  ~LaneScheduler();
  LaneScheduler(const LaneScheduler&) = delete;
  LaneScheduler& operator=(const LaneScheduler&) = delete;

  /// Runs the body on all lanes. An exception of a lane ends all lanes (their stacks are unwound)
  /// and is thrown on.
  void run(const LaneRun& run);

 private:
  LanePool* pool_;
};

}  // namespace bpqp::test
