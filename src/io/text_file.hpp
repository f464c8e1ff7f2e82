/// \file
/// The text of a file, plain or gzip, and the one kind of error that reading problems raises.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace bpqp::io {

/// A file that cannot be used. what() is one line: file, field, what was given, what was expected.
class FileError : public std::runtime_error {
 public:
  explicit FileError(const std::string& message) : std::runtime_error(message) {}
};

/// The whole text of `path`; a file that starts with gzip's two magic bytes is unpacked, whatever
/// its name. Throws FileError if it cannot be opened, is a folder, is damaged or cut short, or
/// holds more than 4 GiB of text.
std::string read_text(const std::filesystem::path& path);

/// The problem files behind `path`: itself if it is a file; if it is a folder its own *.json and
/// *.json.gz, sorted by name (folders inside it are not entered). Throws FileError if there is
/// nothing there, or the folder holds no such file.
std::vector<std::filesystem::path> list_problem_files(const std::filesystem::path& path);

}  // namespace bpqp::io
