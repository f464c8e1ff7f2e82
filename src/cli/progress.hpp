/// \file
/// A line on stderr that says how far long work is; silent where stderr is no terminal.
#pragma once

#include <chrono>
#include <string>

namespace bpqp::cli {

class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows "what: done of all"; nothing in the first second, then at most ten times a second.
  void show(long done, long all);
  /// Removes the line, so that other output can follow.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  bool is_terminal_;
  bool visible_ = false;
  Clock::time_point next_;
};

}  // namespace bpqp::cli
