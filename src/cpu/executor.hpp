/// \file
/// Threads over a batch, or over the tiles of one large problem, by oneTBB.
#pragma once

#include <functional>
#include <memory>

#include "cpu/cpu_team.hpp"

namespace bpqp::cpu {

/// Cores of this machine that threads = 0 stands for; fewer where the process limits oneTBB.
int default_threads();
/// Those of an Executor that is made with `threads`.
int threads_of(int threads);

class Executor {
 public:
  /// At most one thread per core; 0: one per core.
  explicit Executor(int threads);
  ~Executor();

  int threads() const { return threads_; }

  /// body(worker, begin, end) for chunks that cover [0, count); worker in [0, threads()) is never
  /// in use twice at once. Chunks are dealt out as workers come free, since problems differ in
  /// work; results must not depend on which worker computes what.
  void for_chunks(int count, int chunk, const std::function<void(int, int, int)>& body) const;

  /// For CpuTeam: the tiles of one matrix over all threads. Null with one thread.
  const ParallelFor* tiles() const { return threads_ > 1 ? &tiles_ : nullptr; }

 private:
  struct Arena;
  int threads_;
  std::unique_ptr<Arena> arena_;
  ParallelFor tiles_;
};

}  // namespace bpqp::cpu
