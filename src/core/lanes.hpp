/// \file
/// What the core asks of a real number R so that R may also be a pack: several problems side by
/// side, one to a SIMD lane (cpu/pack.hpp). A condition is then a mask, with the answer of every
/// lane, and code that packs run selects values where other code would branch.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/team.hpp"

namespace bpqp::core {

/// For R = float or double: sums and comparisons are in double. Specialised for packs.
template <class R>
struct LaneTraits {
  using Wide = double;
  using Mask = bool;
  using Side = signed char;  ///< of a row: 1 at u, -1 at l, 0 at none
};
template <class R>
using Wide = typename LaneTraits<R>::Wide;
template <class R>
using Mask = typename LaneTraits<R>::Mask;

BPQP_HD inline bool any(bool mask) {
  return mask;
}
BPQP_HD inline bool all(bool mask) {
  return mask;
}
template <class V>
BPQP_HD V select(bool condition, V a, V b) {
  return condition ? a : b;
}

BPQP_HD inline double magnitude(double v) {
  return std::fabs(v);
}
BPQP_HD inline float magnitude(float v) {
  return std::fabs(v);
}
BPQP_HD inline double root_of(double v) {
  return std::sqrt(v);
}
BPQP_HD inline float root_of(float v) {
  return std::sqrt(v);
}

/// The largest power of two that is at most `v` (v positive, normal).
BPQP_HD inline double floor_power_of_two(double v) {
  std::uint64_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  bits &= 0x7ff0000000000000ull;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}

/// max and min that keep a NaN once they have one (std::fmax drops it, and a NaN residual would
/// then look converged). The order of the arguments does not matter.
template <class R>
BPQP_HD R nan_max(R a, R b) {
  return select((b > a) | (b != b), b, a);
}
template <class R>
BPQP_HD R nan_min(R a, R b) {
  return select((b < a) | (b != b), b, a);
}

}  // namespace bpqp::core
