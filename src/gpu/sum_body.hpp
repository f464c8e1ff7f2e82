/// \file
/// The gradients of what the whole batch shares: sums over the problems, in their order, so that
/// the bits do not depend on who takes part. Those of P and A are products of the batch's vectors,
///
///   dP = -(W'X + X'W)/2,   dA = -(D'X + Y'W)      W, X [batch x n], D, Y [batch x m]
///
/// by tiles on the tensor cores. A problem without a gradient has rows of zeros.
#pragma once

#include "gpu/solve_body.hpp"

namespace bpqp::gpu {

/// The vectors of every problem: v(b, j).
struct SlotVectors {
  const core::Slot* slots;
  const double* first;  ///< of problem 0
  std::int64_t stride;
  BPQP_HD double operator()(int b, int j) const {
    return slots[b].has_gradient ? first[b * stride + j] : 0;
  }
};

/// Sum over b of a(b, i) b(b, j) for the tile at (i, j).
template <GpuTeam T, class A, class B>
BPQP_HD Pair add_problems(
    const T& team,
    TilePlace at,
    Pair c,
    int count,
    int i,
    int rows,
    const A& a,
    int j,
    int columns,
    const B& b) {
  const int row = i + at.row, column = j + at.row;
  for (int k = at.depth; k - at.depth < count; k += kDepth) {
    const bool some = k < count;
    c = team.thread().multiply_add(
        some && row < rows ? a(k, row) : 0, some && column < columns ? b(k, column) : 0, c);
  }
  return c;
}

/// out [rows x columns], row-major, = -factor (U'V + Y'Z), tiles dealt to the warps of the grid.
template <class D, GpuTeam T, class U, class V, class Y, class Z>
BPQP_STAGE void sum_products(
    const T& team,
    int warp,
    int warps,
    int count,
    double factor,
    int rows,
    int columns,
    const U& u,
    const V& v,
    const Y& y,
    const Z& z,
    D* out) {
  const TilePlace at(team.lane());
  const int across = (columns + kTile - 1) / kTile, down = (rows + kTile - 1) / kTile;
  for (int t = warp; t < across * down; t += warps) {
    const int i = t / across * kTile, j = t % across * kTile;
    Pair c = add_problems(team, at, {0, 0}, count, i, rows, u, j, columns, v);
    c = add_problems(team, at, c, count, i, rows, y, j, columns, z);
    const auto put = [&](int r, int s, double value) {
      if (r < rows && s < columns)
        out[std::size_t(r) * std::size_t(columns) + s] = D(-factor * value);
    };
    put(i + at.row, j + at.column, c.first);
    put(i + at.row, j + at.column + 1, c.second);
  }
}

/// Of the type of the batch's data. `part` of `parts`: this warp's share.
template <class D, GpuTeam T>
BPQP_STAGE void sum_matrices(
    const T& team, const Batch& batch, const Sums& sums, int part, int parts) {
  const core::Slot* slots = batch.memory.slots;
  const auto vectors = [&](const double* first) {
    return SlotVectors{slots, first, batch.memory.slot_stride};
  };
  const bool relaxed = sums.relaxed;
  const SlotVectors x = vectors(relaxed ? slots[0].relaxed.x : slots[0].x);
  const SlotVectors y = vectors(relaxed ? slots[0].relaxed.y : slots[0].y);
  const SlotVectors w = vectors(slots[0].w), d = vectors(slots[0].d);
  const int n = batch.n, m = batch.m, count = batch.count;
  D *const P = static_cast<D*>(sums.P), *const A = static_cast<D*>(sums.A);
  if (P) sum_products(team, part, parts, count, 0.5, n, n, w, x, x, w, P);
  if (A) sum_products(team, part, parts, count, 1.0, m, n, d, x, y, w, A);
}

/// The same of the vectors; `part` of `parts`: this thread's share.
template <class D>
BPQP_HD void sum_vectors(const Batch& batch, const Sums& sums, int part, int parts) {
  const core::Slot* slots = batch.memory.slots;
  const auto sum = [&](void* to, int size, const auto& term) {
    D* const out = static_cast<D*>(to);
    for (int j = part; out && j < size; j += parts) {
      double total = 0;
      for (int b = 0; b < batch.count; ++b)
        if (slots[b].has_gradient) total += term(b, j);
      out[j] = D(total);
    }
  };
  sum(sums.q, batch.n, [&](int b, int j) { return -slots[b].w[j]; });
  sum(sums.l, batch.m, [&](int b, int i) { return slots[b].dl(i); });
  sum(sums.u, batch.m, [&](int b, int i) { return slots[b].du(i); });
}

/// `blocks`: of the grid.
template <class Layout, Thread H>
BPQP_HD void sum_gradients(const H& thread, const Batch& batch, const Sums& sums, int blocks) {
  constexpr int kThreads = Layout::kThreads, kWarps = kThreads / kWarp;
  const int warp = thread.block() * kWarps + thread.index() / kWarp;
  with_type(batch.single, [&]<class D>(D) {
    sum_matrices<D>(WarpTeam<H>(thread), batch, sums, warp, blocks * kWarps);
    sum_vectors<D>(batch, sums, thread.block() * kThreads + thread.index(), blocks * kThreads);
  });
}

}  // namespace bpqp::gpu
