#include "bpqp/settings.hpp"

#include <array>
#include <functional>
#include <map>
#include <string>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "bindings.hpp"
#include "settings_table.hpp"

namespace nb = nanobind;

namespace bpqp::python {
namespace {

using Setter = std::function<void(Settings&, nb::handle)>;

/// From Python's values.
struct Setters {
  std::map<std::string, Setter> table;

  /// One word of those that to_string gives the values of the enum.
  template <class Enum, std::size_t N>
  void word(const char* name, Enum Settings::*field, std::array<Enum, N> values) {
    table[name] = [field, values](Settings& settings, nb::handle value) {
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
  void number(const char* name, T Settings::*field) {
    table[name] = [field](Settings& settings, nb::handle value) {
      settings.*field = nb::cast<T>(value);
    };
  }
};

const std::map<std::string, Setter>& setters() {
  static const Setters all = [] {
    Setters made;
    each_setting(made);
    return made;
  }();
  return all.table;
}

}  // namespace

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const auto& [name, setter] : setters()) names.push_back(name);
  return names;
}

Settings settings_from(const nb::dict& dict) {
  Settings settings;
  for (const auto [key, value] : dict) {
    const auto name = nb::cast<std::string>(key);
    const auto found = setters().find(name);
    if (found == setters().end())
      throw nb::type_error(("there is no setting '" + name + "'").c_str());
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
