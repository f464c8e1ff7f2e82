/// \file
/// Where a Solver's memory comes from, if the caller is to say (Settings::allocator).
#pragma once

#include <cstddef>

#include "bpqp/export.hpp"

namespace bpqp {

/// Memory of the Solver's device: with Device::cuda of the CUDA device that was current when the
/// Solver was made, which is current also in these calls; else the host's. A Solver asks for one
/// block when it is made, of at most Solver::bytes_needed bytes, and gives it back when it is
/// destroyed. With Device::cuda, calls with arrays in the host's memory ask for more: copies of
/// these arrays, each kept for the next call, and replaced when a larger one is needed.
///
/// Blocks are used in `stream` (Settings::stream; null on the CPU) and given back while work of
/// that stream may still be under way. Both are what stream-ordered allocators take: CUDA's
/// (cudaMallocAsync, cudaFreeAsync), RMM's resources, PyTorch's caching allocator
/// (raw_alloc_with_stream, raw_delete). One that knows of no stream waits in deallocate.
///
/// Calls come from the thread that uses the Solver; an allocator that several Solvers share is
/// called from all their threads.
class BPQP_API Allocator {
 public:
  virtual ~Allocator() = default;

  /// `bytes` >= 1, at an address that kAlignment divides. Null, another address, or an exception is
  /// the DeviceError of the Solver's call; its message has the exception's.
  virtual void* allocate(std::size_t bytes, void* stream) = 0;

  /// What allocate gave for so many bytes and that stream.
  virtual void deallocate(void* memory, std::size_t bytes, void* stream) noexcept = 0;

  static constexpr std::size_t kAlignment = 256;
};

}  // namespace bpqp
