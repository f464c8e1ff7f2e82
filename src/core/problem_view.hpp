/// \file
/// One problem of a batch as the core sees it: the user's arrays, in the user's units.
#pragma once

#include <cstddef>

#include "core/lanes.hpp"

namespace bpqp::core {

/// The second-order cones on the last rows: cone k has the rows start[k] ... start[k + 1] - 1, its
/// first row is t. They lie one after the other up to the last row.
struct ConeList {
  int count = 0;
  const int* start = nullptr;  ///< [count + 1]; unused if count is 0

  BPQP_HD int first(int k) const { return start[k]; }
  BPQP_HD int size(int k) const { return start[k + 1] - start[k]; }
};

/// What is known of the entries of P and A that are zero (structure.hpp); null: nothing is.
struct Structure {
  const double* diagonal = nullptr;  ///< [n] P has these entries on its diagonal and no others
  const int* column = nullptr;       ///< [m] where a row has its only entry; -1: it has several
  const double* value = nullptr;     ///< [m] that entry (0: the row is empty)
  const int* dense = nullptr;        ///< the rows with several entries, in order
  int dense_count = 0;
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
  Structure known = {};

  /// Rows l <= a'x <= u: the cones' rows follow them.
  BPQP_HD int linear_rows() const { return cones.count > 0 ? cones.start[0] : m; }
  /// P_jj.
  BPQP_HD Wide<D> hessian_entry(int j) const {
    return known.diagonal ? Wide<D>(known.diagonal[j])
           : P            ? Wide<D>(P[std::size_t(j) * n + j])
                          : Wide<D>(0);
  }
};

/// A side at or beyond this magnitude is absent (bpqp/problem.hpp: kInfinity).
constexpr double kAbsent = 1e30;

template <class W>
BPQP_HD Mask<W> has_lower(W l) {
  return l > W(-kAbsent);
}
template <class W>
BPQP_HD Mask<W> has_upper(W u) {
  return u < W(kAbsent);
}

}  // namespace bpqp::core
