/// \file
/// The working set of the active-set methods and the factor of its Schur complement:
///
///   S_WW = L L',  W = list[0 ... k) in the order in which rows joined          (docs/math.md M16)
///
/// Rows that depend on those before them are kept out: their pivot
/// S_ii - s'S_WW^-1 s falls below kDependent S_ii. Scaled units throughout.
#pragma once

#include <type_traits>

#include "core/list.hpp"
#include "core/schur.hpp"

namespace bpqp::core {

/// A row whose pivot is below this times its own S_ii counts as dependent on the working set.
/// Rounding leaves about 1e-15 k; rows at an angle of 1e-6 have 1e-12.
constexpr double kDependent = 1e-13;

template <class R>
struct WorkingSet {
  int capacity = 0;     ///< most rows: min(2 n, m). No more than n are independent, but
                        ///< with S + mu I the set may be larger
  int* list = nullptr;  ///< [capacity] rows in the order of the factor
  typename LaneTraits<R>::Side* side = nullptr;  ///< [m] 1: at u, -1: at l, 0: not in the set
  R* y = nullptr;                                ///< [m] multipliers, zero off the set
  R* change = nullptr;      ///< [m] sum of the changes of y since `change` was last set to zero
                            ///< (each pass does): steps that refine x, too small to be seen in
                            ///< a difference of two y
  R* L = nullptr;           ///< [capacity x capacity] column-major, lower
  int size = 0;             ///< k; the same on every lane, each lane has its own copy
  bool least_norm = false;  ///< K is not known to be regular and P is singular: derivatives are
                            ///< those of least_norm.hpp; likewise the same on every lane

  BPQP_HD static WorkingSet lay_out(Arena& arena, int n, int m) {
    WorkingSet w;
    w.capacity = 2 * n < m ? 2 * n : m;
    w.list = arena.take<int>(w.capacity);
    w.side = arena.take<typename LaneTraits<R>::Side>(m);
    w.y = arena.take<R>(m);
    w.change = arena.take<R>(m);
    w.L = arena.take<R>(std::size_t(w.capacity) * w.capacity);
    return w;
  }

  BPQP_HD R& factor(int i, int j) const { return L[std::size_t(j) * capacity + i]; }
  BPQP_HD Mask<R> held(int row) const { return side[row] != 0; }
};

/// Appends `row` if it is independent of the set: s [capacity] becomes L^-1 S_W,row on return
/// (needed for the ray if it is dependent). Returns whether the row joined. side and y are the
/// caller's to set.
template <class R, Team T>
BPQP_STAGE bool append(
    const T& team,
    const Schur<R>& schur,
    WorkingSet<R>& w,
    int row,
    R* s,
    double dependent = kDependent) {
  const int k = w.size;
  schur.column(team, row, w.list, k, s);
  solve_lower(team, w.L, k, w.capacity, s, 1, w.capacity);
  double squares = 0;
  for (int j : team.items(k)) squares += double(s[j]) * double(s[j]);
  const double whole = double(schur.pivot(row)), pivot = whole - team.sum(squares);
  if (k == w.capacity || !(pivot > dependent * whole)) return false;
  for (int j : team.items(k)) w.factor(k, j) = s[j];
  if (team.rank() == 0) {
    w.factor(k, k) = R(std::sqrt(pivot));
    w.list[k] = row;
  }
  team.sync();
  w.size = k + 1;
  return true;
}

/// Removes the row at `position` of the list: its row of the factor goes, and rotations of
/// neighbouring columns make the rest triangular again.
template <class R, Team T>
BPQP_STAGE void remove(const T& team, WorkingSet<R>& w, int position) {
  const int k = w.size;
  // Shift rows up, one row at a time across all columns (lanes own columns).
  for (int j : team.items(k)) {
    R* column = w.L + std::size_t(j) * w.capacity;
    for (int i = j > position ? j - 1 : position; i + 1 < k; ++i) column[i] = column[i + 1];
  }
  if (team.rank() == 0)
    for (int i = position; i + 1 < k; ++i) w.list[i] = w.list[i + 1];
  team.sync();
  for (int c = position; c + 1 < k; ++c) {  // rotate columns c, c + 1 to zero entry (c, c + 1)
    R* left = w.L + std::size_t(c) * w.capacity;
    R* right = left + w.capacity;
    const R a = left[c], b = right[c];
    const R length = std::sqrt(a * a + b * b);
    const R cosine = a / length, sine = b / length;
    team.sync();  // everybody has read a and b
    for (int i : team.items(k - 1 - c)) {
      const R p = left[c + i], r = right[c + i];
      left[c + i] = cosine * p + sine * r;
      right[c + i] = cosine * r - sine * p;
    }
    team.sync();
  }
  w.size = k - 1;
}

/// Fills w.list with the rows whose side is not 0, equalities first (they never leave), then by
/// index, and w.size with their number; false if they are more than can be independent.
template <class R, Team T>
BPQP_STAGE bool list_rows(const T& team, WorkingSet<R>& w, int m, const R* l, const R* u) {
  int k = 0;
  for (const bool equalities : {true, false}) {
    const int listed = k;
    k += list_where(
        team, m, [&](int i) { return w.side[i] != 0 && (l[i] == u[i]) == equalities; },
        [&](int at, int i) {
          if (listed + at < w.capacity) w.list[listed + at] = i;
        });
  }
  team.sync();
  w.size = k < w.capacity ? k : w.capacity;
  return k <= w.capacity;
}

/// Whether the listed rows follow each other, so that their S_WW is one product.
template <class R>
BPQP_HD bool rows_follow(const WorkingSet<R>& w) {
  for (int j = 1; j < w.size; ++j)
    if (w.list[j] != w.list[0] + j) return false;
  return true;
}

/// In the lanes of a pack that do not hold a listed row, that of w.L becomes one of the identity
/// (docs/math.md M63).
template <class R, Team T>
BPQP_STAGE void separate_lanes(const T& team, const WorkingSet<R>& w) {
  for (int j : team.items(w.size))
    for (int i = j; i < w.size; ++i) {
      const Mask<R> both = w.held(w.list[i]) & w.held(w.list[j]);
      w.factor(i, j) = select(both, w.factor(i, j), R(i == j ? 1 : 0));
    }
  team.sync();
}

/// w.L = S_WW for the listed rows, lower triangle, from S [m x m].
template <class R, Team T>
BPQP_STAGE void gather_listed(const T& team, const R* S, int m, const WorkingSet<R>& w) {
  for (int j : team_rows(team, w.size)) {
    const R* column = S + std::size_t(w.list[j]) * m;
    for (int i : row_entries(team, w.size - j)) w.factor(j + i, j) = column[w.list[j + i]];
  }
  team.sync();
}

/// w.L = S_WW for the listed rows, lower triangle.
template <class R, Team T>
BPQP_STAGE void form_listed(const T& team, const Schur<R>& schur, const WorkingSet<R>& w) {
  const int k = w.size;
  const bool block = !schur.S && schur.mu == 0 && k > 1 && rows_follow(w);
  if (block)
    gram(team, schur.Y + std::size_t(w.list[0]) * schur.n, schur.n, k, schur.n, w.L, w.capacity);
  else if (schur.S && schur.mu == 0)
    gather_listed(team, schur.S, schur.m, w);
  else
    for (int j = 0; j < k; ++j) schur.column(team, w.list[j], w.list + j, k - j, &w.factor(j, j));
  if constexpr (!std::is_same_v<Mask<R>, bool>) separate_lanes(team, w);
}

/// The factor of all listed rows in one Cholesky; false if a row depends on those before it.
template <class R, Team T>
BPQP_STAGE Mask<R> factor_listed(
    const T& team, const Schur<R>& schur, const WorkingSet<R>& w, double dependent) {
  using W = Wide<R>;
  form_listed(team, schur, w);
  const Mask<R> positive = cholesky(team, w.L, w.size, w.capacity).positive;
  if (!any(positive)) return positive;
  W some = 0;
  for (int j : team.items(w.size)) {
    const W root = W(w.factor(j, j));
    const Mask<R> clear = root * root > W(dependent) * W(schur.pivot(w.list[j]));
    some = select(clear | !w.held(w.list[j]), some, W(1));
  }
  return positive & (team.max(some) == W(0));
}

/// Takes the rows with side 0 off the list and out of the factor, in which they have no part.
template <class R, Team T>
BPQP_STAGE void close_gaps(const T& team, WorkingSet<R>& w) {
  const auto stays = [&](int position) { return w.side[w.list[position]] != 0; };
  for (int j : team.items(w.size)) {
    R* column = w.L + std::size_t(j) * w.capacity;
    for (int i = 0, to = 0; i < w.size; ++i) {
      if (!stays(i)) continue;
      if (i >= j) column[to] = column[i];
      ++to;
    }
  }
  team.sync();
  int kept = 0;
  for (int j = 0; j < w.size; ++j) {
    if (!stays(j)) continue;
    if (kept < j) {
      const R* from = w.L + std::size_t(j) * w.capacity;
      R* to = w.L + std::size_t(kept) * w.capacity;
      for (int i : team.items(w.size)) to[i] = from[i];
      const int row = w.list[j];
      team.sync();
      if (team.rank() == 0) w.list[kept] = row;
      team.sync();
    }
    ++kept;
  }
  w.size = kept;
}

/// The factor of those listed rows that do not depend on others before them; the rest leaves the
/// list with side 0. least is scratch [capacity].
template <class R, Team T>
BPQP_STAGE void factor_independent(
    const T& team, const Schur<R>& schur, WorkingSet<R>& w, R* least, double dependent) {
  form_listed(team, schur, w);
  for (int j : team.items(w.size)) least[j] = R(dependent) * schur.pivot(w.list[j]);
  team.sync();
  cholesky_of_independent(team, w.L, w.size, w.capacity, least);
  for (int j : team.items(w.size))
    if (!(w.factor(j, j) < R(INFINITY))) w.side[w.list[j]] = 0;
  team.sync();
  close_gaps(team, w);
}

/// rebuild() where there are more rows than there is room for: one by one, so that each can be
/// refused.
template <class R, Team T>
BPQP_STAGE void append_each(
    const T& team,
    const Schur<R>& schur,
    WorkingSet<R>& w,
    const R* l,
    const R* u,
    R* s,
    double dependent) {
  w.size = 0;
  for (int equalities = 1; equalities >= 0; --equalities) {
    for (int i = 0; i < schur.m; ++i) {
      const bool wanted = w.side[i] != 0 && (l[i] == u[i]) == (equalities == 1);
      if (!wanted || append(team, schur, w, i, s, dependent)) continue;
      team.sync();
      if (team.rank() == 0) w.side[i] = 0;
      team.sync();
    }
  }
}

/// Makes the factor anew for the rows whose side is not 0. Rows that depend on those before them
/// get side 0 (their y is left for release()). s is scratch [capacity].
template <class R, Team T>
BPQP_STAGE void rebuild(
    const T& team,
    const Schur<R>& schur,
    WorkingSet<R>& w,
    const R* l,
    const R* u,
    R* s,
    double dependent = kDependent) {
  if (!list_rows(team, w, schur.m, l, u))
    append_each(team, schur, w, l, u, s, dependent);
  else if (!factor_listed(team, schur, w, dependent))
    factor_independent(team, schur, w, s, dependent);
}

/// By how much row i's activity v exceeds the side that the row is held at.
template <class R>
BPQP_HD R off_side(const WorkingSet<R>& w, const R* v, const R* l, const R* u, int i) {
  return v[i] - select(w.side[i] > 0, u[i], l[i]);
}

/// d [k] = S_WW^-1 (v_W - t_W), t the side that each row is held at: the change of multipliers with
/// which the rows of the set hold with equality, from activities v (docs/math.md M17).
template <class R, Team T>
BPQP_STAGE void stationary_step(
    const T& team, const WorkingSet<R>& w, const R* v, const R* l, const R* u, R* d) {
  for (int j : team.items(w.size)) {
    const int i = w.list[j];
    d[j] = select(w.held(i), off_side(w, v, l, u, i), R(0));
  }
  team.sync();
  cholesky_solve(team, w.L, w.size, w.capacity, d);
}

/// The same where only the row that joined last is off its side, by `excess`: L'd = L^-1 (0 ... 0,
/// excess).
template <class R, Team T>
BPQP_STAGE void newest_step(const T& team, const WorkingSet<R>& w, R excess, R* d) {
  const int k = w.size - 1;
  const R root = w.factor(k, k), last = excess / (root * root);
  for (int j : team.items(k)) d[j] = -w.factor(k, j) * last;
  if (team.rank() == 0) d[k] = last;
  team.sync();
  solve_lower_transposed(team, w.L, k, w.capacity, d, 1, w.capacity);
}

}  // namespace bpqp::core
