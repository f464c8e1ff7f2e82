/// \file
/// From arrays of several problems to packs, and back: the same number of every problem side by
/// side.
#pragma once

#include "cpu/cpu_data.hpp"
#include "cpu/pack.hpp"

namespace bpqp::cpu {

/// packs[i], lane k = arrays[k][i], for i < count.
template <class D>
inline void load_packs(const D* const* arrays, std::size_t count, Pack* packs) {
  constexpr std::size_t kLanes = Pack::kLanes;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    micro::Pack block[kLanes];
    for (std::size_t k = 0; k < kLanes; ++k) block[k] = load_doubles(arrays[k] + i);
    micro::transpose(block);
    for (std::size_t k = 0; k < kLanes; ++k) packs[i + k] = block[k];
  }
  for (; i < count; ++i) {
    double lanes[kLanes];
    for (std::size_t k = 0; k < kLanes; ++k) lanes[k] = double(arrays[k][i]);
    packs[i] = Pack::Register::load_unaligned(lanes);
  }
}

/// arrays[k][i] = packs[i], lane k, where arrays[k] is not null.
inline void store_packs(const Pack* packs, std::size_t count, double* const* arrays) {
  constexpr std::size_t kLanes = Pack::kLanes;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    micro::Pack block[kLanes];
    for (std::size_t k = 0; k < kLanes; ++k) block[k] = packs[i + k].v;
    micro::transpose(block);
    for (std::size_t k = 0; k < kLanes; ++k)
      if (arrays[k]) block[k].store_unaligned(arrays[k] + i);
  }
  for (; i < count; ++i) {
    double lanes[kLanes];
    packs[i].v.store_unaligned(lanes);
    for (std::size_t k = 0; k < kLanes; ++k)
      if (arrays[k]) arrays[k][i] = lanes[k];
  }
}

/// A lane of a pack.
inline double lane_of(const Pack& pack, int lane) {
  double lanes[Pack::kLanes];
  pack.v.store_unaligned(lanes);
  return lanes[lane];
}

}  // namespace bpqp::cpu
