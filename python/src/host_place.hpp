// What the calls of cached_calls.hpp do with memory, on the host. cuda_place.cuh has the same for a
// CUDA device; the calls are written once, over either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bpqp/settings.hpp"
#include "callers.hpp"

namespace bpqp::python {

/// Where a Solver of the cache has its arrays, and how they are worked on.
class HostPlace {
 public:
  using Caller = HostCaller;
  template <class T>
  using Array = std::vector<T>;

  /// Makes the place that the caller's arrays are in the current one, as long as it lives.
  struct Current {
    explicit Current(const Caller&) {}
  };

  /// What the place's work waits for, and who waits for it: the caller.
  struct Turn {
    Turn(HostPlace&, const Caller&) {}
  };

  explicit HostPlace(const Caller&) {}

  /// Tells apart places whose Solvers cannot stand in for one another.
  static std::string name(const Caller&) { return {}; }
  /// Entries of the caller's, waited for.
  template <class T>
  static std::vector<T> read(const Caller&, const T* from, std::size_t count) {
    return {from, from + count};
  }

  Settings settings(Settings settings) const {
    settings.device = Device::cpu;
    return settings;
  }
  template <class T>
  Array<T> make(std::size_t count) {
    return Array<T>(count);
  }
  template <class T>
  Array<T> copy(const T* from, std::size_t count) {
    return {from, from + count};
  }
  /// From the host's memory to the place's, and back.
  template <class T>
  Array<T> put(std::vector<T> host) {
    return host;
  }
  template <class T>
  std::vector<T> get(const Array<T>& array) {
    return array;
  }
  /// body(i, j) for all i < count and j < size, in any order and at once.
  template <class Body>
  void each(std::int64_t count, std::int64_t size, const Body& body) {
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < size; ++j) body(i, j);
  }
};

}  // namespace bpqp::python
