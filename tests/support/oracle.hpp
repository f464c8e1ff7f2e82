/// \file
/// What the library's answers are judged by. Shares no code with src/: long double, plain loops.
///
///   kkt_errors        residuals of (x, y) on the user's data, as docs/math.md section 2 defines
///   them
///   *_certificate     how well a certificate certifies
///   solve_*           the exact solution with its active set, and how clear that is
///   adjoint           the derivative's KKT system by Gaussian elimination on the full matrix
#pragma once

#include <vector>

#include "support/dense_problem.hpp"

namespace bpqp::test {

using Long = long double;
using LongVector = std::vector<Long>;

/// Residuals in the user's units, infinity norm, with the scales of the stopping test.
struct KktErrors {
  Long primal = 0;  ///< ||A x - s||, s the projection of A x on the sides and cones
  Long dual = 0;    ///< ||P x + q + A'y||, + |y_i| at absent sides, + distance of y_k to cones
  Long gap = 0;     ///< |x'P x + q'x + h(y)|
  Long primal_scale = 0;  ///< max(||A x||, ||s||)
  Long dual_scale = 0;    ///< max(||P x||, ||q||, ||A'y||)
  Long gap_scale = 0;     ///< max(|x'P x|, |q'x|, |h(y)|)
  Long objective = 0;     ///< 1/2 x'P x + q'x

  Long primal_relative() const { return primal / (primal_scale > 1 ? primal_scale : 1); }
  Long dual_relative() const { return dual / (dual_scale > 1 ? dual_scale : 1); }
  Long gap_relative() const { return gap / (gap_scale > 1 ? gap_scale : 1); }
  /// The largest of the three; NaN if one is.
  Long worst() const;
};

/// x [n], y [m]; any real type.
template <class R>
KktErrors kkt_errors(const DenseProblem& p, const R* x, const R* y);

/// A primal certificate y: h must be -1, the others at most 1e-8.
struct PrimalCertificate {
  Long h = 0;           ///< sum u_i max(y_i, 0) + l_i min(y_i, 0) + sum u_k'y_k
  Long Aty = 0;         ///< ||A'y||
  Long wrong_side = 0;  ///< largest |y_i| at an absent side, or distance of y_k to its cone
};
PrimalCertificate primal_certificate(const DenseProblem& p, const double* y);

/// A dual certificate d: qd must be -1, the others at most 1e-8.
struct DualCertificate {
  Long qd = 0;    ///< q'd
  Long Pd = 0;    ///< ||P d||
  Long rows = 0;  ///< largest (A d)_i where u_i is finite, -(A d)_i where l_i is, cone distance
};
DualCertificate dual_certificate(const DenseProblem& p, const double* d);

/// A solution with the active set that proves it.
struct ExactSolution {
  bool found = false;  ///< KKT conditions hold to 1e-12 relative
  LongVector x, y;
  std::vector<int> side;  ///< [m] 1 upper side active, -1 lower, 0 none; equalities by y's sign
  KktErrors errors;
  Long separation = 0;      ///< strict complementarity: the least, over inequalities, of |y_i| over
                            ///< max(1, ||y||) if active, slack over 1 + |side| if not; 1 if none
  bool independent = true;  ///< the active rows are linearly independent
};

/// Tries every active set (3^m at most), fewest rows first where the order allows; no cones.
ExactSolution solve_by_enumeration(const DenseProblem& p);

/// A primal-dual interior point method (Mehrotra's), in double and if that does not suffice in long
/// double; then the equality-constrained problem on the set that it suggests (where that fails,
/// after some rounds of exchange, or on every choice among up to 12 rows close to their sides),
/// whose KKT conditions are the proof. No cones. P positive semidefinite.
ExactSolution solve_by_interior_point(const DenseProblem& p);

/// The solution of the KKT conditions on the given active set, whether or not it is optimal:
/// `found` tells. Used by both of the above.
ExactSolution solve_on_active_set(const DenseProblem& p, const std::vector<int>& side);

/// Gradient of a loss whose gradient in (x, y) is (g_x, g_y).
struct Adjoint {
  bool regular = false;  ///< the KKT matrix on the active rows has full rank
  LongVector w, d;       ///< [n], [m] with zeros off the active rows
  LongVector dq;         ///< [n] = -w
  LongVector db;         ///< [m] = dl + du = d
  LongVector dP;         ///< [n, n] = -(w x' + x w')/2
  LongVector dA;         ///< [m, n] = -(d x' + y w')
};
Adjoint adjoint(
    const DenseProblem& p,
    const ExactSolution& solution,
    const LongVector& g_x,
    const LongVector& g_y);

}  // namespace bpqp::test
