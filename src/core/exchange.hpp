/// \file
/// Guess and block exchange (docs/math.md M18): solve on the working set, drop every row of wrong
/// sign, add every violated row, repeat. From a good guess it ends in one to three rounds; where it
/// does not, dual_active_set.hpp takes over from the last multipliers.
/// Reads: a dual guess. Writes: WorkingSet. Scaled units.
#pragma once

#include "core/active_set.hpp"
#include "core/problem_view.hpp"

namespace bpqp::core {

/// Rounding on other rows may be this much larger than on the rows where it is measured.
constexpr double kNoiseMargin = 10;

/// The rows' sides in scaled units. The constraint-space problem is known by a pair (y, v) of
/// multipliers and activities that belong together: a change d of y changes v by -S d.
template <class R>
struct RowSides {
  const R* l = nullptr;  ///< [m]
  const R* u = nullptr;  ///< [m]
  double tolerance = 0;  ///< a row may exceed its side by this times 1 + |side|, and by `noise`
  Wide<R> noise = 0;     ///< rounding in the activities, as measured on rows held at their sides
  const R* lowest = nullptr;  ///< [m] activities below, or above `highest`, violate their side (but
  const R* highest = nullptr;  ///< [m] for noise)
  const R* weight = nullptr;   ///< [m] 1 / sqrt(S_ii)

  BPQP_HD Mask<R> equality(int i) const { return l[i] == u[i]; }

  /// By how much v lies outside [l_i, u_i]: positive above, negative below; NaN stays.
  BPQP_HD Wide<R> violation(int i, Wide<R> v) const {
    using W = Wide<R>;
    const W lower = W(l[i]), upper = W(u[i]), part = W(tolerance);
    const Mask<R> above = v > upper + (noise + part * (W(1) + magnitude(upper)));
    const Mask<R> below = v < lower - (noise + part * (W(1) + magnitude(lower)));
    return select(above, v - upper, select(below, v - lower, select(v == v, W(0), v)));
  }
};

/// lowest, highest and weight of RowSides. Where S_ii = 0 no step moves the row, and its violation
/// counts before all others.
template <class R, Team T>
BPQP_STAGE void measure_rows(
    const T& team,
    const R* l,
    const R* u,
    const R* diagonal,
    double tolerance,
    int m,
    R* lowest,
    R* highest,
    R* weight) {
  constexpr double kUnmoved = 1e30;
  for (int i : team.items(m)) {
    lowest[i] = l[i] - R(tolerance) * (R(1) + magnitude(l[i]));
    highest[i] = u[i] + R(tolerance) * (R(1) + magnitude(u[i]));
    weight[i] = select(diagonal[i] > R(0), R(1) / root_of(diagonal[i]), R(kUnmoved));
  }
  team.sync();
}

/// The working set of the multipliers y: rows with y != 0 at the side of its sign, and equalities.
/// (OSQP's rule z - l < -y, u - z < y, for a pair (z, y) that came from a projection.)
template <class R, Team T>
BPQP_STAGE void guess_sides(const T& team, int m, const R* l, const R* u, const WorkingSet<R>& w) {
  using Side = typename LaneTraits<R>::Side;
  for (int i : team.items(m)) {
    const Mask<R> up = w.y[i] > R(0), low = w.y[i] < R(0);
    const Side of_sign =
        select(up & has_upper(u[i]), Side(1), select(low & has_lower(l[i]), Side(-1), Side(0)));
    w.side[i] = select(l[i] == u[i], select(low, Side(-1), Side(1)), of_sign);
    w.y[i] = select(w.held(i), w.y[i], R(0));
  }
  team.sync();
}

/// Adds d [k] to the multipliers of list [k]; v follows.
template <class R, Team T>
BPQP_STAGE void change_multipliers(
    const T& team,
    const Schur<R>& schur,
    const WorkingSet<R>& w,
    const int* list,
    int k,
    const R* d,
    R* v) {
  for (int j : team.items(k)) {
    w.y[list[j]] += d[j];
    w.change[list[j]] += d[j];
  }
  team.sync();
  schur.move(team, list, k, d, v);
}

/// Sets y to zero off the set, and to the sign of the row's side on it, so that y is dual feasible;
/// v follows. list [m], d [m] are scratch.
template <class R, Team T>
BPQP_STAGE void release(
    const T& team,
    const Schur<R>& schur,
    const RowSides<R>& rows,
    const WorkingSet<R>& w,
    R* v,
    int* list,
    R* d) {
  using W = Wide<R>;
  const auto leaves = [&](int i) -> Mask<R> {
    const Mask<R> wrong = (!rows.equality(i)) & (W(w.side[i]) * W(w.y[i]) < W(0));
    return (w.y[i] != R(0)) & ((!w.held(i)) | wrong);
  };
  const int count = list_where(
      team, schur.m, [&](int i) { return any(leaves(i)); },
      [&](int at, int i) {
        list[at] = i;
        d[at] = select(leaves(i), -w.y[i], R(0));
      });
  team.sync();
  if (count > 0) change_multipliers(team, schur, w, list, count, d, v);
}

/// Changes the multipliers of the set by d, its stationary step, and measures rows.noise: a row of
/// the set should now lie on its side, and how far off it lies is what rounding did to all
/// activities.
template <class R, Team T>
BPQP_STAGE void full_step(
    const T& team, const Schur<R>& schur, RowSides<R>& rows, const WorkingSet<R>& w, R* v, R* d) {
  change_multipliers(team, schur, w, w.list, w.size, d, v);
  Wide<R> off = 0;
  for (int j : team.items(w.size)) {
    const int i = w.list[j];
    const R distance = magnitude(off_side(w, v, rows.l, rows.u, i));
    off = nan_max(off, Wide<R>(select(w.held(i), distance, R(0))));
  }
  rows.noise = kNoiseMargin * team.max(off);
}

/// What a round of exchange does to a row (docs/math.md M18).
template <class R>
struct NextSide {
  typename LaneTraits<R>::Side side;
  Mask<R> differs;  ///< the row is exchanged; an equality that only turns over is not
  Wide<R> excess;   ///< RowSides::violation of a row that is not held, else 0
};

template <class R>
BPQP_HD NextSide<R> next_side(const RowSides<R>& rows, const WorkingSet<R>& w, const R* v, int i) {
  using W = Wide<R>;
  using Side = typename LaneTraits<R>::Side;
  const Mask<R> held = w.held(i), equality = rows.equality(i);
  const Mask<R> right = equality | (W(w.side[i]) * W(w.y[i]) >= W(0));
  const W excess = select(held, W(0), rows.violation(i, W(v[i])));
  const Side of_sign = select(w.y[i] < R(0), Side(-1), Side(1));
  const Side kept = select(equality, of_sign, select(right, w.side[i], Side(0)));
  const Side joins = select(excess > W(0), Side(1), select(excess < W(0), Side(-1), Side(0)));
  const Mask<R> differs = ((!right) & held) | (!(excess == W(0)));
  return {select(held, kept, joins), differs, excess};
}

/// One round: the stationary multipliers of the set, then every row of wrong sign out and every
/// violated row in. Returns the number of rows exchanged (0: KKT holds on all rows). On return the
/// factor is that of the round's set, the sides those of the next. list [m], d [m] are scratch.
template <class R, Team T>
BPQP_STAGE int exchange_round(
    const T& team,
    const Schur<R>& schur,
    RowSides<R>& rows,
    WorkingSet<R>& w,
    R* v,
    int* list,
    R* d) {
  rebuild(team, schur, w, rows.l, rows.u, d);
  release(team, schur, rows, w, v, list, d);
  stationary_step(team, w, v, rows.l, rows.u, d);
  full_step(team, schur, rows, w, v, d);
  double exchanged = 0;
  for (int i : team.items(schur.m)) {
    const NextSide<R> next = next_side(rows, w, v, i);
    w.side[i] = next.side;
    exchanged += next.differs;
  }
  return int(team.sum(exchanged));
}

}  // namespace bpqp::core
