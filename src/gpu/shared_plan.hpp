/// \file
/// How a shape is mapped when the batch shares P and A: a problem's own arrays get room first, as
/// in plan.hpp, and what they leave of a block's shared memory is for its copies of the matrices
/// (block_copy.hpp). Copies never cost a block of the multiprocessor.
#pragma once

#include <string>

#include "gpu/plan.hpp"

namespace bpqp::gpu {

/// Bytes of what a problem's own arrays take in fast memory, of so many.
inline std::size_t own_fast_bytes(int n, int m, Reads reads, std::size_t room) {
  core::Arena place(nullptr), scratch(nullptr, nullptr, room);
  lay_out_work(scratch, n, m, Needs::vectors);
  if (reads == Reads::adjoint) return scratch.fast_bytes();
  core::Slot slot = core::Slot::lay_out(place, n, m, m, false);
  core::Arena arrays(nullptr, nullptr, room - scratch.fast_bytes());
  use_fast_memory(arrays, n, m, false, slot);
  return scratch.fast_bytes() + arrays.fast_bytes();
}

/// Bytes of a BlockCopy of what fits in so many; `copied` gets the names of its arrays.
inline std::size_t copy_bytes_within(
    int n, int m, Reads reads, std::size_t room, std::string* copied = nullptr) {
  if (room <= sizeof(BlockCopy)) return 0;
  core::Arena fast(nullptr, nullptr, room - sizeof(BlockCopy));
  BlockCopy none;
  for_copied(n, m, reads, none, [&](const char* name, double*& array, std::size_t count) {
    const std::size_t before = fast.fast_bytes();
    seek_room(fast, array, count);
    if (copied && fast.fast_bytes() > before)
      *copied += (copied->empty() ? "" : ", ") + std::string(name);
  });
  return fast.fast_bytes() > 0 ? sizeof(BlockCopy) + fast.fast_bytes() : 0;
}

/// The plan of solve_plain() or of differentiate() for a batch that shares P and A. `copied` gets
/// the names of what a block copies.
inline Plan make_shared_plan(
    int n,
    int m,
    const SizeClass& c,
    Reads reads,
    const DeviceLimits& limits = DeviceLimits(),
    std::string* copied = nullptr) {
  if (c.solvers == Solvers::grid) return make_plan(n, m, c, limits);  // its blocks copy nothing
  Plan plan;
  plan.size_class = &c;
  plan.wanted_bytes = own_fast_bytes(n, m, reads, std::size_t(1) << 62);
  plan.blocks = c.blocks;
  plan.most_blocks = plan.blocks * limits.multiprocessors;
  plan.fast_bytes = own_fast_bytes(n, m, reads, team_room(c, limits, plan.blocks));
  plan.shared_bytes = std::size_t(c.teams()) * team_stride(c, plan.fast_bytes);
  const std::size_t block = block_room(limits, plan.blocks);
  if (block > plan.shared_bytes)
    plan.copy_bytes = copy_bytes_within(n, m, reads, block - plan.shared_bytes, copied);
  plan.shared_bytes += plan.copy_bytes;
  return plan;
}

}  // namespace bpqp::gpu
