#include "settings_text.hpp"

#include <array>
#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "settings_table.hpp"

namespace bpqp::python {
namespace {

struct Writer {
  const Settings& settings;
  const Settings defaults = {};
  std::string text = {};

  template <class Enum, std::size_t N>
  void word(const char* name, Enum Settings::*field, std::array<Enum, N>) {
    if (settings.*field != defaults.*field) add(name, to_string(settings.*field));
  }

  template <class T>
  void number(const char* name, T Settings::*field) {
    // NaN differs from every default: it is written, and refused where a Solver is made.
    if (settings.*field == defaults.*field) return;
    if constexpr (std::is_same_v<T, bool>) {
      add(name, settings.*field ? "1" : "0");
    } else {
      std::array<char, 32> digits;  // the shortest that reads as the same number
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), settings.*field);
      add(name, std::string_view(digits.data(), std::size_t(end.ptr - digits.data())));
    }
  }

  void add(const char* name, std::string_view value) {
    text.append(name).append("=").append(value).append(";");
  }
};

/// Sets the one field `name`.
struct Reader {
  Settings& settings;
  std::string_view name, value;
  bool done = false;

  template <class Enum, std::size_t N>
  void word(const char* field_name, Enum Settings::*field, std::array<Enum, N> values) {
    if (name != field_name) return;
    for (const Enum candidate : values) {
      if (value != to_string(candidate)) continue;
      settings.*field = candidate;
      done = true;
    }
  }

  template <class T>
  void number(const char* field_name, T Settings::*field) {
    if (name != field_name) return;
    const char* const last = value.data() + value.size();
    std::conditional_t<std::is_same_v<T, bool>, int, T> read = {};
    const auto end = std::from_chars(value.data(), last, read);
    settings.*field = T(read);
    done = end.ec == std::errc() && end.ptr == last;
  }
};

}  // namespace

std::string settings_text(const Settings& settings) {
  Writer writer{settings};
  each_setting(writer);
  return writer.text;
}

Settings settings_of_text(std::string_view text) {
  Settings settings;
  while (!text.empty()) {
    const std::size_t equals = text.find('='), end = text.find(';');
    if (equals > end || end == std::string_view::npos)
      throw std::invalid_argument("settings: expected name=value; got " + std::string(text));
    Reader reader{settings, text.substr(0, equals), text.substr(equals + 1, end - equals - 1)};
    each_setting(reader);
    if (!reader.done)
      throw std::invalid_argument("settings: cannot read " + std::string(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  return settings;
}

}  // namespace bpqp::python
