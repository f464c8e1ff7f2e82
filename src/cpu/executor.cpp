#include "cpu/executor.hpp"

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>

namespace bpqp::cpu {

struct Executor::Arena {
  explicit Arena(int threads) : arena(threads) { arena.initialize(); }
  oneapi::tbb::task_arena arena;
};

int default_threads() { return oneapi::tbb::info::default_concurrency(); }

Executor::Executor(int threads) : threads_(threads > 0 ? threads : default_threads()) {
  if (threads_ == 1) return;
  arena_ = std::make_unique<Arena>(threads_);
  tiles_.pool = arena_.get();
  tiles_.run = [](void* pool, int count, void (*body)(const void*, int), const void* context) {
    static_cast<Arena*>(pool)->arena.execute([&] {
      oneapi::tbb::parallel_for(0, count, [&](int i) { body(context, i); });
    });
  };
  // The library's first tasks allocate; later ones reuse.
  for_chunks(threads_ * 8, 1, [](int, int, int) {});
}

Executor::~Executor() = default;

void Executor::for_chunks(
    int count, int chunk, const std::function<void(int, int, int)>& body) const {
  std::atomic<int> next{0};
  const auto work = [&](int worker) {
    for (;;) {
      const int begin = next.fetch_add(chunk);
      if (begin >= count) return;
      body(worker, begin, std::min(count, begin + chunk));
    }
  };
  if (threads_ == 1 || count <= chunk) {
    work(0);
    return;
  }
  arena_->arena.execute([&] { oneapi::tbb::parallel_for(0, threads_, work); });
}

}  // namespace bpqp::cpu
