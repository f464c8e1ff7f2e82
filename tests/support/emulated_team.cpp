// Compiled without -fsanitize=thread, as lane_scheduler.cpp: a lane's reduction reads what the
// others gave without a barrier.
#include "support/emulated_team.hpp"

#include <stdexcept>

namespace bpqp::test {
namespace {

constexpr int kLargestTeam = 1024;

/// Pairwise over the lanes.
template <class Combine>
void reduce(Lane* const* lanes, int count, const Combine& combine) {
  double values[kLargestTeam];
  for (int i = 0; i < count; ++i) values[i] = lanes[i]->given[0];
  for (int left = count; left > 1; left = (left + 1) / 2)
    for (int i = 0, half = (left + 1) / 2; i + half < left; ++i)
      values[i] = combine(values[i], values[i + half]);
  for (int i = 0; i < count; ++i) lanes[i]->taken[0] = values[0];
}

void add(Lane* const* lanes, int count) {
  reduce(lanes, count, [](double a, double b) { return a + b; });
}

void take_max(Lane* const* lanes, int count) {
  reduce(lanes, count, [](double a, double b) { return core::nan_max(a, b); });
}

void take_min(Lane* const* lanes, int count) {
  reduce(lanes, count, [](double a, double b) { return core::nan_min(a, b); });
}

constexpr Operation kSync{"sync()", true, nullptr};
constexpr Operation kSum{"sum()", true, add};
constexpr Operation kMax{"max()", true, take_max};
constexpr Operation kMin{"min()", true, take_min};

double meet_with(Lane& lane, const Operation& operation, double v) {
  lane.given[0] = v;
  meet(lane, 0, operation);
  return lane.taken[0];
}

}  // namespace

void EmulatedTeam::run(
    int lanes, std::uint64_t seed, const std::function<void(const EmulatedTeam&)>& body) {
  if (lanes < 1 || lanes > kLargestTeam) throw std::invalid_argument("lanes: expected 1 ... 1024");
  struct Part {
    const std::function<void(const EmulatedTeam&)>& body;
    int lanes;
  } part{body, lanes};
  const auto run_lane = [](Lane& lane, void* argument) {
    const Part& p = *static_cast<const Part*>(argument);
    p.body(EmulatedTeam(lane.rank, p.lanes, &lane));
  };
  LaneScheduler scheduler;
  scheduler.run({lanes, {lanes, 0, 0}, seed, run_lane, &part, 0, 0});
}

void EmulatedTeam::sync() const {
  meet(*lane_, 0, kSync);
}

double EmulatedTeam::sum(double v) const {
  return meet_with(*lane_, kSum, v);
}

double EmulatedTeam::max(double v) const {
  return meet_with(*lane_, kMax, v);
}

double EmulatedTeam::min(double v) const {
  return meet_with(*lane_, kMin, v);
}

}  // namespace bpqp::test
