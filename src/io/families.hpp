/// \file
/// Families of random problems, for the command's `bench`, the benchmarks and the tests.
///
/// qp          P = R'R + 1e-3 I with R, q, A, G, x0 uniform on [0, 1); A x = A x0, G x <= G x0 +
///             uniform. Source: BPQP (NeurIPS 2024), section of experiments.
/// lp          rows as in qp; P = p_diagonal I; q = -A'v - G'max(s, 0) with v, s normal, so that
///             it is bounded below. Source: BPQP, with its regularisation of 1e-6.
/// socp        minimise q'x with |x| <= 1 (one cone of n + 1 rows), A x = A x0; A, q normal,
///             |x0| = 1/2. Source: BPQP, with the radius set to 1.
/// dense_ineq  P = R'R/n + 0.1 I, q = 3 normal, A x <= A x0 + uniform; R, A, x0 normal. Half of n
///             rows are active at n rows, nine tenths at 2 n. Own: active sets that are hard to
///             guess.
/// portfolio   P = F F'/n + D with n/10 factors, F normal, D uniform on [0.1, 1.1); q = -normal/10;
///             sum w = 1, 0 <= w <= max(0.1, 2/n). Source: Markowitz with a factor model, as in
///             OSQP's benchmarks.
/// mpc         inputs -1 <= x <= 1 of a double integrator in n steps of 10/n seconds, states
///             eliminated, start random: about half at their bounds. Textbook.
/// box         P = R'R/n + 0.1 I, q = 3 normal, -1 <= x <= 1. Own.
///
/// One-sided rows have l = -1e30. Equality rows come first, then inequalities, then cones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpqp/problem.hpp"

namespace bpqp::io {

enum class Family : int { qp = 0, lp, socp, dense_ineq, portfolio, mpc, box };

const char* to_string(Family family);
/// The family of that name; throws InvalidArgument with all names.
Family family_from(const std::string& name);
std::vector<std::string> family_names();

struct FamilyOptions {
  int n = 10;     ///< variables, >= 1
  int eq = -1;    ///< equality rows: any number up to n in qp, lp, socp; 1 in portfolio; else 0
  int ineq = -1;  ///< inequality rows: any number in qp, lp, dense_ineq; n bounds in portfolio,
                  ///< mpc, box; 0 in socp
  int batch = 1;  ///< problems, >= 1
  std::uint64_t seed = 1;
  double p_diagonal = 1e-6;  ///< diagonal of P in lp, >= 0
};

/// A batch in contiguous arrays, problem b at + b * (its size).
struct ProblemBatch {
  Shape shape;
  int batch = 0;
  std::vector<double> P;  ///< [batch, n, n]
  std::vector<double> q;  ///< [batch, n]
  std::vector<double> A;  ///< [batch, m, n]
  std::vector<double> l;  ///< [batch, m]
  std::vector<double> u;  ///< [batch, m]

  /// The library's view of it; valid as long as this object.
  Problem<double> view() const;
};

/// The options with -1 replaced: by what the family fixes, else n/2 equalities (rounded up), n/2
/// inequalities, in dense_ineq 2 n. Throws InvalidArgument for what the family cannot have.
FamilyOptions complete(Family family, FamilyOptions options);

/// The shape that problems of the family have for complete options.
Shape shape_of(Family family, const FamilyOptions& options);

/// Generates a batch. Problem b depends on family, sizes, seed and b, not on the size of the batch.
/// Throws as `complete` does.
ProblemBatch generate(Family family, const FamilyOptions& options);

}  // namespace bpqp::io
