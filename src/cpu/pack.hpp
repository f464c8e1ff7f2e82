/// \file
/// Pack: one number of each of kLanes problems, in a SIMD register, as the R of src/core; and the
/// team whose one thread solves that many problems in lockstep. What core/lanes.hpp asks of R.
#pragma once

#include "core/lanes.hpp"

#include <xsimd/xsimd.hpp>

namespace bpqp::cpu {

struct Pack {
  using Register = xsimd::batch<double>;
  static constexpr int kLanes = int(Register::size);

  Register v;

  Pack() = default;
  Pack(Register value) : v(value) {}
  Pack(double value) : v(value) {}

  Pack& operator+=(Pack b) { return v += b.v, *this; }
  Pack& operator-=(Pack b) { return v -= b.v, *this; }
  Pack& operator*=(Pack b) { return v *= b.v, *this; }
  Pack& operator/=(Pack b) { return v /= b.v, *this; }
  friend Pack operator+(Pack a, Pack b) { return a.v + b.v; }
  friend Pack operator-(Pack a, Pack b) { return a.v - b.v; }
  friend Pack operator*(Pack a, Pack b) { return a.v * b.v; }
  friend Pack operator/(Pack a, Pack b) { return a.v / b.v; }
  friend Pack operator-(Pack a) { return -a.v; }
};

/// The answers of the lanes to a condition.
struct PackMask {
  xsimd::batch_bool<double> v;

  PackMask() = default;
  PackMask(xsimd::batch_bool<double> value) : v(value) {}
  explicit PackMask(bool all) : v(all) {}
  /// Lane i's answer is bit i.
  static PackMask of(unsigned bits) {
    double lanes[Pack::kLanes];
    for (int i = 0; i < Pack::kLanes; ++i) lanes[i] = double(bits >> i & 1);
    return Pack::Register::load_unaligned(lanes) != Pack::Register(0.0);
  }
  unsigned bits() const {
    double lanes[Pack::kLanes];
    xsimd::select(v, Pack::Register(1.0), Pack::Register(0.0)).store_unaligned(lanes);
    unsigned bits = 0;
    for (int i = 0; i < Pack::kLanes; ++i) bits |= unsigned(lanes[i]) << i;
    return bits;
  }

  friend PackMask operator&(PackMask a, PackMask b) { return a.v & b.v; }
  friend PackMask operator|(PackMask a, PackMask b) { return a.v | b.v; }
  friend PackMask operator!(PackMask a) { return ~a.v; }
};

inline PackMask operator<(Pack a, Pack b) {
  return a.v < b.v;
}
inline PackMask operator>(Pack a, Pack b) {
  return a.v > b.v;
}
inline PackMask operator<=(Pack a, Pack b) {
  return a.v <= b.v;
}
inline PackMask operator>=(Pack a, Pack b) {
  return a.v >= b.v;
}
inline PackMask operator==(Pack a, Pack b) {
  return a.v == b.v;
}
/// True where there is a NaN, as for doubles; that of xsimd 8 is not with AVX.
inline PackMask operator!=(Pack a, Pack b) {
  return !(a == b);
}

inline bool any(PackMask mask) {
  return xsimd::any(mask.v);
}
inline bool all(PackMask mask) {
  return xsimd::all(mask.v);
}
inline Pack select(PackMask condition, Pack a, Pack b) {
  return xsimd::select(condition.v, a.v, b.v);
}
inline PackMask select(PackMask condition, PackMask a, PackMask b) {
  return (condition & a) | ((!condition) & b);
}
inline Pack magnitude(Pack a) {
  return xsimd::abs(a.v);
}
inline Pack root_of(Pack a) {
  return xsimd::sqrt(a.v);
}
inline Pack floor_power_of_two(Pack a) {
  const Pack::Register exponent(INFINITY);  // all bits of the exponent, and no others
  return a.v & exponent;
}

/// One thread, a problem to a lane.
class PackTeam : public core::SerialTeam {
 public:
  using core::SerialTeam::max;
  using core::SerialTeam::min;
  using core::SerialTeam::sum;
  Pack sum(Pack v) const { return v; }
  Pack max(Pack v) const { return v; }
  Pack min(Pack v) const { return v; }
};

}  // namespace bpqp::cpu

template <>
struct bpqp::core::LaneTraits<bpqp::cpu::Pack> {
  using Wide = cpu::Pack;
  using Mask = cpu::PackMask;
  using Side = cpu::Pack;
};
