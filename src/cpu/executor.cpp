#include "cpu/executor.hpp"

#include <algorithm>
#include <atomic>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

// ThreadSanitizer does not see the hand-overs inside oneTBB, which is not compiled for it. This
// file is not instrumented either (src/CMakeLists.txt) and tells it of the two that there are: the
// caller's memory before the workers start, theirs before the caller goes on. Races in the work
// itself, which is instrumented, stay visible. In other builds the functions are not there.
extern "C" {
[[gnu::weak]] void __tsan_acquire(void* tag);
[[gnu::weak]] void __tsan_release(void* tag);
}

namespace bpqp::cpu {
namespace {

void acquire(void* tag) {
  if (__tsan_acquire) __tsan_acquire(tag);
}
void release(void* tag) {
  if (__tsan_release) __tsan_release(tag);
}

}  // namespace

struct Executor::Arena {
  explicit Arena(int threads) : arena(threads) { arena.initialize(); }
  oneapi::tbb::task_arena arena;
};

int default_threads() {
  using Control = oneapi::tbb::global_control;
  const auto allowed = Control::active_value(Control::max_allowed_parallelism);
  return std::max(1, std::min(oneapi::tbb::info::default_concurrency(), int(allowed)));
}

// More threads than cores would only wait for one another, and oneTBB would warn of them on stderr.
int threads_of(int threads) {
  return threads > 0 ? std::min(threads, default_threads()) : default_threads();
}

Executor::Executor(int threads) : threads_(threads_of(threads)) {
  if (threads_ == 1) return;
  arena_ = std::make_unique<Arena>(threads_);
  tiles_.pool = arena_.get();
  tiles_.run = [](void* pool, int count, void (*body)(const void*, int), const void* context) {
    char tag = 0;
    release(&tag);
    static_cast<Arena*>(pool)->arena.execute([&] {
      oneapi::tbb::parallel_for(0, count, [&](int i) {
        acquire(&tag);
        body(context, i);
        release(&tag);
      });
    });
    acquire(&tag);
  };
  // The library's first tasks allocate; later ones reuse.
  for_chunks(threads_ * 8, 1, [](int, int, int) {});
}

Executor::~Executor() = default;

void Executor::for_chunks(
    int count, int chunk, const std::function<void(int, int, int)>& body) const {
  std::atomic<int> next{0};
  const auto work = [&](int worker) {
    acquire(&next);
    for (int begin = next.fetch_add(chunk); begin < count; begin = next.fetch_add(chunk))
      body(worker, begin, std::min(count, begin + chunk));
    release(&next);
  };
  release(&next);
  if (threads_ == 1 || count <= chunk) {
    work(0);
    return;
  }
  arena_->arena.execute([&] { oneapi::tbb::parallel_for(0, threads_, work); });
  acquire(&next);
}

}  // namespace bpqp::cpu
