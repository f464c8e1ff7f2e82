/// \file
/// Products with vectors, and other passes over a matrix, for the teams of a GPU (core/dense.hpp's
/// terms). The lanes of a warp read whole sectors of memory: four or eight neighbouring entries of
/// a column each, of eight or four columns.
#pragma once

#include "core/dense.hpp"
#include "gpu/tile.hpp"

namespace bpqp::gpu {

/// put(i, the entries (i, k) of line i combined, k < length) for every line: kLanes to a line.
template <int kLanes, GpuTeam T, class Combine, class Entry, class Put>
BPQP_HD void combine_lines(
    const T& team,
    int lines,
    int length,
    const Combine& combine,
    const Entry& entry,
    const Put& put) {
  constexpr int kLines = kWarp / kLanes;  // of a warp
  const int phase = team.lane() % kLanes, step = team.warps() * kLines;
  // Two lines at once: what takes the time is waiting for memory.
  for (int first = team.warp() * kLines; first < lines; first += 2 * step) {
    const int i = first + team.lane() / kLanes;
    const bool one = i < lines, two = i + step < lines;
    double v = Combine::kNothing, w = Combine::kNothing;
    BPQP_UNROLL_BY(4)
    for (int k = phase; one && k < length; k += kLanes) {
      v = combine(v, entry(i, k));
      if (two) w = combine(w, entry(i + step, k));
    }
    v = combine_lanes<kLanes>(team.thread(), v, combine);
    w = combine_lanes<kLanes>(team.thread(), w, combine);
    if (phase == 0 && one) put(i, v);
    if (phase == 0 && two) put(i + step, w);
  }
}

/// put(i, the entries (i, j) of row i combined) for every row: eight rows to a warp.
template <GpuTeam T, class Combine, class Entry, class Put>
BPQP_HD void combine_rows(
    const T& team,
    int rows,
    int columns,
    const Combine& combine,
    const Entry& entry,
    const Put& put) {
  combine_lines<4>(team, rows, columns, combine, entry, put);
}

/// put(j, the entries (i, j) of column j combined) for every column: four columns to a warp.
template <GpuTeam T, class Combine, class Entry, class Put>
BPQP_HD void combine_columns(
    const T& team,
    int rows,
    int columns,
    const Combine& combine,
    const Entry& entry,
    const Put& put) {
  const auto transposed = [&](int j, int i) { return entry(i, j); };
  combine_lines<8>(team, columns, rows, combine, transposed, put);
}

template <class D, class R, GpuTeam T>
BPQP_STAGE void transposed_product(
    const T& team, const D* A, int n, int m, int ld, const R* x, R* out) {
  combine_columns(
      team, n, m, Add(),
      [&](int i, int j) { return double(A[std::size_t(j) * ld + i]) * double(x[i]); },
      [&](int j, double v) { out[j] = R(v); });
  team.sync();
}

template <class D, class R, GpuTeam T>
BPQP_STAGE void product(const T& team, const D* A, int n, int m, int ld, const R* y, R* out) {
  combine_rows(
      team, n, m, Add(),
      [&](int i, int j) { return double(A[std::size_t(j) * ld + i]) * double(y[j]); },
      [&](int i, double v) { out[i] = R(v); });
  team.sync();
}

template <class D, class R, GpuTeam T>
BPQP_STAGE void scaled_maxima(
    const T& team,
    const D* M,
    int rows,
    int cols,
    int ld,
    const R* row_scale,
    const R* col_scale,
    bool lower,
    R* row_max,
    R* col_max) {
  const auto entry = [&](int i, int j) {
    return core::magnitude(double(R(M[std::size_t(j) * ld + i]) * (row_scale[i] * col_scale[j])));
  };
  const auto raise = [](R* most) {
    return [most](int i, double v) { most[i] = R(core::nan_max(double(most[i]), v)); };
  };
  if (!lower) {
    combine_columns(team, rows, cols, Larger(), entry, raise(col_max));
    combine_rows(team, rows, cols, Larger(), entry, raise(row_max));
  } else {  // row j goes on in column j
    const auto in_column = [&](int i, int j) { return i >= j ? entry(i, j) : 0.0; };
    const auto in_row = [&](int j, int k) { return k < j ? entry(j, k) : 0.0; };
    combine_columns(team, rows, cols, Larger(), in_column, raise(col_max));
    team.sync();
    combine_rows(team, rows, cols, Larger(), in_row, raise(col_max));
  }
  team.sync();
}

template <class D, class R, GpuTeam T>
BPQP_STAGE bool symmetric_part(const T& team, const D* P, int n, R* H) {
  const TilePlace at(team.lane());
  int asymmetric = 0;
  for_triangle_tiles(team, n, [&](int first_row, int first_column) {
    BPQP_UNROLL
    for (int half = 0; half < kTile; half += kDepth) {
      const int i = first_row + at.row, j = first_column + half + at.depth;
      if (i >= n || i < j) continue;
      const D a = P[std::size_t(j) * n + i], b = P[std::size_t(i) * n + j];
      H[std::size_t(j) * n + i] = (R(a) + R(b)) / 2;
      asymmetric |= !(a == b);
    }
  });
  return team.max(double(asymmetric)) == 0;
}

}  // namespace bpqp::gpu
