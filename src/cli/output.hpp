/// \file
/// What goes to stdout: lines in the order of the files, numbers for people, numbers for JSON.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace bpqp::cli {

using Json = nlohmann::ordered_json;

/// Prints the text of problem 0, 1, ... in that order as soon as it can, though batches finish in
/// another order.
class OrderedOutput {
 public:
  /// `header` is printed before the first text that says something.
  explicit OrderedOutput(std::string header = "") : header_(std::move(header)) {}

  /// `text` may be empty (nothing to say), or several lines.
  void put(int index, std::string text);

 private:
  std::string header_;
  int next_ = 0;
  std::map<int, std::string> waiting_;
};

/// printf with a std::string as result.
[[gnu::format(printf, 1, 2)]] std::string format(const char* text, ...);

/// "1.2e-11"; "-" for NaN.
std::string short_number(double value);
/// The first entries: "0.3, 0.7, -1.5, ... (100)".
std::string first_entries(const std::vector<double>& values);
/// "12.3 ms".
std::string duration(double seconds);
/// Cut to `width` with "..." in the end, or filled up with blanks; control characters become "?".
std::string padded(const std::string& text, std::size_t width);

/// An array of numbers; NaN and infinite ones are null, as everywhere in the command's JSON.
Json json_vector(const std::vector<double>& values);
/// A row-major matrix as an array of `rows` rows.
Json json_matrix(const std::vector<double>& values, int rows, int cols);
/// On one line.
std::string json_line(const Json& object);

}  // namespace bpqp::cli
