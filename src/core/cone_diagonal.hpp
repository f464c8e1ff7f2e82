/// \file
/// The QP of cone_kkt.hpp where its Hessian can be made diagonal (docs/math.md M61): P is diagonal,
/// and every cone on its boundary has rows with one entry each, the first none (|diag(a) x_k - b|
/// <= r). A multiple of the held row, 2 kappa A'e0 e0'A, makes the curvature kappa A'Q A that of
/// all directions of the tail, kappa diag(a^2); on the row it changes nothing but the right-hand
/// side. So there is nothing to factor but S_WW.
#pragma once

#include "core/cone_qp.hpp"

namespace bpqp::core {

/// The Hessian must be diagonal with entries of at least this part of the largest.
constexpr double kDiagonalDefinite = 1e-8;

/// Whether the Hessian at the states of k is diagonal and safely definite; it goes to
/// k.known.diagonal then.
template <class D, class R, Team T>
BPQP_STAGE bool load_diagonal_hessian(const T& team, const ProblemView<D>& p, const ConeKkt<R>& k) {
  if (!p.known.diagonal || !p.known.column) return false;
  for (int j : team.items(p.n)) k.known.diagonal[j] = p.known.diagonal[j];
  team.sync();
  bool single = true;
  for (int c = 0; c < p.cones.count; ++c) {
    const int first = p.cones.first(c), d = p.cones.size(c);
    if (k.state_of(first) != ConeState::boundary) continue;
    single = single && p.known.value[first] == 0;
    for (int i = first; i < first + d; ++i) {
      single = single && p.known.column[i] >= 0;
      const double a = p.known.value[i];
      if (single && team.rank() == 0)
        k.known.diagonal[p.known.column[i]] += double(k.curvature[first]) * a * a;
    }
  }
  team.sync();
  double least = INFINITY, largest = 0;
  for (int j : team.items(p.n)) {
    least = nan_min(least, k.known.diagonal[j]);
    largest = nan_max(largest, k.known.diagonal[j]);
  }
  least = team.min(least), largest = team.max(largest);
  return single && largest < INFINITY && least > kDiagonalDefinite * largest;
}

/// e0'A of cone c into its row of k.A.
template <class D, class R, Team T>
BPQP_STAGE void load_normal(const T& team, const ProblemView<D>& p, const ConeKkt<R>& k, int c) {
  const int first = p.cones.first(c);
  R* normal = k.A + std::size_t(first) * p.n;
  for (int j : team.items(p.n)) normal[j] = 0;
  team.sync();
  if (team.rank() == 0) {
    k.known.column[first] = -1;
    for (int i = first + 1; i < first + p.cones.size(c); ++i)
      normal[p.known.column[i]] += R(std::sqrt(0.5) * p.known.value[i]) * k.axis[i];
  }
  team.sync();
}

/// The QP into k.known and, where rows have several entries, k.A; false if it has no such form.
template <class D, class R, Team T>
BPQP_STAGE bool load_diagonal_qp(
    const T& team, const ProblemView<D>& p, const ConeKkt<R>& k, const signed char* side) {
  if (!load_diagonal_hessian(team, p, k)) return false;
  const StructureMemory& q = k.known;
  for (int i : team.items(p.m)) {  // rows that are not held are left out
    q.column[i] = side[i] == 0 ? 0 : p.known.column[i];
    q.value[i] = side[i] == 0 ? 0 : p.known.value[i];
    if (q.column[i] >= 0) continue;
    for (int j = 0; j < p.n; ++j) k.A[std::size_t(i) * p.n + j] = R(p.A[std::size_t(i) * p.n + j]);
  }
  team.sync();
  for (int c = 0; c < p.cones.count; ++c)
    if (k.state_of(p.cones.first(c)) == ConeState::boundary) load_normal(team, p, k, c);
  int dense = 0;
  for (int i = 0; i < p.m; ++i) {
    if (q.column[i] >= 0) continue;
    if (team.rank() == 0) q.dense[dense] = i;
    ++dense;
  }
  if (team.rank() == 0) k.form[0] = 1, k.form[1] = dense;
  team.sync();
  return true;
}

/// The factors of that QP, H = D^-2; rows that are not held are left out of Y.
template <class R, Team T>
BPQP_STAGE CondenseReport condense_diagonal(
    const T& team,
    const ProblemView<R>& qp,
    const signed char* side,
    const Condensed<R>& c,
    R* diagonal) {
  const Scaling<R> scale = c.scaling;
  for (int j : team.items(qp.n)) scale.D[j] = R(1 / std::sqrt(qp.known.diagonal[j]));
  team.sync();
  for (int i : team.items(qp.m)) {
    scale.E[i] = 1;
    diagonal[i] = 0;
    if (side[i] == 0) continue;
    R* row = c.Y + std::size_t(i) * qp.n;
    const int column = qp.known.column[i];
    for (int j = 0; j < qp.n; ++j)
      row[j] = column < 0 ? qp.A[std::size_t(i) * qp.n + j] * scale.D[j] : R(0);
    if (column >= 0) row[column] = R(qp.known.value[i]) * scale.D[column];
    const double squares = double(dot(row, row, qp.n));
    if (squares > 0) scale.E[i] = R(floor_power_of_two(1 / std::sqrt(squares)));
    for (int j = 0; j < qp.n; ++j) row[j] *= scale.E[i];
    diagonal[i] = R(squares) * scale.E[i] * scale.E[i];
  }
  team.sync();
  CondenseReport report;
  report.diagonal = true;
  report.outcome = Condensing::done;
  return report;
}

}  // namespace bpqp::core
