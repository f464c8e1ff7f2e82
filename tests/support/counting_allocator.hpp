/// \file
/// CountingAllocator: an Allocator that keeps account of its blocks, and fails as it is told.
#pragma once

#include <map>
#include <new>
#include <stdexcept>

#include "bpqp/allocator.hpp"

namespace bpqp::test {

class CountingAllocator : public Allocator {
 public:
  enum class Failure { none, null, exception, odd_address };

  Failure failure = Failure::none;
  int calls = 0;          ///< of allocate
  int wrong_returns = 0;  ///< blocks given back that are not ours, or with another size or stream
  std::size_t bytes = 0;  ///< of the blocks that are out
  std::size_t most = 0;   ///< of a block
  std::map<void*, std::pair<std::size_t, void*>> blocks;  ///< that are out: size, stream

  ~CountingAllocator() override {
    for (const auto& [memory, what] : blocks) ::operator delete(memory, kAlign);
  }

  void* allocate(std::size_t size, void* stream) override {
    ++calls;
    if (failure == Failure::null) return nullptr;
    if (failure == Failure::exception) throw std::runtime_error("the pool is empty");
    char* memory = static_cast<char*>(::operator new(size + kAlignment, kAlign));
    blocks[memory] = {size, stream};
    bytes += size;
    most = size > most ? size : most;
    return failure == Failure::odd_address ? memory + 64 : memory;
  }

  void deallocate(void* memory, std::size_t size, void* stream) noexcept override {
    if (failure == Failure::odd_address) memory = static_cast<char*>(memory) - 64;
    const auto block = blocks.find(memory);
    if (block == blocks.end() || block->second != std::pair(size, stream)) {
      ++wrong_returns;
      return;
    }
    blocks.erase(block);
    bytes -= size;
    ::operator delete(memory, kAlign);
  }

 private:
  static constexpr std::align_val_t kAlign{kAlignment};
};

}  // namespace bpqp::test
