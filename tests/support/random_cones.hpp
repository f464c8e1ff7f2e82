/// \file
/// Random problems with second-order cones whose solution is known by construction, and the dense
/// system of their derivatives. Seeded as random_problems.hpp.
#pragma once

#include "support/oracle.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {

/// Where the slack of a cone is at the solution.
enum class ConePlace { inside, boundary, apex };

/// Linear rows and P as in random_known, then one cone per place; strictly complementary.
struct ConeOptions {
  KnownOptions linear = {.n = 8, .equalities = 1, .active = 1, .inactive = 2};
  std::vector<ConePlace> places = {ConePlace::boundary};
  std::vector<int> sizes = {4};  ///< as many as places
};
KnownProblem random_cones(const ConeOptions& options, std::uint64_t seed);

/// minimise q'x, |x| <= radius, and the first rows A x = b: |x0| = radius/2 for the b = A x0.
/// `curvature` is added to the diagonal of P (0: none).
DenseProblem ball_problem(
    int n, int equalities, double radius, std::uint64_t seed, double curvature = 0);

/// The first row of the first cone; m without cones.
int linear_rows(const DenseProblem& p);

/// (w, d) [n + m] of the system of all rows at (x, y),
///
///   [P A'; (I - J) A  -J] [w; d] = [g_x; (I - J) g_y],
///
/// J diagonal on linear rows (0 where `y` is not 0 and on equalities), and in a cone the Jacobian
/// of the projection at s - y. Empty if it is singular.
LongVector cone_adjoint(
    const DenseProblem& p,
    const std::vector<double>& x,
    const std::vector<double>& y,
    const std::vector<double>& g_x,
    const std::vector<double>& g_y);

}  // namespace bpqp::test
