/// \file
/// PackKernels (backend.hpp): core/lockstep.hpp over PackTeam, from the user's arrays to the slots.
#pragma once

#include <array>

#include "core/lockstep.hpp"
#include "core/lockstep_kkt.hpp"
#include "core/vectors.hpp"
#include "cpu/backend.hpp"
#include "cpu/pack_data.hpp"
#include "cpu/pack_dense.hpp"

namespace bpqp::cpu {

/// What a pack keeps from solve to the derivatives.
struct PackSlot {
  core::Condensed<Pack> c;
  core::WorkingSet<Pack> set;
  int* size = nullptr;  ///< [1] of the set

  static PackSlot lay_out(core::Arena& arena, int n, int m) {
    PackSlot s;
    s.c = core::Condensed<Pack>::lay_out(arena, n, m);
    s.set = core::WorkingSet<Pack>::lay_out(arena, n, m);
    s.size = arena.take<int>(1);
    return s;
  }
};

/// Scratch of one thread: the data, the point, the right-hand sides and what the core wants.
struct PackWork {
  Pack *P = nullptr, *q = nullptr, *A = nullptr, *l = nullptr, *u = nullptr;
  Pack *x = nullptr, *y = nullptr, *w = nullptr, *d = nullptr, *g_x = nullptr, *g_y = nullptr;
  core::ForwardWork<Pack> forward;

  static PackWork lay_out(core::Arena& arena, int n, int m) {
    PackWork s;
    s.P = arena.take<Pack>(std::size_t(n) * std::size_t(n));
    s.A = arena.take<Pack>(std::size_t(n) * std::size_t(m));
    for (Pack** vector : {&s.q, &s.x, &s.w, &s.g_x}) *vector = arena.take<Pack>(std::size_t(n));
    for (Pack** vector : {&s.l, &s.u, &s.y, &s.d, &s.g_y})
      *vector = arena.take<Pack>(std::size_t(m));
    s.forward = core::ForwardWork<Pack>::lay_out(arena, n, m, false);
    return s;
  }
};

template <class Layout>
std::size_t bytes_of(int n, int m) {
  core::Arena count(nullptr);
  Layout::lay_out(count, n, m);
  return count.bytes();
}
template <class Layout>
Layout layout_at(void* memory, int n, int m) {
  core::Arena arena(memory);
  return Layout::lay_out(arena, n, m);
}

inline constexpr int kLanes = Pack::kLanes;

/// packs[i] = member(lane)[i] of the lanes; in those that have no problem, what the first has.
template <class Member>
void load_lanes(unsigned lanes, const Member& member, std::size_t count, Pack* packs) {
  if (count == 0) return;
  int first = 0;
  while (!(lanes >> first & 1)) ++first;
  std::array<decltype(member(0)), kLanes> arrays;
  for (int k = 0; k < kLanes; ++k) arrays[std::size_t(k)] = member(lanes >> k & 1 ? k : first);
  load_packs(arrays.data(), count, packs);
}

/// member(lane)[i] = packs[i] of the lanes.
template <class Member>
void store_lanes(unsigned lanes, const Pack* packs, std::size_t count, const Member& member) {
  std::array<double*, kLanes> arrays;
  for (int k = 0; k < kLanes; ++k) arrays[std::size_t(k)] = lanes >> k & 1 ? member(k) : nullptr;
  store_packs(packs, count, arrays.data());
}

/// P and A of the lanes into work.
template <class D>
void load_matrices(const core::ProblemView<D>* problems, unsigned lanes, const PackWork& work) {
  const std::size_t n = std::size_t(problems[0].n), m = std::size_t(problems[0].m);
  load_lanes(
      lanes, [&](int k) { return problems[k].P; }, n * n, work.P);
  load_lanes(
      lanes, [&](int k) { return problems[k].A; }, m * n, work.A);
}

/// q, l, u of the lanes into work, and the start (zero without one).
template <class D>
void load_vectors(
    const core::ProblemView<D>* problems,
    Slot* const* slots,
    unsigned lanes,
    const PackWork& work) {
  const std::size_t n = std::size_t(problems[0].n), m = std::size_t(problems[0].m);
  load_lanes(
      lanes, [&](int k) { return problems[k].q; }, n, work.q);
  load_lanes(
      lanes, [&](int k) { return problems[k].l; }, m, work.l);
  load_lanes(
      lanes, [&](int k) { return problems[k].u; }, m, work.u);
  unsigned warm = 0;
  for (int k = 0; k < kLanes; ++k) warm |= unsigned(lanes >> k & 1 && slots[k]->warm) << k;
  if (warm != 0) {
    load_lanes(
        lanes, [&](int k) { return (const double*)slots[k]->x; }, n, work.x);
    load_lanes(
        lanes, [&](int k) { return (const double*)slots[k]->y; }, m, work.y);
  }
  const PackMask started = PackMask::of(warm);
  const auto start_at = [&](Pack* v, std::size_t count) {  // + 0: a step of 0 would change a -0
    for (std::size_t i = 0; i < count; ++i) v[i] = select(started, v[i], Pack(0.0)) + Pack(0.0);
  };
  start_at(work.x, n);
  start_at(work.y, m);
}

/// The problem that the core sees.
inline core::ProblemView<Pack> view_of(const PackWork& w, int n, int m) {
  return {n, m, w.P, w.q, w.A, w.l, w.u};
}

inline core::Residuals residuals_of(const core::ResidualsOf<Pack>& r, int lane) {
  return {lane_of(r.primal, lane),       lane_of(r.dual, lane),       lane_of(r.gap, lane),
          lane_of(r.primal_scale, lane), lane_of(r.dual_scale, lane), lane_of(r.gap_scale, lane),
          lane_of(r.objective, lane)};
}

/// Report and sides of a lane into its slot; false if its residuals do not count as solved.
inline bool report_lane(
    const core::LockstepReport<Pack>& report,
    const core::WorkingSet<Pack>& set,
    const core::ForwardOptions& options,
    int lane,
    int m,
    Slot& slot) {
  const core::ForwardReport r = core::lane_report(
      residuals_of(report.residuals, lane), lane_of(report.exchanges, lane),
      report.differentiable.bits() >> lane & 1, options);
  if (r.status != Status::solved) return false;
  slot.report = r;
  slot.smoothed = false;
  ++slot.solves;
  for (int i = 0; i < m; ++i) slot.set.side[i] = (signed char)(lane_of(set.side[i], lane));
  return true;
}

/// Solutions of the lanes into their slots; sides and reports where they count as solved.
inline unsigned write_solutions(
    const core::LockstepReport<Pack>& report,
    const core::WorkingSet<Pack>& set,
    const core::ForwardOptions& options,
    const PackWork& work,
    int n,
    int m,
    Slot* const* slots) {
  unsigned plain = report.plain.bits();
  for (int k = 0; k < kLanes; ++k)
    if (plain >> k & 1 && !report_lane(report, set, options, k, m, *slots[k])) plain &= ~(1u << k);
  store_lanes(plain, work.x, std::size_t(n), [&](int k) { return slots[k]->x; });
  store_lanes(plain, work.y, std::size_t(m), [&](int k) { return slots[k]->y; });
  return plain;
}

template <class D>
unsigned solve_pack(
    const core::ProblemView<D>* problems,
    Slot* const* slots,
    unsigned lanes,
    bool factored,
    const core::ForwardOptions& options,
    void* pack_memory,
    void* work_memory) {
  const int n = problems[0].n, m = problems[0].m;
  const PackTeam team;
  PackSlot pack = layout_at<PackSlot>(pack_memory, n, m);
  const PackWork work = layout_at<PackWork>(work_memory, n, m);
  load_matrices(problems, lanes, work);
  load_vectors(problems, slots, lanes, work);
  const core::ProblemView<Pack> p = view_of(work, n, m);
  const auto faults = core::find_faults(team, p);
  PackMask plain = PackMask::of(lanes) & !(faults.invalid | faults.crossed);
  if (!factored)
    plain = plain &
            core::condense_lanes(team, p, options.scaling, pack.c, work.forward.v, work.forward.h);
  if (!any(plain)) return 0;
  pack.c.report.outcome = core::Condensing::done;
  core::Lockstep<Pack, Pack, PackTeam> lockstep(core::ForwardTask<Pack, Pack, PackTeam>{
      team, p, options, pack.c, pack.set, work.forward, work.x, work.y});
  const core::LockstepReport<Pack> report = lockstep.run(plain);
  *pack.size = pack.set.size;
  return write_solutions(report, pack.set, options, work, n, m, slots);
}

template <class D>
unsigned adjoint_pack(
    const core::ProblemView<D>* problems,
    Slot* const* slots,
    unsigned lanes,
    const D* const* g_x,
    const D* const* g_y,
    void* pack_memory,
    void* work_memory) {
  const int n = problems[0].n, m = problems[0].m;
  const PackTeam team;
  PackSlot pack = layout_at<PackSlot>(pack_memory, n, m);
  pack.set.size = *pack.size;
  const PackWork work = layout_at<PackWork>(work_memory, n, m);
  load_matrices(problems, lanes, work);
  if (g_x)
    load_lanes(
        lanes, [&](int k) { return g_x[k]; }, std::size_t(n), work.g_x);
  if (g_y)
    load_lanes(
        lanes, [&](int k) { return g_y[k]; }, std::size_t(m), work.g_y);
  const auto report = core::kkt_solve_lanes(
      team, view_of(work, n, m), pack.c, pack.set, PackMask::of(lanes), g_x ? work.g_x : nullptr,
      g_y ? work.g_y : nullptr, work.forward.v, work.w, work.d, work.forward.kkt);
  const unsigned ended = report.ended.bits();
  for (int k = 0; k < kLanes; ++k)
    if (ended >> k & 1) slots[k]->backward_residual = lane_of(report.residual, k);
  store_lanes(ended, work.w, std::size_t(n), [&](int k) { return slots[k]->w; });
  store_lanes(ended, work.d, std::size_t(m), [&](int k) { return slots[k]->d; });
  return ended;
}

/// The lane's numbers of an array of packs.
inline void copy_lane(const Pack* packs, std::size_t count, int lane, double* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = lane_of(packs[i], lane);
}

inline void unpack(int n, int m, int lane, void* pack_memory, Slot& slot) {
  const PackSlot pack = layout_at<PackSlot>(pack_memory, n, m);
  const std::size_t N = std::size_t(n), M = std::size_t(m);
  copy_lane(pack.c.scaling.D, N, lane, slot.own.scaling.D);
  copy_lane(pack.c.scaling.E, M, lane, slot.own.scaling.E);
  copy_lane(pack.c.L, N * N, lane, slot.own.L);
  copy_lane(pack.c.Y, N * M, lane, slot.own.Y);
  if (slot.own.S) copy_lane(pack.c.S, M * M, lane, slot.own.S);
  slot.own.report = {};
  slot.own.report.outcome = core::Condensing::done;
  slot.used = slot.own;
  core::WorkingSet<double>& set = slot.set;
  copy_lane(pack.set.y, M, lane, set.y);
  set.least_norm = false;
  set.size = 0;
  int from[kMostPackedRows];
  for (int j = 0; j < *pack.size; ++j) {
    const int row = pack.set.list[j];
    if (lane_of(pack.set.side[row], lane) == 0) continue;
    from[set.size] = j;
    set.list[set.size++] = row;
  }
  for (int j = 0; j < set.size; ++j)
    for (int i = j; i < set.size; ++i)
      set.factor(i, j) = lane_of(pack.set.factor(from[i], from[j]), lane);
}

template <class D>
constexpr PackKernels<D> kPackKernels = {kLanes,        bytes_of<PackSlot>, bytes_of<PackWork>,
                                         solve_pack<D>, adjoint_pack<D>,    unpack};

}  // namespace bpqp::cpu
