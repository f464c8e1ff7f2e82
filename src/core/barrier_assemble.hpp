/// \file
/// The matrices N and K that an interior point step factors (docs/math.md M43, M44), from the
/// user's data and W^2.
#pragma once

#include "core/barrier_single.hpp"

namespace bpqp::core {

/// Y = general rows of E A D, each times row_factor(i) and, entry j, column_factor(j).
template <class D, class R, Team T, class RowFactor, class ColumnFactor>
BPQP_STAGE void pack_rows(
    const T& team,
    const ProblemView<D>& p,
    const BarrierForm& f,
    const BarrierSystem<R>& s,
    const RowFactor& row_factor,
    const ColumnFactor& column_factor) {
  for (int g = 0; g < f.general; ++g) {
    const int i = s.general[g];
    const R factor = s.scaling.E[i] * row_factor(i);
    const D* row = p.A + std::size_t(i) * p.n;
    R* target = s.Y + std::size_t(g) * p.n;
    for (int j : team.items(p.n)) target[j] = R(row[j]) * factor * column_factor(j);
  }
  team.sync();
}

/// The cones' rows of Y become W^-1 times them. Cones are the last of the general rows.
template <class R, Team T>
BPQP_STAGE void scale_packed_cones(const T& team, const BarrierForm& f, const BarrierSystem<R>& s) {
  R* block = s.Y + std::size_t(f.linear_general) * s.n;
  for (int k = 0; k < s.cones.count; ++k) {
    if (s.is_single(k)) continue;
    const int first = s.cones.first(k), d = s.cones.size(k);
    const R* w = s.nt + first;
    const R factor = 1 / s.eta[first], w0 = w[0];
    R* along = s.s_x;
    for (int j : team.items(s.n)) along[j] = 0;  // a lane touches its own columns only
    for (int i = 1; i < d; ++i)
      for (int j : team.items(s.n)) along[j] += w[i] * block[std::size_t(i) * s.n + j];
    for (int j : team.items(s.n)) {
      const R t = block[j], shift = along[j] / (1 + w0) - t;
      block[j] = factor * (w0 * t - along[j]);
      along[j] = shift;
    }
    for (int i = 1; i < d; ++i)
      for (int j : team.items(s.n)) {
        R& entry = block[std::size_t(i) * s.n + j];
        entry = factor * (entry + along[j] * w[i]);
      }
    block += std::size_t(d) * s.n;
  }
  team.sync();
}

/// The diagonal that bounds add, into H [n]: H += sum over rows with one entry of a^2 weight.
template <class D, class R, Team T>
BPQP_STAGE void add_bounds(const T& team, const ProblemView<D>& p, const BarrierSystem<R>& s) {
  if (team.rank() == 0) {  // several rows may bound one variable
    for (int i = 0; i < p.m; ++i) {
      const int j = s.column[i];
      if (j < 0 || !s.is_linear(i)) continue;
      const R a = s.entry(p, i, j);
      s.H[j] += a * a * s.weight(i);
    }
  }
  team.sync();
}

/// cost beta D P D + diag(H) into M, lower triangle.
template <class D, class R, Team T>
BPQP_STAGE void load_scaled_hessian(
    const T& team, const ProblemView<D>& p, const BarrierForm& f, const BarrierSystem<R>& s) {
  load_hessian(team, p, s.M);
  const R factor = R(f.cost * f.beta);
  for (int j : team.items(p.n)) {
    R* column = s.M + std::size_t(j) * p.n;
    for (int i = j; i < p.n; ++i) column[i] *= factor * s.scaling.D[i] * s.scaling.D[j];
    column[j] += s.H[j];
  }
  team.sync();
}

/// N into M.
template <class D, class R, Team T>
BPQP_STAGE void assemble_by_columns(
    const T& team, const ProblemView<D>& p, const BarrierForm& f, const BarrierSystem<R>& s) {
  for (int j : team.items(p.n)) s.H[j] = R(kBarrierRho);
  team.sync();
  add_bounds(team, p, s);
  add_single_cones(team, p, s);
  load_scaled_hessian(team, p, f, s);
  pack_rows(
      team, p, f, s, [&](int i) { return s.is_linear(i) ? R(std::sqrt(s.weight(i))) : R(1); },
      [&](int j) { return s.scaling.D[j]; });
  scale_packed_cones(team, f, s);
  pack_single_cones(
      team, p, f, s, [&](R eta) { return R(std::sqrt(2.0)) / eta; },
      [&](int j) { return s.scaling.D[j]; });
  add_outer(team, s.Y, p.n, f.packed(), p.n, s.M, p.n);
}

/// The cones' W^2 = eta^2 (2 w w' - J) onto the lower triangle of M [order x order]; top_of(k): the
/// row of M that cone k begins at, -1 if it has none.
template <class R, Team T, class Top>
BPQP_STAGE void add_cone_squares(
    const T& team, const BarrierSystem<R>& s, const Top& top_of, R* M, int order) {
  for (int k : team.items(s.cones.count)) {
    const int first = s.cones.first(k), d = s.cones.size(k);
    const int top = top_of(k);
    if (top < 0) continue;
    const R eta2 = s.eta[first] * s.eta[first];
    for (int c = 0; c < d; ++c) {
      R* column = M + std::size_t(top + c) * order + top;
      for (int r = c; r < d; ++r) column[r] += 2 * eta2 * s.nt[first + r] * s.nt[first + c];
      column[c] += (c == 0 ? -1 : 1) * eta2;
    }
  }
  team.sync();
}

/// H, and K into M.
template <class D, class R, Team T>
BPQP_STAGE void assemble_by_rows(
    const T& team, const ProblemView<D>& p, const BarrierForm& f, const BarrierSystem<R>& s) {
  const R factor = R(f.cost * f.beta);
  for (int j : team.items(p.n)) {
    s.H[j] = factor * R(p.hessian_entry(j)) * s.scaling.D[j] * s.scaling.D[j] + R(kBarrierRho);
  }
  team.sync();
  add_bounds(team, p, s);
  add_single_cones(team, p, s);
  for (int j : team.items(p.n)) s.t_x[j] = s.scaling.D[j] / std::sqrt(s.H[j]);
  team.sync();
  pack_rows(
      team, p, f, s, [](int) { return R(1); }, [&](int j) { return s.t_x[j]; });
  pack_single_cones(
      team, p, f, s, [](R) { return R(1); }, [&](int j) { return s.t_x[j]; });
  gram(team, s.Y, p.n, f.order, p.n, s.M, f.order);
  for (int g : team.items(f.linear_general))
    s.M[std::size_t(g) * f.order + g] += s.w2[s.general[g]] + R(kBarrierDelta);
  const auto top = [&](int k) {
    if (s.is_single(k)) return -1;
    int at = f.linear_general;
    for (int other = 0; other < k; ++other)
      if (!s.is_single(other)) at += s.cones.size(other);
    return at;
  };
  add_cone_squares(team, s, top, s.M, f.order);
  add_single_squares(team, f, s);
}

}  // namespace bpqp::core
