/// \file
/// EmulatedRuntime: a Runtime whose device is the host. Memory is the host's, filled with 0xff so
/// that what nobody wrote is seen, and kernels are the very bodies of src/gpu on emulated blocks.
/// It has launch and memory only; there is no second implementation of an algorithm here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <utility>

#include "bpqp/allocator.hpp"
#include "gpu/runtime.hpp"

namespace bpqp::test {

/// The rows of the size table.
enum Row : int { kWarps = 0, kBlock128, kBlock256, kGrid };

/// Who solves a problem, and how the threads are scheduled.
struct Mapping {
  const char* name;
  Row row;                 ///< where a thread has no room for a problem's arrays, the row after it
  std::size_t fast_bytes;  ///< of shared memory for a problem's arrays
  std::uint64_t schedule = 0;
  int blocks = 2;        ///< of the device
  int host_threads = 1;  ///< that run them: with 2 ThreadSanitizer sees races between blocks
  std::size_t copy_bytes = 64 << 10;  ///< of a block's shared memory for copies of shared matrices
};

inline void PrintTo(const Mapping& mapping, std::ostream* out) {
  *out << mapping.name;
}

class EmulatedRuntime : public gpu::Runtime {
 public:
  /// What a test may look at; outlives the runtime.
  struct Counts {
    int launches = 0, waits = 0, allocations = 0;
  };

  explicit EmulatedRuntime(
      const Mapping& mapping,
      Counts* counts = nullptr,
      std::shared_ptr<Allocator> allocator = nullptr,
      void* stream = nullptr)
      : mapping_(mapping),
        counts_(counts ? counts : &own_),
        allocator_(std::move(allocator)),
        stream_(stream) {}
  ~EmulatedRuntime() override;

  gpu::Plan plan(int n, int m, bool rest) const override;
  gpu::Plan shared_plan(int n, int m, gpu::Reads reads) const override;
  void prepare(gpu::Kernel kernel, const gpu::Plan&) override { prepared_.insert(kernel); }
  bool capturing() const override { return false; }
  void* allocate(std::size_t bytes) override;
  void release(void* memory, std::size_t bytes) noexcept override;
  bool on_device(const void* pointer) const override;
  void copy(void* to, const void* from, std::size_t bytes) override;
  void fill(void* to, int byte, std::size_t bytes) override;
  void wait() override { ++counts_->waits; }
  void launch(gpu::Kernel, const gpu::Plan&, int blocks, const gpu::Arguments&) override;

 private:
  gpu::Plan fitted(gpu::Plan plan) const;

  Mapping mapping_;
  Counts own_;
  Counts* counts_;
  std::shared_ptr<Allocator> allocator_;
  void* stream_;
  std::set<gpu::Kernel> prepared_;
  std::map<const char*, std::size_t> memory_;  ///< start and size of every block
};

}  // namespace bpqp::test
