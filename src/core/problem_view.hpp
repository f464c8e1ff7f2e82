/// \file
/// One problem of a batch as the core sees it: the user's arrays, in the user's units.
#pragma once

#include <cstddef>

#include "core/team.hpp"

namespace bpqp::core {

/// The second-order cones on the last rows: cone k has the rows start[k] ... start[k + 1] - 1, its
/// first row is t. They lie one after the other up to the last row.
struct ConeList {
  int count = 0;
  const int* start = nullptr;  ///< [count + 1]; unused if count is 0

  BPQP_HD int first(int k) const { return start[k]; }
  BPQP_HD int size(int k) const { return start[k + 1] - start[k]; }
};

/// D is the type of the data (float or double). Matrices are row-major as in bpqp/problem.hpp,
/// which is the same memory as the transpose in column-major order: column i of A' is row i of A.
template <class D>
struct ProblemView {
  int n = 0, m = 0;
  const D* P = nullptr;  ///< [n x n]; null: zero
  const D* q = nullptr;  ///< [n]
  const D* A = nullptr;  ///< [m x n]
  const D* l = nullptr;  ///< [m]; not read in the rows of cones
  const D* u = nullptr;  ///< [m]
  ConeList cones = {};

  /// Rows l <= a'x <= u: the cones' rows follow them.
  BPQP_HD int linear_rows() const { return cones.count > 0 ? cones.start[0] : m; }
};

/// A side at or beyond this magnitude is absent (bpqp/problem.hpp: kInfinity).
constexpr double kAbsent = 1e30;

BPQP_HD inline bool has_lower(double l) {
  return l > -kAbsent;
}
BPQP_HD inline bool has_upper(double u) {
  return u < kAbsent;
}

}  // namespace bpqp::core
