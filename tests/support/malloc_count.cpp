#include "support/malloc_count.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define BPQP_COUNTS_ALLOCATIONS 1
#else
#define BPQP_COUNTS_ALLOCATIONS 0
#endif

namespace {
std::atomic<std::uint64_t> count{0};
}

namespace bpqp::test {

bool counts_allocations() {
  return BPQP_COUNTS_ALLOCATIONS;
}

std::uint64_t allocations() {
  return count.load();
}

}  // namespace bpqp::test

#if BPQP_COUNTS_ALLOCATIONS
extern "C" {

// glibc's own, under the names that it keeps for this.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t items, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

[[gnu::visibility("default")]] void* malloc(std::size_t size) {
  ++count;
  return __libc_malloc(size);
}

[[gnu::visibility("default")]] void* calloc(std::size_t items, std::size_t size) {
  ++count;
  return __libc_calloc(items, size);
}

[[gnu::visibility("default")]] void* realloc(void* old, std::size_t size) {
  ++count;
  return __libc_realloc(old, size);
}

[[gnu::visibility("default")]] void* memalign(std::size_t alignment, std::size_t size) {
  ++count;
  return __libc_memalign(alignment, size);
}

[[gnu::visibility("default")]] void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++count;
  return __libc_memalign(alignment, size);
}

[[gnu::visibility("default")]] int posix_memalign(
    void** out, std::size_t alignment, std::size_t size) {
  ++count;
  void* memory = __libc_memalign(alignment, size);
  if (!memory) return ENOMEM;
  *out = memory;
  return 0;
}

}  // extern "C"
#endif
