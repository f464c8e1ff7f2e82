// Compiled without -fsanitize=thread, as fiber.cpp: the scheduler's own memory is shared by all
// lanes without barriers, on one thread.
#include "support/emulated_team.hpp"

#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include "support/fiber.hpp"

namespace bpqp::test {
namespace {

constexpr int kMaxLanes = 1024;

enum class LaneState { running, waiting, done };

struct Block;

/// One lane of this thread's pool: fibers are kept from run to run, because ThreadSanitizer takes
/// longer to make one than a body takes to run.
struct Lane {
  Fiber* fiber;
  Block* block;  ///< the run that it belongs to
  int rank;
  LaneState state;
  Barrier kind;
  int barriers;  ///< passed in this run
  double value;
};

thread_local Lane pool[kMaxLanes];

struct Block {
  const std::function<void(const EmulatedTeam&)>* body;
  Lane* lanes;
  int size;
  std::uint64_t random;  ///< 0: lanes in their order
  double result;
  bool abandoned;  ///< every lane still waiting must unwind its stack
  bool failed;     ///< a lane threw; `error` holds it
  std::exception_ptr error;
  // Tags of ThreadSanitizer's edges. Two for the barriers, in turn: with one, a lane that leaves
  // late would also acquire what a faster lane released at the next barrier.
  char started, finished, barrier[2];
};

struct Abandoned {};  // thrown in a waiting lane to unwind its stack

/// One lane's part of a run.
void run_lane(Lane& lane) {
  Block& block = *lane.block;
  acquire_edge(&block.started);
  try {
    (*block.body)(EmulatedTeam(lane.rank, block.size, &block));
  } catch (const Abandoned&) {
  } catch (...) {
    if (!block.failed) block.error = std::current_exception();
    block.failed = true;
  }
  release_edge(&block.finished);
  lane.state = LaneState::done;
}

void lane_main(void* argument) {
  Lane& lane = *static_cast<Lane*>(argument);
  for (;;) {
    run_lane(lane);
    give_way(lane.fiber);
  }
}

std::uint64_t next_random(std::uint64_t& state) {  // splitmix64
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Every running lane up to its next barrier or its end, in the block's order.
void advance_lanes(Block& block) {
  int order[kMaxLanes];
  int count = 0;
  for (int i = 0; i < block.size; ++i)
    if (block.lanes[i].state == LaneState::running) order[count++] = i;
  for (int i = 0; i < count; ++i) {
    if (block.random) {
      const int j = i + int(next_random(block.random) % std::uint64_t(count - i));
      const int chosen = order[j];
      order[j] = order[i];
      order[i] = chosen;
    }
    resume(block.lanes[order[i]].fiber);
    if (block.failed) return;
  }
}

double combine(Barrier kind, double a, double b) {
  switch (kind) {
    case Barrier::sum:
      return a + b;
    case Barrier::max:
      return core::nan_max(a, b);
    case Barrier::min:
      return core::nan_min(a, b);
    case Barrier::sync:
      break;
  }
  return 0;
}

/// All lanes wait in the same operation: computes its result pairwise and lets them go.
void open_barrier(Block& block) {
  double values[kMaxLanes] = {};
  for (int i = 0; i < block.size; ++i) values[i] = block.lanes[i].value;
  const Barrier kind = block.lanes[0].kind;
  for (int count = block.size; count > 1; count = (count + 1) / 2)
    for (int i = 0, half = (count + 1) / 2; i + half < count; ++i)
      values[i] = combine(kind, values[i], values[i + half]);
  block.result = values[0];
  for (int i = 0; i < block.size; ++i) block.lanes[i].state = LaneState::running;
}

int count_lanes(const Block& block, LaneState state) {
  int count = 0;
  for (int i = 0; i < block.size; ++i) count += block.lanes[i].state == state;
  return count;
}

bool same_barrier(const Block& block) {
  for (int i = 1; i < block.size; ++i)
    if (block.lanes[i].kind != block.lanes[0].kind) return false;
  return true;
}

/// "lanes 0 1 2 wait in sync() after 3 barriers; lanes 4 ... have returned"
std::string describe(const Block& block) {
  const char* names[] = {"sync()", "sum()", "max()", "min()"};
  std::string text = "barrier divergence:";
  bool told[kMaxLanes] = {};
  for (int i = 0; i < block.size; ++i) {
    if (told[i]) continue;
    const Lane& first = block.lanes[i];
    text += i == 0 ? " lanes" : "; lanes";
    int named = 0;
    for (int j = i; j < block.size; ++j) {
      const Lane& lane = block.lanes[j];
      if (lane.state != first.state) continue;
      if (lane.state == LaneState::waiting && lane.kind != first.kind) continue;
      told[j] = true;
      if (++named <= 8) text.append(" ").append(std::to_string(j));
    }
    if (named > 8) text += " ... (" + std::to_string(named) + ")";
    text += first.state == LaneState::done ? " have returned"
                                           : std::string(" wait in ") + names[int(first.kind)];
    text += " after " + std::to_string(first.barriers) + " barriers";
  }
  return text;
}

/// Unwinds the stacks of the lanes that still wait.
void abandon(Block& block) {
  block.abandoned = true;
  for (int i = 0; i < block.size; ++i)
    while (block.lanes[i].state == LaneState::waiting) resume(block.lanes[i].fiber);
}

void enlist(Block& block) {
  for (int i = 0; i < block.size; ++i) {
    Lane& lane = block.lanes[i];
    if (!lane.fiber) lane.fiber = make_fiber(lane_main, &lane);
    lane.block = &block;
    lane.rank = i;
    lane.state = LaneState::running;
    lane.barriers = 0;
  }
}

}  // namespace

void EmulatedTeam::run(
    int lanes, std::uint64_t seed, const std::function<void(const EmulatedTeam&)>& body) {
  if (lanes < 1 || lanes > kMaxLanes) throw std::invalid_argument("lanes: expected 1 ... 1024");
  // Not on this stack: tags of a later run at the same address must not meet an earlier one's.
  static thread_local Block block;
  block.body = &body;
  block.lanes = pool;
  block.size = lanes;
  block.random = seed;
  block.abandoned = false;
  block.failed = false;
  enlist(block);
  release_edge(&block.started);
  std::string divergence;
  while (count_lanes(block, LaneState::done) < lanes) {
    advance_lanes(block);
    if (block.failed) break;
    const int waiting = count_lanes(block, LaneState::waiting);
    if (waiting == lanes && same_barrier(block))
      open_barrier(block);
    else if (waiting > 0) {
      divergence = describe(block);
      break;
    }
  }
  abandon(block);
  acquire_edge(&block.finished);
  if (block.failed) std::rethrow_exception(std::exchange(block.error, nullptr));
  if (!divergence.empty()) throw BarrierDivergence(divergence);
}

double EmulatedTeam::meet(Barrier kind, double v) const {
  Block& block = *static_cast<Block*>(block_);
  Lane& lane = block.lanes[rank_];
  char* tag = &block.barrier[lane.barriers & 1];
  lane.kind = kind;
  lane.value = v;
  lane.state = LaneState::waiting;
  release_edge(tag);
  give_way(lane.fiber);
  if (block.abandoned) {
    lane.state = LaneState::running;
    throw Abandoned{};
  }
  ++lane.barriers;
  acquire_edge(tag);
  return block.result;
}

}  // namespace bpqp::test
