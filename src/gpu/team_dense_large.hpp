/// \file
/// team_dense.hpp for teams that large problems have, a block or a grid of blocks: by strips
/// (strip.hpp), and in two levels,
///
///   a part of kPart columns    takes all that is due from the columns before it, at once
///   a panel of kPanel of them  is finished, and the rest of the part takes what is due from it
///
/// so that most of the work is long products in registers that all warps share. One block's part
/// is a panel: with eight warps there is enough to do in it.
#pragma once

#include "gpu/strip.hpp"
#include "gpu/team_dense.hpp"

namespace bpqp::gpu {

constexpr int kPanel = 64;
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

/// Entries (i, j), i >= j, of columns first ... last - 1 of A [n x n] take what is due from columns
/// from ... to - 1 of the factor.
template <class R, Thread H, int kWarps>
BPQP_STAGE void take_due(
    const GridTeam<H, kWarps>& team, R* A, int n, int ld, int first, int last, int from, int to) {
  if (from == to || first == last) return;
  const TilePlace at(team.lane());
  const R* columns = A + std::size_t(from) * ld;
  for_lower_strips(team, n, first, last, [&](int i, int j) {
    const auto a = [&](int r, int k) {
      return i + r < n ? -double(columns[std::size_t(k) * ld + i + r]) : 0.0;
    };
    const auto b = [&](int k, int c) {
      return j + c < last ? double(columns[std::size_t(k) * ld + j + c]) : 0.0;
    };
    R* corner = A + std::size_t(j) * ld + i;
    Strip s = load_strip(at, corner, ld, n - i, last - j);
    multiply_strip(team.thread(), at, s, to - from, a, b);
    store_strip(at, s, corner, ld, n - i, last - j, i - j);
  });
  team.sync();
}

/// X [rows x order] becomes X L'^-1 for L [order x order], eight rows to a warp.
template <class R, Thread H, int kWarps>
BPQP_STAGE void divide_rows(
    const GridTeam<H, kWarps>& team, const R* L, int order, int ld, R* X, int rows) {
  const TilePlace at(team.lane());
  for (int i = kTile * team.warp(); i < rows; i += kTile * team.warps()) {
    R* own = X + i;
    for (int k = 0; k < order; k += kTile) {
      const auto a = [&](int r, int t) {
        return i + r < rows ? -double(own[std::size_t(t) * ld + r]) : 0.0;
      };
      const auto b = [&](int t, int c) {
        return k + c < order ? double(L[std::size_t(t) * ld + k + c]) : 0.0;
      };
      R* tile = own + std::size_t(k) * ld;
      const R* diagonal = L + std::size_t(k) * ld + k;
      Pair c = load_tile(at, tile, ld, rows - i, order - k);
      c = multiply_tile(team.thread(), at, c, k, a, b);
      c = divide_tile(team.thread(), at, c, read_factored(at, diagonal, ld, order - k));
      store_tile(at, c, tile, ld, rows - i, order - k, false);
      team.thread().sync_warp();
    }
  }
  team.sync();
}

/// The columns k ... k + order - 1 of the factor, of which nothing is due any more; root as in
/// factor_by(), called where acts_for_all().
template <class R, Thread H, int kWarps, class Root>
BPQP_HD bool finish_columns(
    const GridTeam<H, kWarps>& team, R* A, int n, int ld, int k, int order, const Root& root) {
  R* diagonal = A + std::size_t(k) * ld + k;
  bool good = true;
  if (acts_for_all(team))
    good = factor_by_tiles(team.own_block(), diagonal, order, ld, [&](int j, double pivot) {
      return root(k + j, pivot);
    });
  if (team.max(good ? 0 : 1) > 0) return false;
  divide_rows(team, diagonal, order, ld, diagonal + order, n - k - order);
  return true;
}

template <class R, Thread H, int kWarps, class Root>
BPQP_STAGE bool factor_by(const GridTeam<H, kWarps>& team, R* A, int n, int ld, const Root& root) {
  for (int part = 0; part < n; part += part_size(team)) {
    const int end = smaller(part + part_size(team), n);
    take_due(team, A, n, ld, part, end, 0, part);
    for (int k = part; k < end; k += kPanel) {
      const int next = smaller(k + kPanel, end);
      if (!finish_columns(team, A, n, ld, k, next - k, root)) return false;
      take_due(team, A, n, ld, next, end, k, next);
    }
  }
  return true;
}

template <class R, Thread H, int kWarps>
BPQP_STAGE core::Pivots cholesky(const GridTeam<H, kWarps>& team, R* A, int n, int ld) {
  core::Pivots pivots{true, INFINITY};
  pivots.positive = factor_by(team, A, n, ld, RootOfPositive{&pivots.smallest});
  if (team.blocks() > 1)  // the other blocks have seen no pivot
    pivots.smallest = team.min(team.rank() == 0 ? pivots.smallest : double(INFINITY));
  return pivots;
}

template <class R, Thread H, int kWarps>
BPQP_STAGE void cholesky_of_independent(
    const GridTeam<H, kWarps>& team, R* A, int n, int ld, const R* least) {
  factor_by(team, A, n, ld, RootOfIndependent<R>{least});
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
  const TilePlace at(team.lane());
  for_strips(team, first, last, columns, [&](int i, int j) {
    const auto a = [&](int r, int k) {
      return i + r < last ? -double(L[std::size_t(from + k) * ld + i + r]) : 0.0;
    };
    const auto b = [&](int k, int c) {
      return j + c < columns ? double(B[std::size_t(j + c) * ld_b + from + k]) : 0.0;
    };
    R* corner = B + std::size_t(j) * ld_b + i;
    Strip s = load_strip(at, corner, ld_b, last - i, columns - j);
    multiply_strip(team.thread(), at, s, to - from, a, b);
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
  const TilePlace at(team.lane());
  for_lower_strips(team, m, 0, m, [&](int i, int j) {
    const auto a = [&](int r, int k) {
      return i + r < m ? double(Y[std::size_t(i + r) * ld + k]) : 0.0;
    };
    const auto b = [&](int k, int c) {
      return j + c < m ? double(Y[std::size_t(j + c) * ld + k]) : 0.0;
    };
    Strip s{};
    multiply_strip(team.thread(), at, s, n, a, b);
    store_strip(at, s, S + std::size_t(j) * ld_s + i, ld_s, m - i, m - j, i - j);
    for_tiles([&](int t, int u) {
      mirror_tile(at, s.tile[t][u], i + kTile * t, j + kTile * u, m, S, ld_s);
    });
  });
  team.sync();
}

template <class R, Thread H, int kWarps>
BPQP_STAGE void add_outer(
    const GridTeam<H, kWarps>& team, const R* Y, int n, int m, int ld, R* N, int ld_n) {
  const TilePlace at(team.lane());
  for_lower_strips(team, n, 0, n, [&](int i, int j) {
    const auto a = [&](int r, int k) {
      return i + r < n ? double(Y[std::size_t(k) * ld + i + r]) : 0.0;
    };
    const auto b = [&](int k, int c) {
      return j + c < n ? double(Y[std::size_t(k) * ld + j + c]) : 0.0;
    };
    R* corner = N + std::size_t(j) * ld_n + i;
    Strip s = load_strip(at, corner, ld_n, n - i, n - j);
    multiply_strip(team.thread(), at, s, m, a, b);
    store_strip(at, s, corner, ld_n, n - i, n - j, i - j);
  });
  team.sync();
}

}  // namespace bpqp::gpu
