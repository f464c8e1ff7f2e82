#include "support/lane_scheduler.hpp"

#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "support/fiber.hpp"

namespace bpqp::test {

struct Group {
  Lane* const* lanes;
  int size;
  int waiting;
  const Operation* operation;  ///< that the first who waits is in
  bool mixed;                  ///< another waits in another one: it will never open
  unsigned barriers;           ///< operations passed that order memory
  // Tags of ThreadSanitizer's edges. Two, in turn: with one, a lane that leaves late would also
  // acquire what a faster lane released at the next barrier.
  char barrier[2];
};

/// Never freed, and its tags never move: a tag of a later run at the same address must not meet an
/// earlier one's.
struct LanePool {
  LanePool* next;  ///< in the list of idle ones
  Lane* lanes[kMaxLanes];
  Group groups[kLevels][kMaxLanes / kSmallestGroup];
  // Ready to run: a ring of as many places as lanes for seed 0, else a bag that starts at 0.
  Lane* ready[kMaxLanes];
  int first_ready, ready_count;
  const LaneRun* run;
  std::uint64_t drawn;  ///< random numbers
  int done;
  bool abandoned;  ///< every lane that has begun must unwind its stack
  bool failed;     ///< a lane threw; `error` holds it
  std::exception_ptr error;
  char started, finished;  ///< tags of edges
};

namespace {

struct Abandoned {};  // thrown in a waiting lane to unwind its stack

// Built-ins, where std::mutex would be an edge between runs that have nothing to do with one
// another.
LanePool* idle = nullptr;
bool idle_locked = false;

void lock_idle() {
  while (__atomic_test_and_set(&idle_locked, __ATOMIC_ACQUIRE)) {
  }
}

void unlock_idle() {
  __atomic_clear(&idle_locked, __ATOMIC_RELEASE);
}

/// One lane's part of a run.
void run_lane(Lane& lane) {
  LanePool& pool = *lane.pool;
  acquire_edge(&pool.started);
  try {
    pool.run->body(lane, pool.run->argument);
  } catch (const Abandoned&) {
  } catch (...) {
    if (!pool.failed) pool.error = std::current_exception();
    pool.failed = true;
  }
  release_edge(&pool.finished);
  lane.state = Lane::State::done;
  ++pool.done;
}

void lane_main(void* argument) {
  Lane& lane = *static_cast<Lane*>(argument);
  for (;;) {
    run_lane(lane);
    give_way(lane.fiber);
  }
}

void make_ready(LanePool& pool, Lane* lane) {
  int place = pool.first_ready + pool.ready_count++;
  if (place >= pool.run->lanes) place -= pool.run->lanes;
  pool.ready[place] = lane;
}

Lane* take_ready(LanePool& pool) {
  const int count = pool.ready_count--;
  if (pool.run->seed != 0) {
    const auto chosen = random_number(pool.run->seed, pool.drawn++) % std::uint64_t(count);
    Lane* lane = pool.ready[chosen];
    pool.ready[chosen] = pool.ready[count - 1];
    return lane;
  }
  Lane* lane = pool.ready[pool.first_ready++];
  if (pool.first_ready == pool.run->lanes) pool.first_ready = 0;
  return lane;
}

/// All lanes wait in the same operation: computes its results and lets them go.
void open_group(LanePool& pool, Group& group) {
  if (group.operation->exchange) group.operation->exchange(group.lanes, group.size);
  group.barriers += group.operation->orders_memory;
  group.waiting = 0;
  for (int i = 0; i < group.size; ++i) {
    group.lanes[i]->state = Lane::State::ready;
    make_ready(pool, group.lanes[i]);
  }
}

/// A lane of the group waits in the operation. Lanes leave a group only all together, so counting
/// them suffices.
void arrive(LanePool& pool, Group& group, const Operation& operation) {
  if (group.waiting++ == 0) {
    group.operation = &operation;
    group.mixed = false;
  }
  group.mixed |= group.operation != &operation;
  if (group.waiting == group.size && !group.mixed) open_group(pool, group);
}

bool alike(const Lane& a, const Lane& b) {
  return a.state == b.state && a.passed == b.passed &&
         (a.state == Lane::State::done || a.operation == b.operation);
}

/// " lanes 0 1 2 wait in sync() after 3 barriers; lanes 4 ... have returned after 3 barriers"
std::string describe(Lane* const* lanes, int count) {
  std::string text;
  std::vector<char> told(std::size_t(count), 0);
  for (int i = 0; i < count; ++i) {
    if (told[std::size_t(i)]) continue;
    const Lane& first = *lanes[i];
    text += i == 0 ? " lanes" : "; lanes";
    int named = 0;
    for (int j = i; j < count; ++j) {
      if (!alike(*lanes[j], first)) continue;
      told[std::size_t(j)] = 1;
      if (++named <= 8) text.append(" ").append(std::to_string(j));
    }
    if (named > 8) text += " ... (" + std::to_string(named) + ")";
    text += first.state == Lane::State::done ? " have returned"
                                             : std::string(" wait in ") + first.operation->name;
    text += " after " + std::to_string(first.passed) + " barriers";
  }
  return text;
}

/// The lanes of all blocks, when none may run.
std::string describe(const LanePool& pool) {
  const LaneRun& run = *pool.run;
  const std::string text = "barrier divergence:";
  if (run.lanes_per_block == 0) return text + describe(pool.lanes, run.lanes);
  std::string blocks;
  for (int b = 0; b * run.lanes_per_block < run.lanes; ++b) {
    if (b > 0) blocks += ";";
    blocks += " block " + std::to_string(run.first_block + b) + ":";
    blocks += describe(pool.lanes + b * run.lanes_per_block, run.lanes_per_block);
  }
  return text + blocks;
}

/// Unwinds the stacks of the lanes that have begun.
void abandon(LanePool& pool) {
  pool.abandoned = true;
  for (int i = 0; i < pool.run->lanes; ++i) {
    Lane& lane = *pool.lanes[i];
    if (lane.state != Lane::State::fresh && lane.state != Lane::State::done) resume(lane.fiber);
  }
}

/// Fibers for the lanes, in blocks of memory that lie together.
void make_lanes(LanePool& pool, int count) {
  constexpr int kTogether = 32;
  for (int i = 0; i < count; i += kTogether) {
    if (pool.lanes[i]) continue;
    auto* lanes = static_cast<Lane*>(std::calloc(kTogether, sizeof(Lane)));
    if (!lanes) std::abort();
    for (int j = 0; j < kTogether; ++j) {
      lanes[j].pool = &pool;
      lanes[j].fiber = make_fiber(lane_main, &lanes[j]);
      pool.lanes[i + j] = &lanes[j];
    }
  }
}

void enlist(LanePool& pool, const LaneRun& run) {
  make_lanes(pool, run.lanes);
  pool.run = &run;
  pool.drawn = 0;
  pool.first_ready = pool.ready_count = pool.done = 0;
  pool.abandoned = pool.failed = false;
  for (int i = 0; i < run.lanes; ++i) {
    Lane& lane = *pool.lanes[i];
    lane.rank = i;
    lane.state = Lane::State::fresh;
    lane.passed = 0;
    for (int level = 0; level < kLevels; ++level) {
      const int size = run.group_sizes[level];
      lane.groups[level] = size > 0 ? &pool.groups[level][i / size] : nullptr;
      if (size == 0 || i % size != 0) continue;
      Group& group = *lane.groups[level];
      group.lanes = pool.lanes + i;
      group.size = size;
      group.waiting = 0;
    }
    make_ready(pool, &lane);
  }
}

}  // namespace

std::uint64_t random_number(std::uint64_t seed, std::uint64_t i) {
  std::uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void meet(Lane& lane, int level, const Operation& operation) {
  LanePool& pool = *lane.pool;
  if (pool.abandoned) throw Abandoned{};
  Group& group = *lane.groups[level];
  char* tag = &group.barrier[group.barriers & 1];
  lane.operation = &operation;
  lane.state = Lane::State::waiting;
  if (operation.orders_memory) release_edge(tag);
  arrive(pool, group, operation);
  give_way(lane.fiber);
  if (pool.abandoned) throw Abandoned{};
  lane.state = Lane::State::running;
  ++lane.passed;
  if (operation.orders_memory) acquire_edge(tag);
}

LaneScheduler::LaneScheduler() {
  lock_idle();
  pool_ = idle;
  if (pool_) idle = pool_->next;
  unlock_idle();
  if (!pool_) pool_ = new LanePool{};
}

LaneScheduler::~LaneScheduler() {
  lock_idle();
  pool_->next = idle;
  idle = pool_;
  unlock_idle();
}

void LaneScheduler::run(const LaneRun& run) {
  LanePool& pool = *pool_;
  enlist(pool, run);
  release_edge(&pool.started);
  while (pool.ready_count > 0 && !pool.failed) {
    Lane* lane = take_ready(pool);
    lane->state = Lane::State::running;
    resume(lane->fiber);
  }
  std::string divergence;
  if (!pool.failed && pool.done < run.lanes) divergence = describe(pool);
  abandon(pool);
  acquire_edge(&pool.finished);
  if (pool.failed) {
    const std::exception_ptr error = pool.error;
    pool.error = nullptr;
    std::rethrow_exception(error);
  }
  if (!divergence.empty()) throw BarrierDivergence(divergence);
}

}  // namespace bpqp::test
