/// \file
/// What became of one problem, and the errors that a wrong call raises.
#pragma once

#include <stdexcept>
#include <string>

#include "bpqp/export.hpp"

namespace bpqp {

/// The end of one problem of a batch. A hard problem never throws and never touches its
/// neighbours; what x, y and the gradient hold for each status is in the table of solution.hpp.
enum class Status : int {
  solved = 0,         ///< residuals within eps_abs + eps_rel * scale (Settings)
  solved_inaccurate,  ///< within 100 times that; the gradient is computed and flagged
  iteration_limit,    ///< further off, with max_iter, max_exchanges, time_limit or the passes used
                      ///< up, or passes that no longer helped (docs/math.md section 6)
  numerical_error,    ///< arithmetic broke down (overflow, loss of all accuracy)
  primal_infeasible,  ///< no x satisfies the rows; y holds the certificate
  dual_infeasible,    ///< unbounded below along the direction in x
  non_convex,         ///< P has a negative eigenvalue
  invalid_input,      ///< NaN, or an infinite value where none may be
};

/// The status in the words of this header ("solved", "primal_infeasible", ...).
BPQP_API const char* to_string(Status status);

/// A wrong call: the message names the argument, what was expected and what was given.
/// Thrown before any work starts; the Solver stays usable.
class BPQP_API InvalidArgument : public std::invalid_argument {
 public:
  explicit InvalidArgument(const std::string& message) : std::invalid_argument(message) {}
};

/// A device, its driver or an allocator failed, or a device was asked for that is not there.
class BPQP_API DeviceError : public std::runtime_error {
 public:
  explicit DeviceError(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace bpqp
