/// \file
/// Random problems with a known property by construction, beyond the families of src/io. Seeded:
/// the same seed gives the same problem.
///
/// The solvable ones start from x*, an active set and multipliers y*; then b makes the set active
/// at x*, and q = -P x* - A'y* makes x* the solution.
#pragma once

#include <cstdint>
#include <random>

#include "support/dense_problem.hpp"

namespace bpqp::test {

/// A problem and its solution.
struct KnownProblem {
  DenseProblem problem;
  std::vector<double> x;  ///< [n] a solution, the only one where P is positive definite
  std::vector<double> y;  ///< [m] multipliers of it, unique where the active rows are independent
};

/// What random_known builds; rows are dense and Gaussian, P = R'R/n + 0.1 I unless rank_P says
/// less.
struct KnownOptions {
  int n = 10;
  int equalities = 2;
  int active = 3;         ///< active inequalities with |y_i| in [1, 2]; lower and upper in turn
  int inactive = 10;      ///< with slack in [1, 2] on both sides
  int weakly_active = 0;  ///< with y_i = 0 and no slack
  int dependent = 0;      ///< more active rows, each the sum of two active inequalities
  int redundant = 0;      ///< equalities repeated with another scale
  int free_rows = 0;      ///< without sides
  int rank_P = -1;        ///< rank of P; -1: n (and positive definite); 0: a linear program
  double row_spread = 0;  ///< rows are scaled by 10^uniform(-spread, spread)
  double column_spread = 0;
};
KnownProblem random_known(const KnownOptions& options, std::uint64_t seed);

/// A x <= b and one combination of the rows that excludes it: no feasible point. P > 0.
DenseProblem random_primal_infeasible(int n, int m, std::uint64_t seed);

/// P singular, and a direction d with P d = 0, A d <= 0, q'd < 0; feasible.
DenseProblem random_dual_infeasible(int n, int m, std::uint64_t seed);

/// v'P v = -1 for a unit vector v; rows as in random_known.
DenseProblem random_non_convex(int n, int m, std::uint64_t seed);

/// Gaussian numbers of a seed.
std::vector<double> normals(std::size_t count, std::mt19937_64& engine);

}  // namespace bpqp::test
