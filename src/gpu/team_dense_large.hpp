/// \file
/// team_dense.hpp for teams that large problems have, a block or a grid of blocks: by strips
/// (strip.hpp), and in two levels,
///
///   a part (part_size())       takes all that is due from the columns before it, at once
///   a panel of kPanel of them  is finished, and the rest of the part takes what is due from it
///
/// so that most of the work is long products in registers that all warps share. One block's part
/// is a panel: with eight warps there is enough to do in it.
#pragma once

#include "gpu/strip.hpp"
#include "gpu/team_dense.hpp"

namespace bpqp::gpu {

constexpr int kPanel = 64;
/// Products of strips whose entries are loaded together (tile_products.hpp): twelve of them, or
/// eight.
constexpr int kStripSteps = 2;
/// Of one right-hand side, whose diagonal blocks one block solves.
constexpr int kVectorPart = 256;

template <Thread H, int kWarps>
BPQP_HD int part_size(const GridTeam<H, kWarps>& team) {
  return team.blocks() > 1 ? 8 * kPanel : kPanel;
}
/// Whether this thread is one of those who do what one block does for all.
template <Thread H, int kWarps>
BPQP_HD bool acts_for_all(const GridTeam<H, kWarps>& team) {
  return team.blocks() == 1 || team.thread().block() == 0;
}
BPQP_HD inline int smaller(int a, int b) {
  return a < b ? a : b;
}

/// A symmetric matrix of which the lower triangle is there and becomes its factor. Passed by
/// reference, so that the loops below keep one address in registers.
template <class R>
struct Triangle {
  R* A;
  int n, ld;
  BPQP_HD R* at(int i, int j) const { return A + std::size_t(j) * ld + i; }
  /// Where the panel ends that begins at column k, and the part that has it.
  BPQP_HD int panel_end(int k) const { return smaller(k + kPanel, n); }
  BPQP_HD int part_end(int k, int part) const { return smaller((k / part + 1) * part, n); }
};

/// Entries (i, j), i >= j, of columns first ... last - 1 take what is due from columns from ... to
/// - 1 of the factor.
template <class R, Thread H, int kWarps>
BPQP_STAGE void take_due(
    const GridTeam<H, kWarps>& team, const Triangle<R>& M, int first, int last, int from, int to) {
  if (from == to || first == last) return;
  using Strip = StripFor<kWarps>;
  const TilePlace at(team.lane());
  const R* columns = M.at(0, from);
  const int n = M.n, ld = M.ld;
  for_lower_strips<Strip>(team, n, first, last, [&](int i, int j) {
    R* corner = M.at(i, j);
    Strip s = load_strip<Strip>(at, corner, ld, n - i, last - j, i - j);
    subtract_products<kStripSteps>(
        team.thread(), at, s.tile, to - from, rows_from(columns + i, ld, n - i),
        rows_from(columns + j, ld, last - j));
    store_strip(at, s, corner, ld, n - i, last - j, i - j);
  });
  team.sync();
}

/// The rows below the diagonal block of the panel at k become those of the factor: X L'^-1, eight
/// rows to a warp.
template <class R, Thread H, int kWarps>
BPQP_STAGE void divide_rows(const GridTeam<H, kWarps>& team, const Triangle<R>& M, int k) {
  const TilePlace at(team.lane());
  const int n = M.n, ld = M.ld, order = M.panel_end(k) - k;
  const R* L = M.at(k, k);
  for (int i = k + order + kTile * team.warp(); i < n; i += kTile * team.warps()) {
    R* own = M.at(i, k);
    for (int t = 0; t < order; t += kTile) {
      R* tile = own + std::size_t(t) * ld;
      const R* diagonal = L + std::size_t(t) * ld + t;
      Pair c = load_tile(at, tile, ld, n - i, order - t);
      c = subtract_products<R>(
          team.thread(), at, c, t, rows_from<R>(own, ld, n - i), rows_from(L + t, ld, order - t));
      c = divide_tile(
          team.thread(), at, c, read_factored(team.thread(), at, diagonal, ld, order - t));
      store_tile(at, c, tile, ld, n - i, order - t, false);
      team.thread().sync_warp();
    }
  }
  team.sync();
}

/// The diagonal block of the panel at k, of which nothing is due any more, by one block for all;
/// root as in factor_by().
template <class R, Thread H, int kWarps, class Root>
BPQP_STAGE bool factor_diagonal(
    const GridTeam<H, kWarps>& team, const Triangle<R>& M, int k, Root& root) {
  auto root_here = [&](int j, double pivot) { return root(k + j, pivot); };
  bool good = true;
  if (acts_for_all(team))
    good = factor_by_tiles(team.own_block(), M.at(k, k), M.panel_end(k) - k, M.ld, root_here);
  return team.max(good ? 0 : 1) == 0;
}

template <class R, Thread H, int kWarps, class Root>
BPQP_STAGE bool factor_by(const GridTeam<H, kWarps>& team, const Triangle<R>& M, Root& root) {
  const auto end = [&](int k) { return M.part_end(k, part_size(team)); };
  for (int k = 0; k < M.n; k += kPanel) {
    if (k % part_size(team) == 0) take_due(team, M, k, end(k), 0, k);
    if (!factor_diagonal(team, M, k, root)) return false;
    divide_rows(team, M, k);
    take_due(team, M, M.panel_end(k), end(k), k, M.panel_end(k));
  }
  return true;
}

template <class R, Thread H, int kWarps>
BPQP_STAGE core::Pivots cholesky(const GridTeam<H, kWarps>& team, R* A, int n, int ld) {
  Roots<R> roots{nullptr};
  const bool positive = factor_by(team, Triangle<R>{A, n, ld}, roots);
  // Other blocks have seen no pivot.
  const double smallest = team.rank() == 0 ? roots.smallest : double(INFINITY);
  return {positive, team.blocks() > 1 ? team.min(smallest) : roots.smallest};
}

template <class R, Thread H, int kWarps>
BPQP_STAGE void cholesky_of_independent(
    const GridTeam<H, kWarps>& team, R* A, int n, int ld, const R* least) {
  Roots<R> roots{least};
  factor_by(team, Triangle<R>{A, n, ld}, roots);
}

/// L b = b for one right-hand side.
template <class R, Thread H, int kWarps>
BPQP_STAGE void solve_vector(const GridTeam<H, kWarps>& team, const R* L, int n, int ld, R* b) {
  if (team.blocks() == 1) return solve_lower_one(team, L, n, ld, b);
  for (int k = 0; k < n; k += kVectorPart) {
    const int next = smaller(k + kVectorPart, n);
    const R* part = L + std::size_t(k) * ld;
    if (acts_for_all(team)) solve_lower_one(team.own_block(), part + k, next - k, ld, b + k);
    team.sync();
    combine_rows(
        team, n - next, next - k, Add(),
        [&](int i, int j) {
          return double(part[std::size_t(j) * ld + next + i]) * double(b[k + j]);
        },
        [&](int i, double v) { b[next + i] -= R(v); });
    team.sync();
  }
}

/// Rows first ... last - 1 of B take what is due from its rows from ... to - 1.
template <class R, Thread H, int kWarps>
BPQP_STAGE void take_due_rows(
    const GridTeam<H, kWarps>& team,
    const R* L,
    int ld,
    R* B,
    int columns,
    int ld_b,
    int first,
    int last,
    int from,
    int to) {
  if (from == to || first == last) return;
  using Strip = StripFor<kWarps>;
  const TilePlace at(team.lane());
  for_strips<Strip>(team, first, last, columns, [&](int i, int j) {
    R* corner = B + std::size_t(j) * ld_b + i;
    Strip s = load_strip<Strip>(at, corner, ld_b, last - i, columns - j);
    subtract_products<kStripSteps, Strip::kRows, Strip::kColumns, R>(
        team.thread(), at, s.tile, to - from,
        rows_from(L + std::size_t(from) * ld + i, ld, last - i),
        columns_from<R>(B + std::size_t(j) * ld_b + from, ld_b, columns - j));
    store_strip(at, s, corner, ld_b, last - i, columns - j);
  });
  team.sync();
}

template <class R, Thread H, int kWarps>
BPQP_STAGE void solve_lower(
    const GridTeam<H, kWarps>& team, const R* L, int n, int ld, R* B, int columns, int ld_b) {
  if (columns == 1) return solve_vector(team, L, n, ld, B);
  for (int part = 0; part < n; part += part_size(team)) {
    const int end = smaller(part + part_size(team), n);
    take_due_rows(team, L, ld, B, columns, ld_b, part, end, 0, part);
    for (int k = part; k < end; k += kPanel) {
      const int next = smaller(k + kPanel, end);
      const R* diagonal = L + std::size_t(k) * ld + k;
      for (int j = kTile * team.warp(); j < columns; j += kTile * team.warps())
        solve_eight(team, diagonal, next - k, ld, B + k, j, columns, ld_b);
      team.sync();
      take_due_rows(team, L, ld, B, columns, ld_b, next, end, k, next);
    }
  }
}

/// L'b = b for one right-hand side, from the last part up.
template <class R, Thread H, int kWarps>
BPQP_STAGE void solve_vector_transposed(
    const GridTeam<H, kWarps>& team, const R* L, int n, int ld, R* b) {
  if (team.blocks() == 1) return solve_lower_transposed_one(team, L, n, ld, b);
  for (int k = (n - 1) / kVectorPart * kVectorPart; k >= 0; k -= kVectorPart) {
    const int next = smaller(k + kVectorPart, n);
    const R* part = L + std::size_t(k) * ld;
    combine_columns(
        team, n - next, next - k, Add(),
        [&](int i, int j) {
          return double(part[std::size_t(j) * ld + next + i]) * double(b[next + i]);
        },
        [&](int j, double v) { b[k + j] -= R(v); });
    team.sync();
    if (acts_for_all(team))
      solve_lower_transposed_one(team.own_block(), part + k, next - k, ld, b + k);
    team.sync();
  }
}

template <class R, Thread H, int kWarps>
BPQP_STAGE void solve_lower_transposed(
    const GridTeam<H, kWarps>& team, const R* L, int n, int ld, R* B, int columns, int ld_b) {
  for (int j = 0; j < columns; ++j)
    solve_vector_transposed(team, L, n, ld, B + std::size_t(j) * ld_b);
}

template <class R, Thread H, int kWarps>
BPQP_STAGE void gram(
    const GridTeam<H, kWarps>& team, const R* Y, int n, int m, int ld, R* S, int ld_s) {
  using Strip = StripFor<kWarps>;
  const TilePlace at(team.lane());
  for_lower_strips<Strip>(team, m, 0, m, [&](int i, int j) {
    Strip s{};
    add_products<kStripSteps>(
        team.thread(), at, s.tile, n, columns_from(Y + std::size_t(i) * ld, ld, m - i),
        columns_from(Y + std::size_t(j) * ld, ld, m - j));
    store_strip(at, s, S + std::size_t(j) * ld_s + i, ld_s, m - i, m - j, i - j);
    for_tiles<Strip::kRows, Strip::kColumns>([&](int t, int u) {
      mirror_tile(at, s.tile[t][u], i + kTile * t, j + kTile * u, m, S, ld_s);
    });
  });
  team.sync();
}

template <class R, Thread H, int kWarps>
BPQP_STAGE void add_outer(
    const GridTeam<H, kWarps>& team, const R* Y, int n, int m, int ld, R* N, int ld_n) {
  using Strip = StripFor<kWarps>;
  const TilePlace at(team.lane());
  for_lower_strips<Strip>(team, n, 0, n, [&](int i, int j) {
    R* corner = N + std::size_t(j) * ld_n + i;
    Strip s = load_strip<Strip>(at, corner, ld_n, n - i, n - j, i - j);
    add_products<kStripSteps>(
        team.thread(), at, s.tile, m, rows_from(Y + i, ld, n - i), rows_from(Y + j, ld, n - j));
    store_strip(at, s, corner, ld_n, n - i, n - j, i - j);
  });
  team.sync();
}

}  // namespace bpqp::gpu
