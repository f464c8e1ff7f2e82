// The settings' names, and which field of Settings each one is: the one place that lists them.
#pragma once

#include <array>

#include "bpqp/settings.hpp"

namespace bpqp::python {

/// visit.word(name, field, the words' values), or visit.number(name, field) of a bool, int or
/// double, for every setting but `stream`, `allocator` and the callbacks.
template <class Visitor>
void each_setting(Visitor& visit) {
  visit.word(
      "method", &Settings::method,
      std::array{Method::automatic, Method::admm, Method::interior_point});
  visit.word(
      "backward_method", &Settings::backward_method,
      std::array{BackwardMethod::direct, BackwardMethod::admm});
  visit.word("device", &Settings::device, std::array{Device::automatic, Device::cpu, Device::cuda});
  visit.word(
      "precision", &Settings::precision,
      std::array{Precision::fp64, Precision::mixed, Precision::fp32});
  visit.number("eps_abs", &Settings::eps_abs);
  visit.number("eps_rel", &Settings::eps_rel);
  visit.number("max_iter", &Settings::max_iter);
  visit.number("max_exchanges", &Settings::max_exchanges);
  visit.number("time_limit", &Settings::time_limit);
  visit.number("rho", &Settings::rho);
  visit.number("alpha", &Settings::alpha);
  visit.number("adaptive_rho", &Settings::adaptive_rho);
  visit.number("scaling", &Settings::scaling);
  visit.number("polish", &Settings::polish);
  visit.number("gradients", &Settings::gradients);
  visit.number("kappa", &Settings::kappa);
  visit.number("last_point", &Settings::last_point);
  visit.number("threads", &Settings::threads);
}

}  // namespace bpqp::python
