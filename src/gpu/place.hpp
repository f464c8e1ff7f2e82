/// \file
/// How the threads of a grid form teams, and where each team's memory is.
#pragma once

#include "gpu/batch.hpp"
#include "gpu/team.hpp"

namespace bpqp::gpu {

/// A problem's data in double, where the batch's are not: the core then is compiled for one type.
struct WideData {
  double *P = nullptr, *q = nullptr, *A = nullptr, *l = nullptr, *u = nullptr;

  BPQP_HD static WideData lay_out(core::Arena& arena, int n, int m) {
    const std::size_t N = n, M = m;
    WideData w;
    w.q = arena.take<double>(N);
    w.l = arena.take<double>(M);
    w.u = arena.take<double>(M);
    w.A = arena.take<double>(M * N);
    w.P = arena.take<double>(N * N);
    return w;
  }
};

struct BlockCopy;

/// A team's own part of shared memory; its arrays follow.
struct alignas(core::Arena::kAlign) TeamShared {
  core::Slot slot;  ///< of the problem at hand
  core::Work work;
  WideData wide;
  const BlockCopy* copy;  ///< the block's, of matrices that the batch shares; null: there is none
};

/// kWarpsOfBlock teams of one warp each.
template <int kWarpsOfBlock>
struct ByWarps {
  static constexpr bool kMayBeGrid = false;
  static constexpr int kThreads = kWarpsOfBlock * kWarp, kTeams = kWarpsOfBlock;
  static constexpr std::size_t kPartialBytes = 2 * sizeof(int);  // of the first: Place::taken
  template <Thread H>
  using Team = WarpTeam<H>;

  template <Thread H>
  BPQP_HD static WarpTeam<H> team(const H& thread, char*, const GridMemory&) {
    return WarpTeam<H>(thread);
  }
};

/// One team, the block.
template <int kWarpsOfBlock>
struct ByBlocks {
  static constexpr bool kMayBeGrid = false;
  static constexpr int kThreads = kWarpsOfBlock * kWarp, kTeams = 1;
  static constexpr std::size_t kPartialBytes = 2 * kWarpsOfBlock * sizeof(double);
  template <Thread H>
  using Team = BlockTeam<H, kWarpsOfBlock>;

  template <Thread H>
  BPQP_HD static Team<H> team(const H& thread, char* partial, const GridMemory&) {
    return Team<H>(thread, reinterpret_cast<double*>(partial));
  }
};

/// One team: the block, or the whole grid if there is GridMemory for it.
template <int kWarpsOfBlock>
struct ByGrid : ByBlocks<kWarpsOfBlock> {
  static constexpr bool kMayBeGrid = true;
  template <Thread H>
  using Team = GridTeam<H, kWarpsOfBlock>;

  template <Thread H>
  BPQP_HD static Team<H> team(const H& thread, char* partial, const GridMemory& grid) {
    return Team<H>(thread, reinterpret_cast<double*>(partial), grid);
  }
};

/// Shared memory of one team: TeamShared, the partial sums, the arrays.
template <class Layout>
BPQP_HD constexpr std::size_t team_bytes(std::size_t fast_bytes) {
  constexpr std::size_t kAlign = core::Arena::kAlign;
  return sizeof(TeamShared) + (Layout::kPartialBytes + kAlign - 1) / kAlign * kAlign +
         (fast_bytes + kAlign - 1) / kAlign * kAlign;
}

/// Where this thread's team works.
template <class Layout>
struct Place {
  int team = 0;  ///< number of the team in the grid
  TeamShared* shared;
  char* partial;
  char* fast;
  int* taken;     ///< [2] the block's, where it has several teams (turns.hpp)
  char* scratch;  ///< device memory for arrays that have no room in `fast`

  template <Thread H>
  BPQP_HD Place(const H& thread, const BatchMemory& memory) {
    const int own = Layout::kTeams == 1 ? 0 : thread.index() / kWarp;
    char* base = thread.shared() + std::size_t(own) * team_bytes<Layout>(memory.fast_bytes);
    partial = base + sizeof(TeamShared);
    fast = base + team_bytes<Layout>(0);
    taken = reinterpret_cast<int*>(thread.shared() + sizeof(TeamShared));
    if (Layout::kMayBeGrid && memory.grid.blocks > 1)
      base = memory.grid.shared;
    else
      team = thread.block() * Layout::kTeams + own;
    shared = reinterpret_cast<TeamShared*>(base);
    scratch = memory.scratch + std::size_t(team) * memory.scratch_bytes;
  }
};

}  // namespace bpqp::gpu
