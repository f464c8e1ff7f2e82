// The module bpqp._core. What is bound where: settings.cpp, solver.cpp, report.cpp, xla.cpp.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "bpqp/capabilities.hpp"

namespace nb = nanobind;

namespace {

nb::dict capabilities() {
  const bpqp::Capabilities can = bpqp::capabilities();
  nb::dict d;
  d["version"] = can.version;
  d["cpu_level"] = can.cpu_level;
  d["cpu_levels"] = can.cpu_levels;
  d["threads"] = can.threads;
  d["cuda_built"] = can.cuda_built;
  d["cuda_devices"] = can.cuda_devices;
  d["methods"] = can.methods;
  d["precisions"] = can.precisions;
  d["cones"] = can.cones;
  return d;
}

}  // namespace

NB_MODULE(_core, module) {
  module.doc() = "bpqp's C++ library over addresses of arrays; use the package bpqp";
  // Tensors that live to the interpreter's end may hold Solvers; that is not a leak of ours.
  nb::set_leak_warnings(false);
  module.def("capabilities", &capabilities);
  module.attr("SETTINGS") = bpqp::python::setting_names();
  bpqp::python::bind_report(module);
  bpqp::python::bind_solver(module);
#ifdef BPQP_HAVE_JAX
  bpqp::python::bind_xla(module);
#endif
}
