/// \file
/// Blocks from the caller's allocator, checked.
#pragma once

#include "bpqp/allocator.hpp"

namespace bpqp {

/// Throws DeviceError where the allocator throws, or gives no memory or a wrong address.
void* allocate(Allocator& allocator, std::size_t bytes, void* stream);

}  // namespace bpqp
