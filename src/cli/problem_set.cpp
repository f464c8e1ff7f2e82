#include "cli/problem_set.hpp"

#include <algorithm>

#include "bpqp/capabilities.hpp"
#include "cli/common.hpp"
#include "io/text_file.hpp"

namespace bpqp::cli {
namespace {

// Enough that thousands of small problems form one batch and that memory stays moderate; speed does
// not depend on them.
constexpr double kBytesKept = 1e9;
constexpr double kBytesInChunk = 2.5e8;
constexpr int kProblemsInChunk = 8192;

double data_bytes(const Shape& s) {
  return 8.0 * (double(s.n) * (s.n + s.m) + s.n + 2.0 * s.m);
}

bool same(const Shape& a, const Shape& b) {
  return a.n == b.n && a.m == b.m && a.cones == b.cones;
}

int chunk_size(const Shape& s) {
  return int(std::clamp(kBytesInChunk / data_bytes(s), 1.0, double(kProblemsInChunk)));
}

}  // namespace

ProblemSet::ProblemSet(const std::vector<std::string>& paths)
    : solves_cones_(capabilities().cones) {
  std::vector<std::filesystem::path> files;
  for (const auto& path : paths) {
    try {
      for (auto& file : io::list_problem_files(path)) files.push_back(std::move(file));
    } catch (const io::FileError& error) {
      complain(error.what());
      ++faults_;
    }
  }
  Progress progress("reading files");
  for (std::size_t i = 0; i < files.size(); ++i) {
    progress.show(long(i), long(files.size()));
    try {
      read(files[i]);
    } catch (const io::FileError& error) {
      progress.clear();
      complain(error.what());
      ++faults_;
    }
  }
}

void ProblemSet::read(const std::filesystem::path& path) {
  io::ProblemFile problem = io::read_problem_file(path);
  if (!problem.shape.cones.empty() && !solves_cones_) {
    throw io::FileError(
        path.string() + ": cones: given " + std::to_string(problem.shape.cones.size()) +
        ", which this build cannot solve; expected none");
  }
  Entry entry{path, problem.name, problem.shape, std::nullopt};
  const double bytes = data_bytes(problem.shape);
  if (bytes_kept_ + bytes <= kBytesKept) {
    bytes_kept_ += bytes;
    entry.problem = std::move(problem);
  }
  entries_.push_back(std::move(entry));
}

std::size_t ProblemSet::name_width() const {
  std::size_t width = 8;
  for (const auto& entry : entries_) width = std::max(width, entry.name.size());
  return std::min(width, std::size_t(40));
}

std::vector<Chunk> ProblemSet::chunks() const {
  std::vector<Chunk> groups;
  for (int i = 0; i < size(); ++i) {
    const Shape& shape = entries_[std::size_t(i)].shape;
    const auto group = std::find_if(
        groups.begin(), groups.end(), [&](const Chunk& c) { return same(c.shape, shape); });
    if (group != groups.end()) {
      group->members.push_back(i);
    } else {
      groups.push_back({shape, {i}});
    }
  }
  std::vector<Chunk> chunks;
  for (const auto& group : groups) {
    for (auto first = group.members.begin(); first != group.members.end();) {
      const auto count =
          std::min<std::ptrdiff_t>(chunk_size(group.shape), group.members.end() - first);
      chunks.push_back({group.shape, {first, first + count}});
      first += count;
    }
  }
  return chunks;
}

io::ProblemFile ProblemSet::take(int index) {
  Entry& entry = entries_[std::size_t(index)];
  if (!entry.problem) return io::read_problem_file(entry.path);
  io::ProblemFile problem = std::move(*entry.problem);
  entry.problem.reset();
  return problem;
}

}  // namespace bpqp::cli
