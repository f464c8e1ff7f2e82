#include "bpqp/settings.hpp"

#include <array>
#include <functional>
#include <map>
#include <string>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "bindings.hpp"

namespace nb = nanobind;

namespace bpqp::python {
namespace {

using Setter = std::function<void(Settings&, nb::handle)>;

/// One word of those that to_string gives the values of the enum.
template <class Enum, std::size_t N>
Setter word(Enum Settings::*field, std::array<Enum, N> values) {
  return [field, values](Settings& settings, nb::handle value) {
    const auto given = nb::cast<std::string>(value);
    std::string known;
    for (const Enum candidate : values) {
      if (given == to_string(candidate)) {
        settings.*field = candidate;
        return;
      }
      known += known.empty() ? to_string(candidate) : std::string(", ") + to_string(candidate);
    }
    throw nb::value_error(("expected one of " + known + ", got '" + given + "'").c_str());
  };
}

template <class T>
Setter number(T Settings::*field) {
  return [field](Settings& settings, nb::handle value) { settings.*field = nb::cast<T>(value); };
}

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> table = {
      {"method",
       word(
           &Settings::method, std::array{Method::automatic, Method::admm, Method::interior_point})},
      {"backward_method",
       word(&Settings::backward_method, std::array{BackwardMethod::direct, BackwardMethod::admm})},
      {"device", word(&Settings::device, std::array{Device::automatic, Device::cpu, Device::cuda})},
      {"precision",
       word(&Settings::precision, std::array{Precision::fp64, Precision::mixed, Precision::fp32})},
      {"eps_abs", number(&Settings::eps_abs)},
      {"eps_rel", number(&Settings::eps_rel)},
      {"max_iter", number(&Settings::max_iter)},
      {"max_exchanges", number(&Settings::max_exchanges)},
      {"time_limit", number(&Settings::time_limit)},
      {"rho", number(&Settings::rho)},
      {"alpha", number(&Settings::alpha)},
      {"adaptive_rho", number(&Settings::adaptive_rho)},
      {"scaling", number(&Settings::scaling)},
      {"polish", number(&Settings::polish)},
      {"gradients", number(&Settings::gradients)},
      {"kappa", number(&Settings::kappa)},
      {"last_point", number(&Settings::last_point)},
      {"threads", number(&Settings::threads)}};
  return table;
}

}  // namespace

Settings settings_from(const nb::dict& dict) {
  Settings settings;
  for (const auto [key, value] : dict) {
    const auto name = nb::cast<std::string>(key);
    const auto found = setters().find(name);
    if (found == setters().end()) {
      std::string known;
      for (const auto& [field, setter] : setters()) known += (known.empty() ? "" : ", ") + field;
      throw nb::type_error(("there is no setting '" + name + "'; there are: " + known).c_str());
    }
    try {
      found->second(settings, value);
    } catch (const nb::cast_error&) {
      const std::string given = nb::cast<std::string>(nb::repr(value));
      throw nb::type_error(("setting '" + name + "': " + given + " has the wrong type").c_str());
    } catch (const nb::builtin_exception& error) {
      throw nb::value_error(("setting '" + name + "': " + error.what()).c_str());
    }
  }
  return settings;
}

}  // namespace bpqp::python
