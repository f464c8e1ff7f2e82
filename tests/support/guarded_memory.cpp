#include "support/guarded_memory.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

// Null where the sanitizer is not linked in.
extern "C" {
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* address, std::size_t size);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* address, std::size_t size);
}

namespace bpqp::test {
namespace {

constexpr std::size_t kAlignment = 128;
constexpr std::size_t kGuard = 256;  // a multiple of kAlignment

char pattern(std::size_t i) {  // neither 0 nor 0xff, and no period of 8 bytes
  return char(0x40 + i % 61);
}

void poison(const char* address, std::size_t size) {
  if (__asan_poison_memory_region) __asan_poison_memory_region(address, size);
}

void unpoison(const char* address, std::size_t size) {
  if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(address, size);
}

void fill_guard(char* guard) {
  unpoison(guard, kGuard);
  for (std::size_t i = 0; i < kGuard; ++i) guard[i] = pattern(i);
  poison(guard, kGuard);
}

/// The first byte that was changed; kGuard if none.
std::size_t first_change(const char* guard) {
  unpoison(guard, kGuard);
  std::size_t i = 0;
  while (i < kGuard && guard[i] == pattern(i)) ++i;
  poison(guard, kGuard);
  return i;
}

[[noreturn]] void complain(int block, std::size_t size, const std::string& byte) {
  throw SharedMemoryOverrun(
      "shared memory overrun: block " + std::to_string(block) + " has " + std::to_string(size) +
      " bytes of shared memory; the byte " + byte + " was written");
}

}  // namespace

GuardedMemory::GuardedMemory(std::size_t size) : size_(size) {
  const std::size_t all = kGuard + size + kGuard;
  memory_ = static_cast<char*>(
      std::aligned_alloc(kAlignment, (all + kAlignment - 1) / kAlignment * kAlignment));
  if (!memory_) throw std::bad_alloc();
  data_ = memory_ + kGuard;
}

GuardedMemory::~GuardedMemory() {
  unpoison(memory_, kGuard + size_ + kGuard);
  std::free(memory_);
}

void GuardedMemory::begin() {
  unpoison(memory_, kGuard + size_ + kGuard);
  std::memset(data_, 0xff, size_);
  fill_guard(memory_);
  fill_guard(data_ + size_);
}

void GuardedMemory::end() {
  std::memset(data_, 0xff, size_);
  poison(data_, size_);
}

void GuardedMemory::check(int block) const {
  const std::size_t before = first_change(memory_);
  if (before < kGuard)
    complain(block, size_, std::to_string(kGuard - before) + " before its first");
  const std::size_t after = first_change(data_ + size_);
  if (after < kGuard) complain(block, size_, std::to_string(after + 1) + " after its last");
}

}  // namespace bpqp::test
