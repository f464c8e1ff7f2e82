/// \file
/// CpuTeam: one CPU thread per problem, dense algebra by our micro-kernels and Eigen
/// (cpu_dense.hpp). For one large problem it may borrow other threads for the tiles of a matrix;
/// which thread computes a tile changes nothing in the result.
#pragma once

#include "core/team.hpp"

namespace bpqp::cpu {

/// Runs body(context, i) for i in [0, count), in any order, on any threads, and waits.
struct ParallelFor {
  void (*run)(void* pool, int count, void (*body)(const void*, int), const void* context) = nullptr;
  void* pool = nullptr;
};

class CpuTeam : public core::SerialTeam {
 public:
  CpuTeam() = default;
  explicit CpuTeam(const ParallelFor* tiles) : tiles_(tiles) {}

  /// body(i) for i in [0, count); the bodies must be independent.
  template <class Body>
  void for_tiles(int count, const Body& body) const {
    if (!tiles_ || count < 2) {
      for (int i = 0; i < count; ++i) body(i);
      return;
    }
    tiles_->run(
        tiles_->pool, count,
        [](const void* context, int i) { (*static_cast<const Body*>(context))(i); }, &body);
  }

 private:
  const ParallelFor* tiles_ = nullptr;
};

}  // namespace bpqp::cpu
