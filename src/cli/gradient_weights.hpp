/// \file
/// The g of a problem file, of whose g'x the command gives and checks gradients.
#pragma once

#include <vector>

#include "io/problem_file.hpp"

namespace bpqp::cli {

/// The field g, else expect.adjoint.g, else ones. [n]
inline std::vector<double> gradient_weights(const io::ProblemFile& file) {
  if (!file.g.empty()) return file.g;
  if (file.expect && file.expect->adjoint && !file.expect->adjoint->g.empty()) {
    return file.expect->adjoint->g;
  }
  return std::vector<double>(std::size_t(file.shape.n), 1.0);
}

}  // namespace bpqp::cli
