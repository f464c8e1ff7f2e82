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
    {"warp", 32, 64, Solvers::warp, 16, 1},
    {"block128", 128, 256, Solvers::block, 4, 4},
    {"block256", 1024, 2048, Solvers::block, 8, 2},
    {"grid", INT_MAX, INT_MAX, Solvers::grid, 16, 1},
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
  if (c.solvers == Solvers::warp) return team_bytes<ByWarps<16>>(fast_bytes);  // of any number
  return c.warps == 4   ? team_bytes<ByBlocks<4>>(fast_bytes)
         : c.warps == 8 ? team_bytes<ByBlocks<8>>(fast_bytes)
                        : team_bytes<ByBlocks<16>>(fast_bytes);
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
  int blocks_for(int count) const { return by_grid() || count > most_blocks ? most_blocks : count; }
  /// How many of so many problems a block takes at a time: few problems are spread over all blocks.
  int each(int count) const {
    const int share = (count + blocks_for(count) - 1) / blocks_for(count);
    return share < size_class->teams() ? share : size_class->teams();
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

inline Plan make_plan(
    int n, int m, const SizeClass& c, const DeviceLimits& limits = DeviceLimits()) {
  Plan plan;
  plan.size_class = &c;
  plan.blocks = c.blocks;
  plan.most_blocks = plan.blocks * limits.multiprocessors;
  plan.wanted_bytes = wanted_fast_bytes(n, m);
  const std::size_t most = team_room(c, limits, plan.blocks);
  plan.fast_bytes = plan.wanted_bytes < most ? plan.wanted_bytes : most;
  plan.shared_bytes = std::size_t(c.teams()) * team_stride(c, plan.fast_bytes);
  return plan;
}

}  // namespace bpqp::gpu
