/// \file
/// The size table: how problems of a shape are mapped to a GPU. Host code, also without a GPU.
#pragma once

#include <cstddef>

#include <climits>

#include "gpu/open.hpp"

namespace bpqp::gpu {

/// What one multiprocessor of a device has. The defaults are those of compute capability 9.0.
struct DeviceLimits {
  int multiprocessors = 132;
  std::size_t shared_bytes = std::size_t(228) << 10;         ///< for all its blocks
  std::size_t shared_bytes_block = std::size_t(227) << 10;   ///< for one
  std::size_t shared_bytes_reserved = std::size_t(1) << 10;  ///< of each block, by the system
};

/// Who solves one problem.
enum class Solvers : int { warp = 0, block, grid };

/// A row of the table: shapes up to a size, and who solves one problem.
struct SizeClass {
  const char* name;
  int most_variables, most_rows;
  Solvers solvers;
  int warps;   ///< of a block
  int blocks;  ///< of a multiprocessor, for which there must be registers

  constexpr int threads() const { return warps * kWarp; }
  /// Of a block; a grid is one.
  constexpr int teams() const { return solvers == Solvers::warp ? warps : 1; }
  /// Most registers of a thread with which so many blocks fit (in steps of 8; 255 is the end).
  /// Every device since compute capability 3.5 has 65536 to a multiprocessor.
  constexpr int registers() const {
    const int most = 65536 / (blocks * threads()) / 8 * 8;
    return most > 255 ? 255 : most;
  }
};

// Blocks win over grids where there are enough problems for all of them, which the shape does not
// tell (and nothing else may decide: the bits of a problem's answer do not depend on its batch). At
// n = 1024 a problem's matrices take 8 MiB each, so that batches are small from there on.
inline constexpr SizeClass kSizeClasses[] = {
    {"warp", 32, 64, Solvers::warp, 4, 2},
    {"block128", 128, 256, Solvers::block, 4, 3},
    {"block256", 1024, 2048, Solvers::block, 8, 1},
    {"grid", INT_MAX, INT_MAX, Solvers::grid, 8, 1},
};

/// Of the kernels that few problems need (is_rest() in runtime.hpp).
inline constexpr SizeClass kRestClasses[] = {
    {"rest", 1024, 2048, Solvers::block, 4, 2},
    {"rest of grid", INT_MAX, INT_MAX, Solvers::grid, 4, 2},
};

/// The first row that the shape fits.
template <int kRows>
const SizeClass& first_that_fits(const SizeClass (&table)[kRows], int n, int m) {
  for (const SizeClass& c : table)
    if (n <= c.most_variables && m <= c.most_rows) return c;
  return table[kRows - 1];
}
inline const SizeClass& size_class(int n, int m, bool rest = false) {
  return rest ? first_that_fits(kRestClasses, n, m) : first_that_fits(kSizeClasses, n, m);
}

/// Bytes of the arrays that solve_plain() would like in fast memory, per problem: all of them.
inline std::size_t wanted_fast_bytes(int n, int m) {
  core::Arena scratch(nullptr), place(nullptr), all(nullptr, nullptr, std::size_t(1) << 62);
  lay_out_work(scratch, n, m, Needs::vectors);
  core::Slot slot = core::Slot::lay_out(place, n, m, m, false);
  use_fast_memory(all, n, m, true, slot);
  return scratch.bytes() + all.fast_bytes();
}

/// Shared memory of one team with so many bytes for arrays.
inline std::size_t team_stride(const SizeClass& c, std::size_t fast_bytes) {
  if (c.solvers == Solvers::warp) return team_bytes<ByWarps<4>>(fast_bytes);
  return c.warps == 4 ? team_bytes<ByBlocks<4>>(fast_bytes) : team_bytes<ByBlocks<8>>(fast_bytes);
}

/// Device memory of a team of all blocks of a grid, beside its scratch; at null it only counts.
inline std::size_t lay_out_grid(int blocks, void* at, GridMemory& grid) {
  core::Arena arena(at);
  grid.blocks = blocks;
  grid.shared = arena.take<char>(sizeof(TeamShared));
  grid.partial = arena.take<double>(2 * std::size_t(blocks));
  return arena.bytes();
}

/// How a shape is mapped.
struct Plan {
  const SizeClass* size_class = nullptr;
  std::size_t fast_bytes = 0;    ///< of shared memory for a problem's arrays, per team
  std::size_t shared_bytes = 0;  ///< of a block, all in all
  int blocks = 0;                ///< of a multiprocessor,
  int most_blocks = 0;           ///< of the device
  std::size_t wanted_bytes = 0;  ///< that would hold all of these arrays
  std::size_t copy_bytes = 0;  ///< of a block's shared memory, for its BlockCopy (shared_plan.hpp)

  bool by_grid() const { return size_class->solvers == Solvers::grid; }
  /// Teams for so many problems, and the blocks that hold them.
  int teams(int count) const { return by_grid() ? 1 : blocks_for(count) * size_class->teams(); }
  int blocks_for(int count) const {
    const int each = size_class->teams(), wanted = (count + each - 1) / each;
    return by_grid() || wanted > most_blocks ? most_blocks : wanted;
  }
};

/// Shared memory that a block may have, with so many to a multiprocessor.
inline std::size_t block_room(const DeviceLimits& limits, int blocks) {
  const std::size_t room = limits.shared_bytes / std::size_t(blocks) - limits.shared_bytes_reserved;
  return room < limits.shared_bytes_block ? room : limits.shared_bytes_block;
}

/// Of it, what there is for a team's arrays. Those of a grid's problem are in nobody's.
inline std::size_t team_room(const SizeClass& c, const DeviceLimits& limits, int blocks) {
  if (c.solvers == Solvers::grid) return 0;
  const std::size_t team = block_room(limits, blocks) / std::size_t(c.teams()) /
                           core::Arena::kAlign * core::Arena::kAlign;
  return team > team_stride(c, 0) ? team - team_stride(c, 0) : std::size_t(0);
}

/// Sets how many blocks there are: as many as registers allow, or as few as two (one where the
/// class has no more) if that gives a problem's arrays room in shared memory.
inline void choose_blocks(Plan& plan, const DeviceLimits& limits) {
  const SizeClass& c = *plan.size_class;
  plan.blocks = c.blocks;
  while (plan.blocks > 2 && team_room(c, limits, plan.blocks) < plan.wanted_bytes) --plan.blocks;
  plan.most_blocks = plan.blocks * limits.multiprocessors;
}

inline Plan make_plan(
    int n, int m, const SizeClass& c, const DeviceLimits& limits = DeviceLimits()) {
  Plan plan;
  plan.size_class = &c;
  plan.wanted_bytes = wanted_fast_bytes(n, m);
  choose_blocks(plan, limits);
  const std::size_t most = team_room(c, limits, plan.blocks);
  plan.fast_bytes = plan.wanted_bytes < most ? plan.wanted_bytes : most;
  plan.shared_bytes = std::size_t(c.teams()) * team_stride(c, plan.fast_bytes);
  return plan;
}

}  // namespace bpqp::gpu
