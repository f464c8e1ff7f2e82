/// \file
/// Whether this processor has the instructions that a test was compiled for (bpqp_add_level_test).
#pragma once

namespace bpqp::test {

inline bool has_instructions() {
#if defined(__AVX512F__)
  return __builtin_cpu_supports("x86-64-v4");
#elif defined(__AVX2__)
  return __builtin_cpu_supports("x86-64-v3");
#else
  return true;
#endif
}

}  // namespace bpqp::test
