#include <algorithm>
#include <cmath>
#include <limits>

#include "support/elimination.hpp"
#include "support/interior_point.hpp"
#include "support/oracle.hpp"

namespace bpqp::test {
namespace {

constexpr Long kFound = 1e-12L;  // rounding of long double times a condition number of 1e6

std::vector<int> active_rows(const std::vector<int>& side) {
  std::vector<int> rows;
  for (std::size_t i = 0; i < side.size(); ++i)
    if (side[i] != 0) rows.push_back(int(i));
  return rows;
}

Dense<Long> kkt_matrix(const DenseProblem& p, const std::vector<int>& rows) {
  const int n = p.n, k = int(rows.size());
  Dense<Long> K(n + k, n + k);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) K(i, j) = p.p(i, j);
  for (int r = 0; r < k; ++r)
    for (int j = 0; j < n; ++j) K(n + r, j) = K(j, n + r) = p.row(rows[std::size_t(r)])[j];
  return K;
}

bool independent_rows(const DenseProblem& p, const std::vector<int>& rows) {
  Dense<Long> a(int(rows.size()), p.n);
  for (std::size_t r = 0; r < rows.size(); ++r) {  // unit rows: the rank must not depend on scale
    Long norm = 0;
    for (int j = 0; j < p.n; ++j) norm = std::max(norm, std::fabs(Long(p.row(rows[r])[j])));
    for (int j = 0; j < p.n; ++j) a(int(r), j) = norm > 0 ? p.row(rows[r])[j] / norm : 0;
  }
  // 1e-11: double data that are dependent up to their own rounding count as dependent.
  return Elimination<Long>(a, 1e-11L).rank() == a.rows;
}

Long slack_over_scale(const DenseProblem& p, int i, Long Ax) {
  const auto k = std::size_t(i);
  Long least = std::numeric_limits<Long>::infinity();
  if (p.has_lower(i)) least = std::min(least, (Ax - p.l[k]) / (1 + std::fabs(Long(p.l[k]))));
  if (p.has_upper(i)) least = std::min(least, (Long(p.u[k]) - Ax) / (1 + std::fabs(Long(p.u[k]))));
  return least;
}

/// Fills errors, found, separation and independence from x, y, side.
void judge(const DenseProblem& p, ExactSolution& s) {
  s.errors = kkt_errors(p, s.x.data(), s.y.data());
  Long y_scale = 1;
  for (Long v : s.y) y_scale = std::max(y_scale, std::fabs(v));
  s.separation = 1;
  bool signs = true;
  for (int i = 0; i < p.m; ++i) {
    const auto k = std::size_t(i);
    if (p.is_equality(i)) {
      s.side[k] = s.y[k] < 0 ? -1 : 1;
    } else if (s.side[k] != 0) {
      const Long outward = s.side[k] * s.y[k] / y_scale;
      signs = signs && outward >= -kFound;
      s.separation = std::min(s.separation, outward);
    } else {
      Long Ax = 0;
      for (int j = 0; j < p.n; ++j) Ax += Long(p.row(i)[j]) * s.x[std::size_t(j)];
      s.separation = std::min(s.separation, slack_over_scale(p, i, Ax));
    }
  }
  s.found = signs && s.errors.worst() <= kFound;
  if (s.found) s.independent = independent_rows(p, active_rows(s.side));
}

/// One round of exchange: rows of wrong sign leave, violated rows enter. False: nothing to do.
bool exchange(const DenseProblem& p, const ExactSolution& s, std::vector<int>& side) {
  bool changed = false;
  for (int i = 0; i < p.m; ++i) {
    const auto k = std::size_t(i);
    if (p.is_equality(i)) continue;
    Long Ax = 0;
    for (int j = 0; j < p.n; ++j) Ax += Long(p.row(i)[j]) * s.x[std::size_t(j)];
    const bool above = p.has_upper(i) && Ax > p.u[k], below = p.has_lower(i) && Ax < p.l[k];
    int next = side[k];
    if (side[k] != 0 && side[k] * s.y[k] < 0) next = 0;
    if (side[k] == 0 && (above || below)) next = above ? 1 : -1;
    changed = changed || next != side[k];
    side[k] = next;
  }
  return changed;
}

/// From a good guess a few rounds suffice; a bad one may cycle, and is left to better means.
ExactSolution exchange_from(const DenseProblem& p, std::vector<int> side) {
  constexpr int kRounds = 8;
  ExactSolution s = solve_on_active_set(p, side);
  for (int round = 0; round < kRounds && !s.found && exchange(p, s, side); ++round)
    s = solve_on_active_set(p, side);
  return s;
}

template <class F>
ExactSolution from_interior_point(const DenseProblem& p, F tolerance) {
  InteriorPoint<F> method(p);
  method.run(tolerance);
  ExactSolution point;
  method.read(p, point.y, point.side);
  ExactSolution exact = exchange_from(p, point.side);
  if (exact.found) return exact;
  point.x.assign(method.x.begin(), method.x.end());
  judge(p, point);
  return point.errors.worst() < exact.errors.worst() ? point : exact;
}

/// The first set that proves itself out of all choices among the rows that may be active at s.
ExactSolution among_close_rows(const DenseProblem& p, const ExactSolution& s) {
  constexpr std::size_t kMost = 12;
  std::vector<int> side(std::size_t(p.m), 0), close;
  for (int i = 0; i < p.m; ++i) {
    const auto k = std::size_t(i);
    Long Ax = 0;
    for (int j = 0; j < p.n; ++j) Ax += Long(p.row(i)[j]) * s.x[std::size_t(j)];
    if (p.is_equality(i))
      side[k] = 1;
    else if (slack_over_scale(p, i, Ax) < 1e-6L)
      close.push_back(i);
  }
  if (close.size() > kMost) return s;
  for (unsigned set = 0; set < 1u << close.size(); ++set) {
    for (std::size_t r = 0; r < close.size(); ++r) {
      const auto k = std::size_t(close[r]);
      Long Ax = 0;
      for (int j = 0; j < p.n; ++j) Ax += Long(p.row(close[r])[j]) * s.x[std::size_t(j)];
      const bool up = p.has_upper(close[r]) && std::fabs(Ax - p.u[k]) < std::fabs(Ax - p.l[k]);
      side[k] = (set >> r & 1) == 0 ? 0 : up ? 1 : -1;
    }
    ExactSolution candidate = solve_on_active_set(p, side);
    if (candidate.found) return candidate;
  }
  return s;
}

}  // namespace

ExactSolution solve_on_active_set(const DenseProblem& p, const std::vector<int>& side) {
  ExactSolution s;
  s.side = side;
  const std::vector<int> rows = active_rows(side);
  LongVector rhs;
  for (double q : p.q) rhs.push_back(-Long(q));
  for (int i : rows)
    rhs.push_back(side[std::size_t(i)] > 0 ? p.u[std::size_t(i)] : p.l[std::size_t(i)]);
  const LongVector v = Elimination<Long>(kkt_matrix(p, rows)).solve(rhs);
  s.x.assign(v.begin(), v.begin() + p.n);
  s.y.assign(std::size_t(p.m), 0);
  for (std::size_t r = 0; r < rows.size(); ++r) s.y[std::size_t(rows[r])] = v[std::size_t(p.n) + r];
  judge(p, s);
  return s;
}

ExactSolution solve_by_enumeration(const DenseProblem& p) {
  std::vector<int> side(std::size_t(p.m), 0);
  std::vector<std::vector<int>> choices;
  for (int i = 0; i < p.m; ++i) {
    if (p.is_equality(i)) {
      choices.push_back({1});
      continue;
    }
    choices.push_back({0});
    if (p.has_upper(i)) choices.back().push_back(1);
    if (p.has_lower(i)) choices.back().push_back(-1);
  }
  std::vector<std::size_t> at(std::size_t(p.m), 0);
  for (;;) {
    for (std::size_t i = 0; i < at.size(); ++i) side[i] = choices[i][at[i]];
    ExactSolution s = solve_on_active_set(p, side);
    if (s.found) return s;
    std::size_t i = 0;
    while (i < at.size() && ++at[i] == choices[i].size()) at[i++] = 0;
    if (i == at.size()) return s;
  }
}

ExactSolution solve_by_interior_point(const DenseProblem& p) {
  ExactSolution s = from_interior_point<double>(p, 1e-11);
  if (!s.found) s = from_interior_point<Long>(p, 1e-17L);
  return s.found ? s : among_close_rows(p, s);
}

Adjoint adjoint(
    const DenseProblem& p, const ExactSolution& s, const LongVector& g_x, const LongVector& g_y) {
  const std::vector<int> rows = active_rows(s.side);
  LongVector rhs = g_x;
  for (int i : rows) rhs.push_back(g_y.empty() ? 0 : g_y[std::size_t(i)]);
  const Elimination<Long> K(kkt_matrix(p, rows));
  Adjoint out;
  out.regular = K.regular();
  const LongVector v = K.solve(rhs);
  const auto n = std::size_t(p.n), m = std::size_t(p.m);
  out.w.assign(v.begin(), v.begin() + p.n);
  out.d.assign(m, 0);
  for (std::size_t r = 0; r < rows.size(); ++r) out.d[std::size_t(rows[r])] = v[n + r];
  out.db = out.d;
  for (Long w : out.w) out.dq.push_back(-w);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      out.dP.push_back(-(out.w[i] * s.x[j] + s.x[i] * out.w[j]) / 2);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j)
      out.dA.push_back(s.side[i] == 0 ? 0 : -(out.d[i] * s.x[j] + s.y[i] * out.w[j]));
  return out;
}

}  // namespace bpqp::test
