/// \file
/// Counts heap allocations of the whole process, all threads: malloc, calloc, realloc and the
/// aligned ones are interposed, and operator new ends in them. A test that links this file's .cpp
/// counts; in sanitizer builds, which interpose malloc themselves, nothing is counted.
#pragma once

#include <cstdint>

namespace bpqp::test {

/// Whether allocations are counted in this build.
bool counts_allocations();

/// Allocations since the start of the process.
std::uint64_t allocations();

}  // namespace bpqp::test
