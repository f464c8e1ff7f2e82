// How bpqp::Report lies in memory, so that NumPy reads an array of them without a copy.
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "bpqp/solution.hpp"
#include "report_fields.hpp"

namespace nb = nanobind;

namespace bpqp::python {
namespace {

/// A NumPy type code.
template <class T>
const char* format() {
  if constexpr (std::is_same_v<T, bool>) return "?";
  if constexpr (std::is_same_v<T, double>) return "f8";
  static_assert(std::is_same_v<T, bool> || std::is_same_v<T, double> || sizeof(T) == sizeof(int));
  return "i4";
}

/// The argument of numpy.dtype.
nb::dict report_layout() {
  std::vector<std::string> names, formats;
  std::vector<std::size_t> offsets;
  const Report report;
  const auto add = [&](const char* name, const auto& field) {
    names.emplace_back(name);
    formats.emplace_back(format<std::remove_cvref_t<decltype(field)>>());
    offsets.push_back(std::size_t(
        reinterpret_cast<const char*>(&field) - reinterpret_cast<const char*>(&report)));
  };
  each_field(report, add);
  nb::dict layout;
  layout["names"] = names;
  layout["formats"] = formats;
  layout["offsets"] = offsets;
  layout["itemsize"] = sizeof(Report);
  return layout;
}

}  // namespace

void bind_report(nb::module_& module) {
  module.def("report_layout", &report_layout);
  std::vector<std::string> statuses;
  for (int s = 0; s <= int(Status::invalid_input); ++s) statuses.emplace_back(to_string(Status(s)));
  module.attr("STATUSES") = statuses;
  std::vector<std::string> methods;
  for (int s = 0; s <= int(Method::interior_point); ++s) methods.emplace_back(to_string(Method(s)));
  module.attr("METHODS") = methods;
}

}  // namespace bpqp::python
