/// \file
/// Cones whose rows have one entry each, the first none: |diag(a) x_k - b| <= r, in the systems of
/// barrier_system.hpp (docs/math.md M60). With w the Nesterov-Todd point,
///
///   A_k'W^-2 A_k = (diag(a^2) + 2 p p')/eta^2,   p = sum over the tail of -w_i a_i e_j,
///
/// so that such a cone adds to the diagonal, as bounds do, and one row p with W^2 = eta^2/2,
/// instead of its d rows.
#pragma once

#include "core/barrier_system.hpp"

namespace bpqp::core {

/// Sets s.column in the rows of such cones and counts them; -1 is in the rows of all cones.
template <class D, class R, Team T>
BPQP_STAGE int find_single_cones(
    const T& team, const ProblemView<D>& p, const BarrierSystem<R>& s) {
  int count = 0;
  for (int k = 0; k < s.cones.count && p.known.column; ++k) {
    const int first = s.cones.first(k), d = s.cones.size(k);
    bool single = p.known.value[first] == 0;
    for (int i = first; i < first + d; ++i) single = single && p.known.column[i] >= 0;
    if (!single) continue;
    ++count;
    for (int i : team.items(d)) s.column[first + i] = p.known.column[first + i];
  }
  team.sync();
  return count;
}

/// visit(k, index) for every single cone; index counts them.
template <class R, class Visit>
BPQP_HD void for_single_cones(const BarrierSystem<R>& s, const Visit& visit) {
  int index = 0;
  for (int k = 0; k < s.cones.count; ++k)
    if (s.is_single(k)) visit(k, index++);
}

/// H [n] += a^2/eta^2.
template <class D, class R, Team T>
BPQP_STAGE void add_single_cones(
    const T& team, const ProblemView<D>& p, const BarrierSystem<R>& s) {
  if (team.rank() == 0) {  // several rows may have their entry in one column
    for_single_cones(s, [&](int k, int) {
      const int first = s.cones.first(k), d = s.cones.size(k);
      const R eta2 = s.eta[first] * s.eta[first];
      for (int i = first + 1; i < first + d; ++i) {
        const int j = s.column[i];
        const R a = s.entry(p, i, j);
        s.H[j] += a * a / eta2;
      }
    });
  }
  team.sync();
}

/// p of every single cone, behind the general rows of Y: entry j times cone_factor(eta) and
/// column_factor(j), which has D in it.
template <class D, class R, Team T, class ConeFactor, class ColumnFactor>
BPQP_STAGE void pack_single_cones(
    const T& team,
    const ProblemView<D>& p,
    const BarrierForm& f,
    const BarrierSystem<R>& s,
    const ConeFactor& cone_factor,
    const ColumnFactor& column_factor) {
  if (f.single_cones == 0) return;
  R* rows = s.Y + std::size_t(f.general) * p.n;
  for (int j : team.items(f.single_cones * p.n)) rows[j] = 0;
  team.sync();
  if (team.rank() == 0) {
    for_single_cones(s, [&](int k, int index) {
      const int first = s.cones.first(k), d = s.cones.size(k);
      const R factor = cone_factor(s.eta[first]) * s.scaling.E[first];
      for (int i = first + 1; i < first + d; ++i) {
        const int j = s.column[i];
        rows[std::size_t(index) * p.n + j] -=
            factor * s.nt[i] * R(p.known.value[i]) * column_factor(j);
      }
    });
  }
  team.sync();
}

/// W^2 = eta^2/2 of the rows p onto the diagonal of K.
template <class R, Team T>
BPQP_STAGE void add_single_squares(const T& team, const BarrierForm& f, const BarrierSystem<R>& s) {
  for_single_cones(s, [&](int k, int index) {
    const int row = f.general + index;
    const R eta = s.eta[s.cones.first(k)];
    if (team.rank() == 0) s.M[std::size_t(row) * f.order + row] += eta * eta / 2;
  });
  team.sync();
}

/// g [packed rows] gets p'x of the single cones, from Ax = A x.
template <class R, Team T>
BPQP_STAGE void single_cone_products(
    const T& team, const BarrierForm& f, const BarrierSystem<R>& s, const R* Ax, R* g) {
  for_single_cones(s, [&](int k, int index) {
    const int first = s.cones.first(k);
    if (team.rank() == 0)
      g[f.general + index] = R(-soc::tail_dot(s.nt + first, Ax + first, s.cones.size(k)));
  });
}

/// y [m] gets p g as A'y, in the rows of the single cones.
template <class R, Team T>
BPQP_STAGE void spread_single_cones(
    const T& team, const BarrierForm& f, const BarrierSystem<R>& s, const R* g, R* y) {
  for_single_cones(s, [&](int k, int index) {
    const int first = s.cones.first(k);
    const R factor = g[f.general + index];
    for (int i : team.items(s.cones.size(k)))
      y[first + i] = i == 0 ? R(0) : -factor * s.nt[first + i];
  });
}

/// y becomes W^-2 y - t in the rows of the single cones.
template <class R, Team T>
BPQP_STAGE void divide_single_cones(const T& team, const BarrierSystem<R>& s, const R* t, R* y) {
  for (int k : team.items(s.cones.count)) {
    if (!s.is_single(k)) continue;
    const int first = s.cones.first(k), d = s.cones.size(k);
    for (int twice = 0; twice < 2; ++twice)
      soc::scale(double(s.eta[first]), s.nt + first, d, true, y + first);
    for (int i = first; i < first + d; ++i) y[i] -= t[i];
  }
  team.sync();
}

}  // namespace bpqp::core
