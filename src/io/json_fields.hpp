/// \file
/// Fields of a JSON object, checked: what is wrong ends as one FileError that names file, field,
/// what was given and what was expected.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace bpqp::io {

/// Parses `text` (UTF-8). Throws FileError with line and column; `file` is only for the message.
nlohmann::json parse_json(const std::string& text, const std::string& file);

/// A JSON value and the words for where it stands ("expect.adjoint.g"). It refers to the value,
/// which must outlive it.
class Field {
 public:
  Field(const nlohmann::json& value, std::string file, std::string name)
      : value_(&value), file_(std::move(file)), name_(std::move(name)) {}

  /// The member `key` of this object; throws if it is missing, or this is no object.
  Field at(const std::string& key) const;
  /// Whether this object has the member `key`, with a value other than null.
  bool has(const std::string& key) const;

  /// The value, which must be a whole number in [least, most].
  int integer(int least, int most) const;
  /// The value, which must be a number (JSON has no NaN and no infinity).
  double number() const;
  std::string text() const;
  /// The array's numbers. `size_means` says in the message where `size` comes from, as in "n".
  std::vector<double> numbers(std::size_t size, const std::string& size_means) const;
  /// The array's whole numbers in [least, most], any count.
  std::vector<int> integers(int least, int most) const;
  /// A dense matrix as an array of rows; row-major.
  std::vector<double> rows(int count, int columns) const;

  std::size_t array_size() const;

  /// "FILE: FIELD: given ...; expected ..."
  [[noreturn]] void fail(const std::string& given, const std::string& expected) const;

 private:
  Field element(std::size_t index) const;

  const nlohmann::json* value_;
  std::string file_;
  std::string name_;
};

}  // namespace bpqp::io
