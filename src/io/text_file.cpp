#include "io/text_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <zlib.h>

namespace bpqp::io {
namespace {

// A gzip file of 4 MB can hold 4 GB of zeros; no problem of a size that dense matrices suit is
// longer.
constexpr std::size_t kMaxText = std::size_t(4) << 30;
constexpr std::size_t kChunk = 1 << 16;

bool is_problem_file(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".json") || name.ends_with(".json.gz");
}

struct CloseGzip {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzipFile = std::unique_ptr<gzFile_s, CloseGzip>;

// zlib reports a file that ends inside a gzip stream as Z_BUF_ERROR, only after the last byte.
void check_end(gzFile file, const std::string& name) {
  int code = Z_OK;
  const char* text = gzerror(file, &code);
  if (code == Z_OK || code == Z_STREAM_END) return;
  if (code == Z_BUF_ERROR) {
    throw FileError(name + ": the gzip data end too early; expected a complete file");
  }
  if (code == Z_ERRNO) throw FileError(name + ": cannot be read: " + std::strerror(errno));
  std::string reason = text;  // zlib puts the name in front
  if (reason.starts_with(name + ": ")) reason.erase(0, name.size() + 2);
  throw FileError(name + ": damaged gzip data (" + reason + ")");
}

}  // namespace

std::string read_text(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw FileError(name + ": is a folder; expected a problem file");
  }
  errno = 0;
  const GzipFile file(gzopen(name.c_str(), "rb"));
  if (!file) throw FileError(name + ": cannot be opened: " + std::strerror(errno ? errno : ENOMEM));
  gzbuffer(file.get(), kChunk);
  std::string text;
  std::string chunk(kChunk, '\0');
  for (;;) {
    const int got = gzread(file.get(), chunk.data(), unsigned(chunk.size()));
    if (got > 0) text.append(chunk, 0, std::size_t(got));
    if (text.size() > kMaxText) throw FileError(name + ": more than 4 GiB of text");
    if (got < int(chunk.size())) break;
  }
  check_end(file.get(), name);
  return text;
}

std::vector<std::filesystem::path> list_problem_files(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw FileError(path.string() + ": no such file");
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator entries(path, error);
  if (error) throw FileError(path.string() + ": cannot be read: " + error.message());
  for (const auto& entry : entries) {
    if (is_problem_file(entry.path()) && !entry.is_directory()) files.push_back(entry.path());
  }
  if (files.empty()) {
    throw FileError(
        path.string() +
        ": no problem files in this folder; expected *.json or *.json.gz (folders inside it are "
        "not "
        "entered)");
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace bpqp::io
