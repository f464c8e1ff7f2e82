/// \file
/// What the tests of emulated lanes and threads have in common.
#pragma once

#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#define BPQP_UNDER_TSAN 1
#else
#define BPQP_UNDER_TSAN 0
#endif

namespace bpqp::test {

inline constexpr std::uint64_t kSchedules[] = {0, 1, 42};  // in their order, and two shuffles

inline double* doubles(char* memory) {
  return reinterpret_cast<double*>(memory);
}

}  // namespace bpqp::test
