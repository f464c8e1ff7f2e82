/// \file
/// BlockCopy: what a block keeps in shared memory of the matrices that a batch shares. Its teams
/// read them for problem after problem; so they are read from the device's memory once for each
/// block, when its kernel starts.
///
/// A copy is gone with its kernel: what a slot keeps for later calls points to the device's memory.
#pragma once

#include "gpu/place.hpp"

namespace bpqp::gpu {

/// What the teams of a kernel compute, and so which matrices they read.
enum class Reads : int {
  solve = 0,  ///< all
  adjoint     ///< all but S
};

struct alignas(core::Arena::kAlign) BlockCopy {
  core::Condensed<double> factors;  ///< arrays that are not copied are the batch's own
  double* P = nullptr;              ///< [n x n] in double; null: not copied
  double* A = nullptr;              ///< [m x n] likewise
};

/// v [count] moves to fast memory if there is room.
template <class V>
BPQP_HD void seek_room(core::Arena& fast, V*& v, std::size_t count) {
  V* const place = fast.take<V>(count);
  if (place) v = place;
}

/// visit(name, array, entries) in the order in which arrays get room: S is read in every round of
/// exchange, L in chains of steps that each wait for an entry, Y and A twice in a pass, P once.
template <class Visit>
BPQP_HD void for_copied(int n, int m, Reads reads, BlockCopy& copy, const Visit& visit) {
  const std::size_t N = n, M = m;
  core::Condensed<double>& c = copy.factors;
  visit("D", c.scaling.D, N);
  visit("E", c.scaling.E, M);
  if (reads == Reads::solve && core::wants_z_form(n, m)) visit("S", c.S, M * M);
  visit("L", c.L, N * N);
  visit("Y", c.Y, N * M);
  visit("A", copy.A, M * N);
  visit("P", copy.P, N * N);
}

/// `from` [count] to another place, by all threads of the block; nothing if either is null or they
/// are the same. Of a matrix [order x order] with order > 0 only the lower triangle.
template <class Layout, Thread H, class D>
BPQP_HD void copy_entries(
    const H& thread,
    const D* __restrict__ from,
    double* __restrict__ to,
    std::size_t count,
    int order = 0) {
  if (!from || !to || static_cast<const void*>(from) == to) return;
  for (int i = thread.index(); i < int(count); i += Layout::kThreads)
    if (order == 0 || i % order >= i / order) to[i] = double(from[i]);
}

/// Makes the block's copy, if the launch left room for one, and sets own.copy of every team. Every
/// thread of the block calls.
template <class Layout, GpuTeam T>
BPQP_STAGE void copy_shared(const T& team, const Batch& batch, Reads reads, TeamShared& own) {
  const BatchMemory& memory = batch.memory;
  if (team.rank() == 0) own.copy = nullptr;
  if (memory.copy_bytes == 0) return;
  const auto& thread = team.thread();
  char* const base =
      thread.shared() + std::size_t(Layout::kTeams) * team_bytes<Layout>(memory.fast_bytes);
  BlockCopy& copy = *reinterpret_cast<BlockCopy*>(base);
  const int n = batch.n, m = batch.m;
  if (thread.index() == 0) {
    copy = {*memory.shared};
    core::Arena fast(nullptr, base + sizeof(BlockCopy), memory.copy_bytes - sizeof(BlockCopy));
    for_copied(n, m, reads, copy, [&](const char*, double*& array, std::size_t count) {
      seek_room(fast, array, count);
    });
    if (!batch.P.data) copy.P = nullptr;
  }
  thread.sync_block();
  const std::size_t N = n, M = m;
  const core::Condensed<double>&from = *memory.shared, &to = copy.factors;
  copy_entries<Layout>(thread, from.scaling.D, to.scaling.D, N);
  copy_entries<Layout>(thread, from.scaling.E, to.scaling.E, M);
  copy_entries<Layout>(thread, from.S, to.S, M * M);
  copy_entries<Layout>(thread, from.L, to.L, N * N, n);
  copy_entries<Layout>(thread, from.Y, to.Y, N * M);
  with_type(batch.single, [&]<class D>(D) {
    copy_entries<Layout>(thread, batch.A.at<D>(0), copy.A, M * N);
    copy_entries<Layout>(thread, batch.P.at<D>(0), copy.P, N * N);
  });
  if (team.rank() == 0) own.copy = &copy;
  thread.sync_block();
}

}  // namespace bpqp::gpu
