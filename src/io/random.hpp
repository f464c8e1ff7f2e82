/// \file
/// Random numbers that are the same on every platform: the distributions of <random> are not.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

namespace bpqp::io {

/// A stream of numbers that depends on (seed, stream) only.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0)
      : engine_(mix(mix(seed) + stream)) {}

  /// Uniform on [0, 1), 53 bits.
  double uniform() { return double(engine_() >> 11) * 0x1p-53; }

  /// Standard normal, by Box and Muller (1958); one of the pair, so that the stream is simple. The
  /// last bit may differ between mathematics libraries.
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

  std::vector<double> uniforms(std::size_t count) {
    std::vector<double> values(count);
    for (double& v : values) v = uniform();
    return values;
  }
  std::vector<double> normals(std::size_t count) {
    std::vector<double> values(count);
    for (double& v : values) v = normal();
    return values;
  }

 private:
  // The finaliser of SplitMix64 (Steele, Lea, Flood 2014): near seeds give unrelated streams.
  static std::uint64_t mix(std::uint64_t z) {
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::mt19937_64 engine_;  // its output is fixed by the standard
};

}  // namespace bpqp::io
