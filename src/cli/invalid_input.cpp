#include "cli/invalid_input.hpp"

#include <cmath>

#include "cli/output.hpp"

namespace bpqp::cli {
namespace {

std::string complaint(const std::string& entry, double given, const char* expected) {
  return entry + ": given " + format("%g", given) + ", expected " + expected;
}

std::string indexed(const char* name, std::size_t at) {
  return format("%s[%zu]", name, at);
}

// The first entry that is no finite number, "" if there is none. cols 0: a vector.
std::string not_finite(const char* name, const std::vector<double>& values, std::size_t cols) {
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (std::isfinite(values[k])) continue;
    const std::string entry =
        cols == 0 ? indexed(name, k) : format("%s[%zu][%zu]", name, k / cols, k % cols);
    return complaint(entry, values[k], "a finite number");
  }
  return "";
}

}  // namespace

std::string describe_invalid(const Shape& shape, const ProblemData& data) {
  const auto n = std::size_t(shape.n);
  for (const std::string& found :
       {not_finite("P", data.P, n), not_finite("q", data.q, 0), not_finite("A", data.A, n)}) {
    if (!found.empty()) return found;
  }
  for (std::size_t i = 0; i < data.l.size(); ++i) {
    if (!(data.l[i] < kInfinity)) {
      return complaint(indexed("l", i), data.l[i], "a number below 1e30 (no lower side: -1e30)");
    }
  }
  for (std::size_t i = 0; i < data.u.size(); ++i) {
    if (!(data.u[i] > -kInfinity)) {
      return complaint(indexed("u", i), data.u[i], "a number above -1e30 (no upper side: 1e30)");
    }
  }
  return "P, A: given entries too large to be scaled, expected numbers up to about 1e150";
}

}  // namespace bpqp::cli
