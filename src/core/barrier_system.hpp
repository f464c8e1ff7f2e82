/// \file
/// The linear system of an interior point step (docs/math.md section 10), in scaled units:
///
///   [P  A'; A  -W^2] [dx; dy] = [r_x; r_y]
///
/// W^2 is diagonal on linear rows (0 on equalities) and the square of a Nesterov-Todd scaling on
/// cones. It is solved through the proximal system, P + rho I and W^2 + delta I, eliminated to
///
///   n x n:  N = P + rho I + A'(W^2 + delta I)^-1 A
///   m x m:  K = A H^-1 A' + W^2 + delta I,  H = P + rho I, P diagonal      (general rows only)
///   m x m:  S + W^2 + delta I,              P dense and definite           (barrier_schur.hpp)
///
/// whichever is smaller; rows with one entry (bounds) only add to the diagonal, and a cone all of
/// whose rows have one (barrier_single.hpp) besides adds one row. Refinement against
/// the user's data removes rho and delta from the answer (Altman and Gondzio 1999; PIQP, Schwan et
/// al. 2023, keeps them as proximal terms).
#pragma once

#include "core/cone.hpp"
#include "core/scaling.hpp"

namespace bpqp::core {

/// The proximal terms, of a system whose entries are at most 1. Much smaller ones lose the
/// factorisation on degenerate linear programs, larger ones cost refinement.
constexpr double kBarrierRho = 1e-8, kBarrierDelta = 1e-8;
/// Refinement: most passes, and where it ends (relative to the right-hand side).
constexpr int kBarrierPasses = 10;
constexpr double kBarrierTarget = 1e-13;
/// Refinement that still leaves so many times this goes on with so many steps of a Krylov method.
constexpr double kBarrierLoose = 10;
constexpr int kBarrierKrylov = 8;
constexpr double kBarrierNew = 1e-13;  ///< of a direction and its image, what makes it a new one
/// and what is left must be this fraction at most of what was, or they are not used.
constexpr double kBarrierKrylovGain = 0.5;
/// Refinement that leaves this much of q, l and u: they have no solution, and the ray is the
/// answer. (Of a step's right-hand side much may be left where the problem is barely infeasible: it
/// is refined all the same.)
constexpr double kBarrierInconsistent = 0.01;

/// What a row is to the interior point method.
enum class RowKind : signed char { free = 0, equality, upper, lower, both, cone };

/// Which matrix is factored (docs/math.md M43, M44, M59).
enum class BarrierWay : int {
  columns = 0,  ///< N [n x n]
  rows,         ///< K [general rows], P diagonal
  schur         ///< S + W^2 [m x m], P positive definite: P is factored once (barrier_schur.hpp)
};

/// What of the problem the systems of all iterations have in common.
struct BarrierForm {
  BarrierWay way = BarrierWay::columns;
  bool diagonal = false;  ///< P is diagonal
  bool symmetric = true;
  int general = 0;         ///< rows that are no bounds: several entries, equalities, cones
  int linear_general = 0;  ///< those of them that are linear: they come first
  int single_cones = 0;    ///< cones of single rows: none of their rows is general
  /// Rows that are packed: the general ones, and one for each single cone.
  BPQP_HD int packed() const { return general + single_cones; }
  int order = 0;                     ///< of the factored matrix
  double accuracy = kBarrierTarget;  ///< where refinement ends
  double cost = 1;                   ///< scaled P is cost beta D P D, scaled q is cost D q
  double beta = 1;                   ///< x = beta D x_scaled
};

template <class R>
struct BarrierSystem {
  int n = 0, m = 0;
  ConeList cones;
  Scaling<R> scaling;
  R* M = nullptr;  ///< [n x n] N, or K in its corner; schur: the factor L of P + rho I
  R* Y = nullptr;  ///< [n x m] general rows, scaled; schur: L^-1 A'
  R *S = nullptr, *K = nullptr;  ///< [m x m] each, schur: Y'Y, and S + W^2; null if m >= n
  R* H = nullptr;                ///< [n] diagonal of P + rho I + bounds (m x m form)
  R* w2 = nullptr;               ///< [m] W^2 of linear rows
  R* nt = nullptr;               ///< [m] Nesterov-Todd points of the cones
  R* eta = nullptr;              ///< [m] and their lengths, at the cone's first row
  int* general = nullptr;        ///< [m] list of the general rows
  int* column = nullptr;    ///< [m] of a bound, a row without sides, a single cone's; -1: general
  RowKind* kind = nullptr;  ///< [m]
  R *e_x = nullptr, *d_x = nullptr, *t_x = nullptr, *s_x = nullptr;  ///< [n]
  R *e_y = nullptr, *d_y = nullptr, *t_y = nullptr, *g_y = nullptr;  ///< [m]

  R *f_x = nullptr, *f_y = nullptr;      ///< [n], [m] residual of the Krylov method
  R *basis = nullptr, *image = nullptr;  ///< [kBarrierKrylov x (n + m)] its directions, and K times

  BPQP_HD static BarrierSystem lay_out(Arena& arena, int n, int m) {
    BarrierSystem s;
    s.n = n, s.m = m;
    s.scaling.D = arena.take<R>(n);
    s.scaling.E = arena.take<R>(m);
    s.M = arena.take<R>(std::size_t(n) * n);
    s.Y = arena.take<R>(std::size_t(n) * m);
    if (m < n) s.S = arena.take<R>(std::size_t(m) * m);
    if (m < n) s.K = arena.take<R>(std::size_t(m) * m);
    for (R** v : {&s.H, &s.e_x, &s.d_x, &s.t_x, &s.s_x}) *v = arena.take<R>(n);
    for (R** v : {&s.w2, &s.nt, &s.eta, &s.e_y, &s.d_y, &s.t_y, &s.g_y}) *v = arena.take<R>(m);
    s.f_x = arena.take<R>(n);
    s.f_y = arena.take<R>(m);
    s.basis = arena.take<R>(std::size_t(kBarrierKrylov) * (n + m));
    s.image = arena.take<R>(std::size_t(kBarrierKrylov) * (n + m));
    s.general = arena.take<int>(m);
    s.column = arena.take<int>(m);
    s.kind = arena.take<RowKind>(m);
    return s;
  }

  /// Scaled entry of a row with one entry, in column j.
  template <class D>
  BPQP_HD R entry(const ProblemView<D>& p, int i, int j) const {
    const R a = p.known.column ? R(p.known.value[i]) : R(p.A[std::size_t(i) * n + j]);
    return a * scaling.D[j] * scaling.E[i];
  }
  BPQP_HD bool is_single(int cone) const { return column[cones.first(cone)] >= 0; }
  BPQP_HD bool is_linear(int i) const { return kind[i] != RowKind::cone; }
  /// The matrix that is factored in every iteration.
  BPQP_HD R* factored(const BarrierForm& f) const { return f.way == BarrierWay::schur ? K : M; }
  /// 1/(W^2 + delta) of a linear row.
  BPQP_HD R weight(int i) const {
    return kind[i] == RowKind::free ? R(0) : 1 / (w2[i] + R(kBarrierDelta));
  }
};

/// out [m] = E A D x.
template <class D, class R, Team T>
BPQP_STAGE void scaled_rows_product(
    const T& team, const ProblemView<D>& p, const BarrierSystem<R>& s, const R* x, R* out) {
  for (int j : team.items(p.n)) s.s_x[j] = s.scaling.D[j] * x[j];
  team.sync();
  rows_product(team, p, s.s_x, out);
  for (int i : team.items(p.m)) out[i] *= s.scaling.E[i];
  team.sync();
}

/// out [n] += sign D A'E y.
template <class D, class R, Team T>
BPQP_STAGE void add_scaled_columns(
    const T& team,
    const ProblemView<D>& p,
    const BarrierSystem<R>& s,
    const R* y,
    R sign,
    R* out,
    Rows rows = Rows::all) {
  for (int i : team.items(p.m)) s.g_y[i] = s.scaling.E[i] * y[i];
  team.sync();
  columns_product(team, p, s.g_y, s.s_x, rows);
  for (int j : team.items(p.n)) out[j] += sign * s.scaling.D[j] * s.s_x[j];
  team.sync();
}

/// out [n] = cost beta D P D x.
template <class D, class R, Team T>
BPQP_STAGE void scaled_hessian_product(
    const T& team,
    const ProblemView<D>& p,
    const BarrierForm& f,
    const BarrierSystem<R>& s,
    const R* x,
    R* out) {
  for (int j : team.items(p.n)) s.s_x[j] = s.scaling.D[j] * x[j];
  team.sync();
  if (f.diagonal) {
    for (int j : team.items(p.n)) out[j] = R(p.hessian_entry(j)) * s.s_x[j];
  } else {
    transposed_product(team, p.P, p.n, p.n, p.n, s.s_x, out);
    if (!f.symmetric) {
      product(team, p.P, p.n, p.n, p.n, s.s_x, s.H);
      for (int j : team.items(p.n)) out[j] = (out[j] + s.H[j]) / 2;
    }
  }
  const R factor = R(f.cost * f.beta);
  for (int j : team.items(p.n)) out[j] *= factor * s.scaling.D[j];
  team.sync();
}

/// v [m] becomes (W^2 + delta)^-1 v; cones have no delta. `eliminated`: 0 in the general rows.
template <class R, Team T>
BPQP_STAGE void divide_by_squares(
    const T& team, const BarrierSystem<R>& s, R* v, bool eliminated = false) {
  for (int i : team.items(s.m)) {
    if (eliminated && s.column[i] < 0)
      v[i] = 0;
    else if (s.is_linear(i))
      v[i] *= s.weight(i);
  }
  for (int k : team.items(s.cones.count)) {
    if (eliminated && !s.is_single(k)) continue;
    const int first = s.cones.first(k), d = s.cones.size(k);
    for (int twice = 0; twice < 2; ++twice)
      soc::scale(double(s.eta[first]), s.nt + first, d, true, v + first);
  }
  team.sync();
}

/// out [m] += W^2 y (no delta).
template <class R, Team T>
BPQP_STAGE void add_squares(const T& team, const BarrierSystem<R>& s, const R* y, R* out) {
  for (int i : team.items(s.m))
    if (s.is_linear(i) && s.kind[i] != RowKind::free) out[i] += s.w2[i] * y[i];
  for (int k : team.items(s.cones.count)) {
    const int first = s.cones.first(k), d = s.cones.size(k);
    const double eta2 = double(s.eta[first]) * double(s.eta[first]);
    const R* w = s.nt + first;  // W^2 = eta^2 (2 w w' - J), J = diag(1, -1, ..., -1)
    double along = 0;
    for (int i = 0; i < d; ++i) along += double(w[i]) * double(y[first + i]);
    for (int i = 0; i < d; ++i)
      out[first + i] +=
          R(eta2 * (2 * along * double(w[i]) - (i == 0 ? 1 : -1) * double(y[first + i])));
  }
  team.sync();
}

}  // namespace bpqp::core
