/// \file
/// A Solver's settings as the core's options.
#pragma once

#include "bpqp/problem.hpp"
#include "core/forward_work.hpp"

namespace bpqp {

inline core::ForwardOptions forward_options(const Settings& s, const Shape& shape) {
  core::ForwardOptions o;
  o.method = s.method;
  o.eps_abs = s.eps_abs, o.eps_rel = s.eps_rel;
  o.max_iter = s.max_iter;
  o.max_exchanges = s.max_exchanges > 0 ? s.max_exchanges : 100 + 20 * (shape.n + shape.m);
  o.rho = s.rho, o.alpha = s.alpha, o.adaptive_rho = s.adaptive_rho;
  o.scaling = s.scaling;
  o.polish = s.polish;
  return o;
}

}  // namespace bpqp
