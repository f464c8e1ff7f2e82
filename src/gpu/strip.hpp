/// \file
/// Strips: kRows x kColumns tiles of a column-major matrix in a warp's registers. A strip reads
/// each entry of its operands once for that many tiles, which a single tile (tile.hpp) reads for
/// itself: large matrices come from the L2 cache, whose bandwidth would otherwise bound their
/// products.
#pragma once

#include "gpu/tile_products.hpp"

namespace bpqp::gpu {

template <int kDown, int kAcross>
struct StripOf {
  static constexpr int kRows = kDown, kColumns = kAcross;
  static constexpr int kHeight = kRows * kTile, kWidth = kColumns * kTile;
  Pair tile[kRows][kColumns];
};
/// Of blocks of so many warps: 32 registers of a thread, and six loads for eight products of tiles;
/// or, in kernels that have no registers to spare, 16 and four for four.
template <int kWarps>
using StripFor = StripOf<2, kWarps >= 8 ? 4 : 2>;

/// `below`: the strip's first row less its first column, of a lower triangle, outside of which
/// nothing is read or written; kFull for a matrix that is there in full.
constexpr int kFull = 1 << 30;

/// rows, columns: how much of the matrix there is from M on.
template <class Strip, class R>
BPQP_HD Strip
load_strip(TilePlace at, const R* M, int ld, int rows, int columns, int below = kFull) {
  Strip s{};
  for_tiles<Strip::kRows, Strip::kColumns>([&](int a, int b) {
    const int under = below + kTile * (a - b);  // a multiple of kTile, as all places of tiles are
    const R* tile = M + std::size_t(kTile * b) * ld + kTile * a;
    if (under >= 0)
      s.tile[a][b] = load_tile(at, tile, ld, rows - kTile * a, columns - kTile * b, under == 0);
  });
  return s;
}

template <class Strip, class R>
BPQP_HD void store_strip(
    TilePlace at, const Strip& s, R* M, int ld, int rows, int columns, int below = kFull) {
  for_tiles<Strip::kRows, Strip::kColumns>([&](int a, int b) {
    const int under = below + kTile * (a - b);
    R* tile = M + std::size_t(kTile * b) * ld + kTile * a;
    if (under >= 0)
      store_tile(at, s.tile[a][b], tile, ld, rows - kTile * a, columns - kTile * b, under == 0);
  });
}

/// The strips of rows first_row ... last_row - 1 of so many columns, dealt to the warps:
/// body(i, j), the first row and column.
template <class Strip, GpuTeam T, class Body>
BPQP_HD void for_strips(const T& team, int first_row, int last_row, int columns, const Body& body) {
  const int across = (columns + Strip::kWidth - 1) / Strip::kWidth;
  const int down = (last_row - first_row + Strip::kHeight - 1) / Strip::kHeight;
  for (int t = team.warp(); t < across * down; t += team.warps())
    body(first_row + t / across * Strip::kHeight, t % across * Strip::kWidth);
}

/// Those that cover the entries i >= j of an n x n matrix in columns first ... last - 1.
template <class Strip, GpuTeam T, class Body>
BPQP_HD void for_lower_strips(const T& team, int n, int first, int last, const Body& body) {
  int turn = team.warp();  // of the strips that are left, this warp's first
  for (int j = first; j < last; j += Strip::kWidth) {
    const int strips = (n - j + Strip::kHeight - 1) / Strip::kHeight;
    for (; turn < strips; turn += team.warps()) body(j + turn * Strip::kHeight, j);
    turn -= strips;
  }
}

}  // namespace bpqp::gpu
