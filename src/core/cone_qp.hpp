/// \file
/// What cone_kkt.hpp keeps of a point: the states of its cones and the equality-constrained QP
/// there.
#pragma once

#include "core/regular.hpp"

namespace bpqp::core {

enum class ConeState : int { inside = 0, boundary, apex };

/// Slack and multiplier of a cone are measured by this part of 1 + |u| at least: both may be
/// rounding.
constexpr double kConeUnit = 1e-3;

/// The equality-constrained QP of one point, kept for the derivatives.
template <class R>
struct ConeKkt {
  R* P = nullptr;          ///< [n x n] P + the curvature, both triangles
  R* A = nullptr;          ///< [m x n] rows that are active in it; zero where a cone has fewer
  R* axis = nullptr;       ///< [m] a in the rows of cones on the boundary, at [first + 1 ...]
  R* curvature = nullptr;  ///< [m] kappa, at a cone's first row
  R* state = nullptr;      ///< [m] ConeState, at a cone's first row
  R* rho = nullptr;        ///< [m] what makes its slack and multiplier comparable, at its first row
  StructureMemory known;   ///< of the QP where its Hessian is diagonal (cone_diagonal.hpp): then P
                           ///< and, but for several entries, the rows of A are not written
  int* form = nullptr;     ///< [2] whether that is so, and how many rows have several entries

  BPQP_HD static ConeKkt lay_out(Arena& arena, int n, int m) {
    ConeKkt k;
    k.P = arena.take<R>(std::size_t(n) * n);
    k.A = arena.take<R>(std::size_t(n) * m);
    for (R** v : {&k.axis, &k.curvature, &k.state, &k.rho}) *v = arena.take<R>(m);
    k.known = StructureMemory::lay_out(arena, n, m);
    k.form = arena.take<int>(2);
    return k;
  }
  BPQP_HD ConeState state_of(int first) const { return ConeState(int(state[first])); }
  BPQP_HD bool diagonal() const { return form[0] != 0; }
  /// The QP, its rows to be held as WorkingSet::side says.
  template <class D>
  BPQP_HD ProblemView<R> view(const ProblemView<D>& p) const {
    ProblemView<R> v;
    v.n = p.n, v.m = p.m, v.P = P, v.A = A;
    if (diagonal()) v.known = {known.diagonal, known.column, known.value, known.dense, form[1]};
    return v;
  }
};

/// States, axes and curvatures at (x, y), and which rows the QP holds (side, in the cones' rows).
/// y_scale: what multipliers are measured by. `snap`: a cone that is not strictly on its boundary
/// counts as inside or at its apex, where its curvature is not without bound. Returns whether every
/// cone is strictly what it is. v [m] gets s - y/rho in the cones' rows.
template <class D, class R, Team T>
BPQP_STAGE bool classify_cones(
    const T& team,
    const ProblemView<D>& p,
    const R* Ax,
    const R* y,
    double y_scale,
    bool snap,
    const ConeKkt<R>& k,
    signed char* side,
    R* v) {
  double weak = 0;
  for (int c : team.items(p.cones.count)) {
    const int first = p.cones.first(c), d = p.cones.size(c);
    const double rho = double(k.rho[first]);
    double s = kConeUnit, z = y_scale / rho;
    for (int i = first; i < first + d; ++i) {
      const double slack = double(p.u[i]) - double(Ax[i]);
      v[i] = R(slack - double(y[i]) / rho);
      s = nan_max(s, nan_max(std::fabs(slack), kConeUnit * std::fabs(double(p.u[i]))));
      z = nan_max(z, std::fabs(double(y[i]) / rho));
      side[i] = 0;
      k.axis[i] = k.curvature[i] = 0;
    }
    const double r = soc::tail_norm(v + first, d), t = double(v[first]);
    const double strict = kStrict * nan_max(s, z);
    if (std::fabs(r - std::fabs(t)) <= strict) weak = 1;
    const double near = snap ? strict : 0;
    if (r <= t + near) {
      k.state[first] = R(int(ConeState::inside));
    } else if (r <= -t + near) {
      k.state[first] = R(int(ConeState::apex));
      for (int i = first; i < first + d; ++i) side[i] = 1;
    } else {
      k.state[first] = R(int(ConeState::boundary));
      k.curvature[first] = R(rho * (r - t) / (r + t));
      for (int i = 1; i < d; ++i) k.axis[first + i] = R(double(v[first + i]) / r);
      side[first] = 1;
    }
  }
  team.sync();
  return team.max(weak) == 0;
}

}  // namespace bpqp::core
