#include "allocation.hpp"

#include <cstdint>
#include <exception>
#include <string>

#include "bpqp/status.hpp"

namespace bpqp {
namespace {

[[noreturn]] void fail(std::size_t bytes, const std::string& got) {
  throw DeviceError("allocator: expected " + std::to_string(bytes) + " bytes, got " + got);
}

void* ask(Allocator& allocator, std::size_t bytes, void* stream) {
  try {
    return allocator.allocate(bytes, stream);
  } catch (const std::exception& e) {
    fail(bytes, std::string("an exception: ") + e.what());
  } catch (...) {
    fail(bytes, "an exception");
  }
}

}  // namespace

void* allocate(Allocator& allocator, std::size_t bytes, void* stream) {
  void* const memory = ask(allocator, bytes, stream);
  if (!memory) fail(bytes, "null");
  const auto off = reinterpret_cast<std::uintptr_t>(memory) % Allocator::kAlignment;
  if (off != 0) {
    allocator.deallocate(memory, bytes, stream);
    fail(
        bytes, "an address that " + std::to_string(Allocator::kAlignment) +
                   " does not divide (remainder " + std::to_string(off) + ")");
  }
  return memory;
}

}  // namespace bpqp
