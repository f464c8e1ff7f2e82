/// \file
/// The choice of the backend by what the processor can do. BPQP_CPU_LEVELS_LIST, from
/// cmake/CpuLevels.cmake, is BPQP_X(v2) BPQP_X(v3) ... in ascending order, or BPQP_X(base).
#include <cstring>

#include "cpu/backend.hpp"

#define BPQP_X(level) extern "C" const void* bpqp_backend_##level();
BPQP_CPU_LEVELS_LIST
#undef BPQP_X

namespace bpqp::cpu {
namespace {

struct Level {
  const char* name;
  const void* (*backend)();
};

constexpr Level kLevels[] = {
#define BPQP_X(level) {#level, bpqp_backend_##level},
    BPQP_CPU_LEVELS_LIST
#undef BPQP_X
};
constexpr int kLevelCount = int(sizeof kLevels / sizeof kLevels[0]);

bool processor_has(const char* level) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (!std::strcmp(level, "v3")) return __builtin_cpu_supports("x86-64-v3");
  if (!std::strcmp(level, "v4")) return __builtin_cpu_supports("x86-64-v4");
#endif
  return true;  // v2 is the least that this library asks for; base is the compiler's own
}

const Backend& choose() {
  const Level* best = &kLevels[0];
  for (const Level& level : kLevels)
    if (processor_has(level.name)) best = &level;
  return *static_cast<const Backend*>(best->backend());
}

}  // namespace

const Backend& backend() {
  static const Backend& chosen = choose();
  return chosen;
}

const char* const* backend_levels(int& count) {
  static const char* names[kLevelCount] = {};
  for (int i = 0; i < kLevelCount; ++i) names[i] = kLevels[i].name;
  count = kLevelCount;
  return names;
}

}  // namespace bpqp::cpu
