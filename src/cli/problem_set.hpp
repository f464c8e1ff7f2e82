/// \file
/// The problem files of one call of the command, and the batches that files of one shape make.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/progress.hpp"
#include "io/problem_file.hpp"

namespace bpqp::cli {

/// Files that are solved together: of one shape, as many as fit into a moderate amount of memory.
struct Chunk {
  Shape shape;
  std::vector<int> members;  ///< indices in the ProblemSet
};

/// All problems behind the paths of the command line. What cannot be read, or has cones in a build
/// without, is reported on stderr at once, and counted.
class ProblemSet {
 public:
  explicit ProblemSet(const std::vector<std::string>& paths);

  int size() const { return int(entries_.size()); }
  int faults() const { return faults_; }
  /// Width that the names need in a table.
  std::size_t name_width() const;
  const std::filesystem::path& path(int index) const { return entries_[std::size_t(index)].path; }

  /// In the order of the first file of each shape. Results do not depend on how files are dealt out
  /// to chunks (the library's promise).
  std::vector<Chunk> chunks() const;

  /// Hands the problem over. Files are read once, to check them all before work starts, and kept up
  /// to a limit; those beyond it are read again here. Throws io::FileError.
  io::ProblemFile take(int index);

 private:
  struct Entry {
    std::filesystem::path path;
    std::string name;
    Shape shape;
    std::optional<io::ProblemFile> problem;
  };

  void read(const std::filesystem::path& path);

  bool solves_cones_;
  std::vector<Entry> entries_;
  double bytes_kept_ = 0;
  int faults_ = 0;
};

}  // namespace bpqp::cli
