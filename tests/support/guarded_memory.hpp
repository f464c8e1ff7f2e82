/// \file
/// A block's shared memory with guards around it, so that a test finds what is written beside it;
/// under AddressSanitizer, also what is read.
#pragma once

#include <cstddef>
#include <stdexcept>

namespace bpqp::test {

/// The message says which byte was written, of which block.
class SharedMemoryOverrun : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class GuardedMemory {
 public:
  explicit GuardedMemory(std::size_t size);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  char* data() const { return data_; }  ///< aligned to 128 bytes
  /// Fills the memory with 0xff, so that doubles in it are NaN, and the guards with their pattern.
  void begin();
  /// The block has returned: whoever reads its memory now finds 0xff, or AddressSanitizer's report.
  void end();
  /// Throws SharedMemoryOverrun if a guard was changed.
  void check(int block) const;

 private:
  std::size_t size_;
  char* memory_;
  char* data_;
};

}  // namespace bpqp::test
