#include "cli/output.hpp"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <iostream>

namespace bpqp::cli {

void OrderedOutput::put(int index, std::string text) {
  waiting_.emplace(index, std::move(text));
  for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_; ++next_) {
    if (!first->second.empty()) std::cout << std::exchange(header_, "");
    std::cout << first->second;
    first = waiting_.erase(first);
  }
  std::cout.flush();
}

std::string format(const char* text, ...) {
  std::va_list arguments, again;
  va_start(arguments, text);
  va_copy(again, arguments);
  std::string result(std::size_t(std::vsnprintf(nullptr, 0, text, arguments)), '\0');
  std::vsnprintf(result.data(), result.size() + 1, text, again);
  va_end(again);
  va_end(arguments);
  return result;
}

std::string short_number(double value) {
  return std::isnan(value) ? "-" : format("%.1e", value);
}

std::string first_entries(const std::vector<double>& values) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(values.size(), kShown); ++i) {
    text += (i ? ", " : "") + format("%.6g", values[i]);
  }
  if (values.size() > kShown) text += ", ... (" + std::to_string(values.size()) + " in all)";
  return text.empty() ? "(none)" : text;
}

std::string duration(double seconds) {
  if (std::isnan(seconds)) return "-";
  if (seconds < 1e-3) return format("%.3g us", 1e6 * seconds);
  if (seconds < 1) return format("%.3g ms", 1e3 * seconds);
  return format("%.4g s", seconds);
}

std::string padded(const std::string& text, std::size_t width) {
  std::string result = text.size() <= width ? text : text.substr(0, width - 3) + "...";
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  }
  result.resize(width, ' ');
  return result;
}

Json json_vector(const std::vector<double>& values) {
  return Json(values);
}

Json json_matrix(const std::vector<double>& values, int rows, int cols) {
  Json result = Json::array();
  for (int i = 0; i < rows; ++i) {
    const auto first = values.begin() + std::ptrdiff_t(i) * cols;
    result.push_back(std::vector<double>(first, first + cols));
  }
  return result;
}

std::string json_line(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bpqp::cli
