/// \file
/// A first guess of the active set: coordinate ascent on the dual (docs/math.md M62),
///
///   y_i <- the maximiser over y_i alone, and a little beyond it (over-relaxation)
///
/// row after row. It needs no factorisation, costs a column of S per row that moves, and keeps y
/// dual feasible, so that the dual active-set method can go on from any sweep.
/// Source: Hildreth 1957; Cryer 1971 (projected over-relaxation).
/// Reads: Schur with S formed. Writes: y, v, sides. Scaled units. Next: dual_active_set.hpp.
#pragma once

#include "core/exchange.hpp"

namespace bpqp::core {

/// Over-relaxation. Of 1, 1.3 and 1.6 the one that is never the worst (exchanges left on random
/// families with 16 to 200 rows).
constexpr double kAscentRelaxation = 1.3;

/// One sweep over all rows; returns how many joined or left the set.
template <class R, Team T>
BPQP_STAGE int ascent_sweep(
    const T& team, const Schur<R>& schur, const RowSides<R>& rows, const WorkingSet<R>& w, R* v) {
  int changed = 0;
  for (int i = 0; i < schur.m; ++i) {
    const R y = w.y[i], weight = rows.weight[i], step = R(kAscentRelaxation) * weight * weight;
    const R upper = y + step * (v[i] - rows.u[i]), lower = y + step * (v[i] - rows.l[i]);
    const R moved = rows.equality(i) ? upper : upper > 0 ? upper : lower < 0 ? lower : R(0);
    const R change = moved - y;
    if (change == 0 || !(schur.diagonal[i] > 0)) continue;
    changed += (y == 0) != (moved == 0);
    team.sync();  // everybody has read y and v
    if (team.rank() == 0) {
      w.y[i] = moved;
      w.change[i] += change;
    }
    const R* column = schur.S + std::size_t(i) * schur.m;
    for (int j : team.items(schur.m)) v[j] -= column[j] * change;
    team.sync();
  }
  return changed;
}

}  // namespace bpqp::core
