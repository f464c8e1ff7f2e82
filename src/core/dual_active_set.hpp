/// \file
/// The dual active-set method: from multipliers of the right signs to the solution, in finitely
/// many exchanges, each of which raises the dual objective (docs/math.md M19-M22):
///
///   maximise over y   -1/2 y'S y + c'y - h(y),   h(y) = sum u_i max(y_i, 0) + l_i min(y_i, 0)
///
/// Rows that depend on the working set are never added to it: the multipliers move along the ray on
/// which the working set's rows cancel the new one, until a row leaves; a ray without end is a
/// certificate of infeasibility. Source: Goldfarb and Idnani 1983; Arnstrom, Bemporad and Axehill
/// 2022 (DAQP), here on the Schur complement and warm-started.
/// Reads and writes: WorkingSet. Scaled units.
#pragma once

#include "core/exchange.hpp"

namespace bpqp::core {

enum class DualOutcome : int { optimal = 0, infeasible, exchange_limit, failed };

struct DualReport {
  DualOutcome outcome = DualOutcome::failed;
  int exchanges = 0;
};

/// A multiplier of the ray below this (largest 1) does not count as moving.
constexpr double kRayTolerance = 1e-9;

/// Memory of the method.
template <class R>
struct DualScratch {
  R* step = nullptr;   ///< [m]
  R* price = nullptr;  ///< [m]
};

/// The row that violates its sides most, per unit of sqrt(S_ii) (its distance in the norm of H).
/// index -1: none does. value infinite: arithmetic broke down. price [m] is scratch. Rows of the
/// set cannot be picked: the noise was measured on them.
template <class R, Team T>
BPQP_STAGE Pick most_violated(const T& team, const RowSides<R>& rows, int m, const R* v, R* price) {
  const R *lowest = rows.lowest, *highest = rows.highest, *weight = rows.weight;
  const R noise = R(rows.noise);
  if (!(noise < INFINITY)) return {INFINITY, -1};
  for (int i : team.items(m)) {  // without branches, for SIMD
    const R above = v[i] - highest[i], below = lowest[i] - v[i];
    const R excess = above > below ? above : below;
    const R distance = excess <= noise ? R(0) : excess * weight[i];
    price[i] = distance < R(INFINITY) ? distance : R(INFINITY);  // NaN too
  }
  team.sync();
  return largest_of(team, price, m);
}

/// Longest step t in [0, limit] along y_W += t d for which no inequality's multiplier changes sign.
/// index: position in the list that blocks, -1 if none does.
template <class R, Team T>
BPQP_STAGE Pick longest_step(
    const T& team,
    const RowSides<R>& rows,
    const WorkingSet<R>& w,
    const R* d,
    double limit,
    double ignore) {
  Pick mine{-limit, -1};
  for (int j : team.items(w.size)) {
    const int i = w.list[j];
    const double slope = double(w.side[i]) * double(d[j]), y = std::fabs(double(w.y[i]));
    const bool shorter = y < slope * mine.value;
    if (bool(unsigned(shorter) & unsigned(slope < -ignore) & unsigned(!rows.equality(i))))
      mine = {y / slope, j};
  }
  const Pick best = pick_largest(team, mine);
  return {-best.value, best.index};
}

/// Takes the row at `position` out of the working set.
template <class R, Team T>
BPQP_STAGE void drop(const T& team, WorkingSet<R>& w, int position) {
  const int row = w.list[position];
  team.sync();
  if (team.rank() == 0) {
    w.side[row] = 0;
    w.y[row] = 0;
  }
  remove(team, w, position);
}

/// Moves the multipliers of the set along d by the part t of it that a row which blocks allows.
template <class R, Team T>
BPQP_STAGE void partial_step(
    const T& team, const Schur<R>& schur, const WorkingSet<R>& w, R* v, R* d, double t) {
  for (int j : team.items(w.size)) d[j] *= R(t);
  team.sync();
  change_multipliers(team, schur, w, w.list, w.size, d, v);
}

/// Steps along d, which step() sets, until one goes through, dropping rows whose multipliers would
/// change sign on the way. Returns the rows dropped.
template <class R, Team T, class Step>
BPQP_STAGE int settle_by(
    const T& team,
    const Schur<R>& schur,
    RowSides<R>& rows,
    WorkingSet<R>& w,
    R* v,
    R* d,
    int limit,
    const Step& step) {
  int dropped = 0;
  for (; dropped <= limit; ++dropped) {
    step();
    const Pick block = longest_step(team, rows, w, d, 1.0, 0.0);
    if (block.index < 0) {
      full_step(team, schur, rows, w, v, d);
      break;
    }
    partial_step(team, schur, w, v, d, block.value);
    drop(team, w, block.index);
  }
  return dropped;
}

/// Moves to the stationary point of the working set.
template <class R, Team T>
BPQP_STAGE int settle(
    const T& team,
    const Schur<R>& schur,
    RowSides<R>& rows,
    WorkingSet<R>& w,
    R* v,
    R* d,
    int limit) {
  return settle_by(
      team, schur, rows, w, v, d, limit, [&] { stationary_step(team, w, v, rows.l, rows.u, d); });
}

/// The same where only the row that joined last is off its side, the others lying on theirs but for
/// rounding, which is left: half the work of a step.
template <class R, Team T>
BPQP_STAGE int settle_newest(
    const T& team,
    const Schur<R>& schur,
    RowSides<R>& rows,
    WorkingSet<R>& w,
    R* v,
    R* d,
    int limit) {
  const int row = w.list[w.size - 1];
  const R side = w.side[row] > 0 ? rows.u[row] : rows.l[row];
  return settle_by(
      team, schur, rows, w, v, d, limit, [&] { newest_step(team, w, v[row] - side, d); });
}

/// Adds the violated `row` (side +-1). Where it depends on the set, moves along the ray first; on
/// `infeasible`, w.change is the ray: A'y = 0, h(y) < 0, up to rounding; y stays as it was.
template <class R, Team T>
BPQP_STAGE DualOutcome add_row(
    const T& team,
    const Schur<R>& schur,
    const RowSides<R>& rows,
    WorkingSet<R>& w,
    int row,
    int side,
    R* s,
    int& exchanges) {
  double moved = 0;
  for (int attempt = 0; attempt <= w.capacity; ++attempt) {
    if (append(team, schur, w, row, s)) {
      if (team.rank() == 0) {
        w.side[row] = (signed char)side;
        w.y[row] = R(side * moved);
        w.change[row] += R(side * moved);
      }
      team.sync();
      return DualOutcome::optimal;
    }
    // The ray: y_row += t side, y_W -= t side S_WW^-1 s.
    solve_lower_transposed(team, w.L, w.size, w.capacity, s, 1, w.capacity);
    for (int j : team.items(w.size)) s[j] *= R(-side);
    const double largest = abs_max(team, s, w.size);
    const double ignore = kRayTolerance * (largest > 1 ? largest : 1);
    const Pick block = longest_step(team, rows, w, s, INFINITY, ignore);
    if (block.index < 0) {
      for (int i : team.items(schur.m)) w.change[i] = i == row ? R(side) : R(0);
      team.sync();
      for (int j : team.items(w.size)) w.change[w.list[j]] = s[j];
      team.sync();
      return DualOutcome::infeasible;
    }
    for (int j : team.items(w.size)) {
      w.y[w.list[j]] += R(block.value) * s[j];
      w.change[w.list[j]] += R(block.value) * s[j];
    }
    moved += block.value;
    team.sync();
    drop(team, w, block.index);
    ++exchanges;
  }
  return DualOutcome::failed;
}

/// Runs from w (sides, y of the right signs, factor) and its activities v [m] to optimality.
template <class R, Team T>
BPQP_STAGE DualReport dual_active_set(
    const T& team,
    const Schur<R>& schur,
    RowSides<R>& rows,
    WorkingSet<R>& w,
    R* v,
    const DualScratch<R>& scratch,
    int max_exchanges) {
  R* d = scratch.step;
  DualReport report;
  report.exchanges = settle(team, schur, rows, w, v, d, max_exchanges);
  bool exact = true;  // the last step was from the activities as they are
  while (report.exchanges <= max_exchanges) {
    const int left = max_exchanges - report.exchanges;
    const Pick worst = most_violated(team, rows, schur.m, v, scratch.price);
    if (worst.value == INFINITY || (worst.index >= 0 && w.side[worst.index] != 0))
      return {DualOutcome::failed, report.exchanges};
    if (worst.index < 0 && exact) return {DualOutcome::optimal, report.exchanges};
    exact = worst.index < 0;
    if (exact) {
      report.exchanges += settle(team, schur, rows, w, v, d, left);
      continue;
    }
    const int side = v[worst.index] > rows.u[worst.index] ? 1 : -1;
    ++report.exchanges;
    const DualOutcome outcome =
        add_row(team, schur, rows, w, worst.index, side, d, report.exchanges);
    if (outcome != DualOutcome::optimal) return {outcome, report.exchanges};
    report.exchanges += settle_newest(team, schur, rows, w, v, d, left);
  }
  return {DualOutcome::exchange_limit, report.exchanges};
}

}  // namespace bpqp::core
