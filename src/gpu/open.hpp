/// \file
/// A problem's memory on a team: what it has in its slot, and arrays in shared memory as far as
/// there is room.
#pragma once

#include <cstring>
#include <type_traits>

#include "core/steps.hpp"
#include "gpu/block_copy.hpp"

namespace bpqp::gpu {

/// Which scratch memory a kernel needs.
enum class Needs : int {
  vectors = 0,  ///< of the passes and of the adjoint
  everything    ///< ADMM and the interior point method
};

BPQP_HD inline core::Work lay_out_work(core::Arena& arena, int n, int m, Needs needs) {
  const bool everything = needs == Needs::everything;
  return core::Work::lay_out(arena, n, m, everything, everything);
}

/// The scratch memory of a team; `single`: of a batch whose data are float.
BPQP_HD inline void lay_out_scratch(
    core::Arena& arena, int n, int m, Needs needs, bool single, core::Work& work, WideData& wide) {
  work = lay_out_work(arena, n, m, needs);
  if (single) wide = WideData::lay_out(arena, n, m);
}

/// v [count] in double; null stays null.
template <core::Team T>
BPQP_HD const double* widened(const T& team, const float* v, std::size_t count, double* to) {
  if (!v) return nullptr;
  for (int i : team.items(int(count))) to[i] = double(v[i]);
  return to;
}

/// Problem b in double. P and A that the batch shares are those of `copy` where it has them, and
/// are never widened for a problem.
template <core::Team T>
BPQP_STAGE core::ProblemView<double> open_problem(
    const T& team,
    const Batch& batch,
    int b,
    const WideData& wide,
    const BlockCopy* copy = nullptr) {
  const double *P = copy ? copy->P : nullptr, *A = copy ? copy->A : nullptr;
  core::ProblemView<double> view{batch.n, batch.m};
  if (!batch.single) {
    view = batch.problem<double>(b);
    if (P) view.P = P;
    if (A) view.A = A;
    return view;
  }
  if (batch.shared) {
    if (!P && batch.P.data) P = batch.memory.wide_P;
    if (!A) A = batch.memory.wide_A;
  }
  const core::ProblemView<float> p = batch.problem<float>(b);
  const std::size_t N = p.n, M = p.m;
  view.P = P ? P : widened(team, p.P, N * N, wide.P);
  view.q = widened(team, p.q, N, wide.q);
  view.A = A ? A : widened(team, p.A, M * N, wide.A);
  view.l = widened(team, p.l, M, wide.l);
  view.u = widened(team, p.u, M, wide.u);
  view.cones = p.cones;
  team.sync();
  return view;
}

/// `to` becomes `from`, by all lanes: a slot is many words.
template <GpuTeam T, class V>
BPQP_STAGE void copy_whole(const T& team, const V& from, V& to) {
  static_assert(std::is_trivially_copyable_v<V> && sizeof(V) % sizeof(double) == 0);
  team.sync();
  const char* const source = reinterpret_cast<const char*>(&from);
  char* const target = reinterpret_cast<char*>(&to);
  for (int i : team.items(int(sizeof(V) / sizeof(double))))
    std::memcpy(target + i * sizeof(double), source + i * sizeof(double), sizeof(double));
  team.sync();
}

/// The team's scratch, in fast memory as far as there is room, of which it returns the bytes that
/// it took.
template <GpuTeam T, class Layout>
BPQP_STAGE std::size_t open_work(
    const T& team, const Batch& batch, const Place<Layout>& place, Needs needs) {
  core::Arena scratch(place.scratch, place.fast, batch.memory.fast_bytes);
  core::Work work;
  WideData wide;
  lay_out_scratch(scratch, batch.n, batch.m, needs, batch.single, work, wide);
  if (team.rank() == 0) place.shared->work = work, place.shared->wide = wide;
  team.sync();
  return scratch.fast_bytes();
}

/// The arrays that solve_plain() works on move to fast memory as far as there is room, what is used
/// most first. The arena has no other.
BPQP_HD inline void use_fast_memory(
    core::Arena& fast, int n, int m, bool factors, core::Slot& slot) {
  const std::size_t N = n, M = m, k = slot.set.capacity;
  seek_room(fast, slot.x, N);
  seek_room(fast, slot.y, M);
  seek_room(fast, slot.set.list, k);
  seek_room(fast, slot.set.side, M);
  seek_room(fast, slot.set.y, M);
  seek_room(fast, slot.set.change, M);
  seek_room(fast, slot.set.L, k * k);
  if (!factors) return;
  seek_room(fast, slot.own.scaling.D, N);
  seek_room(fast, slot.own.scaling.E, M);
  if (slot.own.S) seek_room(fast, slot.own.S, M * M);
  seek_room(fast, slot.own.L, N * N);
  seek_room(fast, slot.own.Y, N * M);
}

/// from [count] to another place, if it is another.
template <core::Team T, class V>
BPQP_HD void copy_array(const T& team, const V* from, V* to, std::size_t count) {
  if (from == to) return;
  for (int i : team.items(int(count))) to[i] = from[i];
}

/// What derivatives and later solves need of a slot's arrays, to where the slot `to` has them.
template <core::Team T>
BPQP_STAGE void copy_arrays(
    const T& team, const core::Slot& from, const core::Slot& to, int n, int m, bool factors) {
  const std::size_t N = n, M = m;
  if (factors) {
    copy_array(team, from.own.scaling.D, to.own.scaling.D, N);
    copy_array(team, from.own.scaling.E, to.own.scaling.E, M);
    copy_array(team, from.own.L, to.own.L, N * N);
    copy_array(team, from.own.Y, to.own.Y, N * M);
    if (from.own.S) copy_array(team, from.own.S, to.own.S, M * M);
  }
  const core::WorkingSet<double>& set = from.set;
  copy_array(team, set.list, to.set.list, set.size);
  copy_array(team, set.side, to.set.side, M);
  copy_array(team, set.y, to.set.y, M);
  copy_array(team, set.L, to.set.L, std::size_t(set.size) * std::size_t(set.capacity));
  copy_array(team, from.x, to.x, N);
  copy_array(team, from.y, to.y, M);
  team.sync();
}

/// The slot `from`, back with the arrays of `place`.
BPQP_HD inline core::Slot moved(core::Slot from, const core::Slot& place) {
  const core::CondenseReport report = from.own.report;
  from.own = place.own;
  from.own.report = report;
  const int size = from.set.size;
  const bool least_norm = from.set.least_norm;
  from.set = place.set;
  from.set.size = size, from.set.least_norm = least_norm;
  from.x = place.x, from.y = place.y;
  return from;
}

}  // namespace bpqp::gpu
