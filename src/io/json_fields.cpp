#include "io/json_fields.hpp"

#include <cctype>
#include <cstdint>
#include <utility>

#include <climits>

#include "io/text_file.hpp"

namespace bpqp::io {
namespace {

using nlohmann::json;

// The value in few words: a number or short text as it stands, the kind of anything longer.
std::string describe(const json& value) {
  if (value.is_array()) return "an array of " + std::to_string(value.size());
  if (value.is_object()) return "an object";
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return value.is_string() ? text + " (text)" : text;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

// Whether the parser stopped at a word that someone wrote for NaN or an infinity.
bool is_not_finite(const std::string& text, std::size_t byte) {
  const auto letter = [&](std::size_t at) {
    return at < text.size() && std::isalpha(static_cast<unsigned char>(text[at]));
  };
  std::size_t first = byte == 0 ? 0 : byte - 1;
  if (!letter(first) && !letter(++first)) return false;  // "-N": it stops at the sign or after it
  while (first > 0 && letter(first - 1)) --first;
  std::string word;
  for (std::size_t at = first; letter(at) && word.size() < 10; ++at) {
    word += char(std::tolower(static_cast<unsigned char>(text[at])));
  }
  return word == "nan" || word == "inf" || word == "infinity";
}

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error ..." without the
// library's own tag.
std::string parser_words(const std::string& what) {
  const auto end = what.find("] ");
  return one_line(end == std::string::npos ? what : what.substr(end + 2));
}

}  // namespace

json parse_json(const std::string& text, const std::string& file) {
  if (text.empty()) throw FileError(file + ": not JSON: the file is empty");
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    std::string words = parser_words(error.what());
    if (words.size() > 200) words = words.substr(0, 197) + "...";
    const char* hint =
        is_not_finite(text, error.byte) ? "; JSON has no NaN and no infinity (write +-1e30)" : "";
    throw FileError(file + ": not JSON: " + words + hint);
  } catch (const json::out_of_range& error) {
    throw FileError(
        file + ": " + parser_words(error.what()) +
        "; expected numbers that a double can hold (infinite is +-1e30)");
  }
}

void Field::fail(const std::string& given, const std::string& expected) const {
  throw FileError(
      file_ + ": " + (name_.empty() ? "" : name_ + ": ") + "given " + given + "; expected " +
      expected);
}

Field Field::at(const std::string& key) const {
  if (!value_->is_object()) fail(describe(*value_), "an object");
  const std::string path = name_.empty() ? key : name_ + "." + key;
  const auto found = value_->find(key);
  if (found == value_->end()) throw FileError(file_ + ": " + path + ": missing");
  return {*found, file_, path};
}

bool Field::has(const std::string& key) const {
  if (!value_->is_object()) fail(describe(*value_), "an object");
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

Field Field::element(std::size_t index) const {
  return {(*value_)[index], file_, name_ + "[" + std::to_string(index) + "]"};
}

int Field::integer(int least, int most) const {
  // Numbers beyond 64 bits are floats to the parser; unsigned ones beyond 63 bits must not wrap.
  const bool fits = value_->is_number_integer() &&
                    !(value_->is_number_unsigned() && value_->get<std::uint64_t>() > INT_MAX);
  const std::int64_t value = fits ? value_->get<std::int64_t>() : 0;
  if (!fits || value < least || value > most) {
    fail(
        describe(*value_),
        "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return int(value);
}

double Field::number() const {
  if (!value_->is_number()) fail(describe(*value_), "a number");
  return value_->get<double>();
}

std::string Field::text() const {
  if (!value_->is_string()) fail(describe(*value_), "text");
  return value_->get<std::string>();
}

std::size_t Field::array_size() const {
  if (!value_->is_array()) fail(describe(*value_), "an array");
  return value_->size();
}

std::vector<double> Field::numbers(std::size_t size, const std::string& size_means) const {
  if (array_size() != size) {
    fail(
        describe(*value_) + " numbers",
        std::to_string(size) + (size_means.empty() ? "" : " (" + size_means + ")"));
  }
  std::vector<double> result(size);
  for (std::size_t i = 0; i < size; ++i) {
    const json& entry = (*value_)[i];
    result[i] = entry.is_number() ? entry.get<double>() : element(i).number();
  }
  return result;
}

std::vector<int> Field::integers(int least, int most) const {
  std::vector<int> result(array_size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = element(i).integer(least, most);
  return result;
}

std::vector<double> Field::rows(int count, int columns) const {
  if (array_size() != std::size_t(count)) {
    fail(describe(*value_) + " rows", std::to_string(count) + " rows");
  }
  std::vector<double> result;
  result.reserve(std::size_t(count) * columns);
  for (std::size_t i = 0; i < std::size_t(count); ++i) {
    const auto row = element(i).numbers(columns, "the columns");
    result.insert(result.end(), row.begin(), row.end());
  }
  return result;
}

}  // namespace bpqp::io
