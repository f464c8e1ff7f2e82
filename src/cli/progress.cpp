#include "cli/progress.hpp"

#include <iostream>
#include <unistd.h>

namespace bpqp::cli {

Progress::Progress(std::string what)
    : what_(std::move(what)),
      is_terminal_(isatty(STDERR_FILENO) != 0),
      next_(Clock::now() + std::chrono::seconds(1)) {}

void Progress::show(long done, long all) {
  if (!is_terminal_) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  std::cerr << "\r" + what_ + ": " + std::to_string(done) + " of " + std::to_string(all) + "\x1b[K"
            << std::flush;
  visible_ = true;
}

void Progress::clear() {
  if (visible_) std::cerr << "\r\x1b[K" << std::flush;
  visible_ = false;
}

}  // namespace bpqp::cli
