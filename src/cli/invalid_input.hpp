/// \file
/// Which entry of a problem's data makes it invalid_input.
#pragma once

#include <string>
#include <vector>

#include "bpqp/problem.hpp"

namespace bpqp::cli {

/// One problem's data as the solver got them (with --precision float: rounded).
struct ProblemData {
  std::vector<double> P, q, A, l, u;  ///< [n x n], [n], [m x n], [m], [m]
};

/// "q[3]: given inf, expected a finite number": the first entry, in the order above, that may not
/// be.
std::string describe_invalid(const Shape& shape, const ProblemData& data);

}  // namespace bpqp::cli
