// The parts of the module bpqp._core.
#pragma once

#include <string>
#include <vector>

#include <nanobind/nanobind.h>

#include "bpqp/settings.hpp"

namespace bpqp::python {

/// Settings from a dict of their names in settings.hpp, but `stream`, `allocator` and the
/// callbacks. An unknown name or a value of the wrong type raises, naming it.
Settings settings_from(const nanobind::dict& dict);
/// Their names.
std::vector<std::string> setting_names();

void bind_report(nanobind::module_& module);
void bind_solver(nanobind::module_& module);
/// The calls for XLA, where the module is built with BPQP_JAX.
void bind_xla(nanobind::module_& module);

}  // namespace bpqp::python
