#include "support/fiber.hpp"

#include <cstddef>
#include <cstdlib>

#include <sys/mman.h>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

// Null where the sanitizer is not linked in.
extern "C" {
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
[[gnu::weak]] void __tsan_acquire(void* address);
[[gnu::weak]] void __tsan_release(void* address);
[[gnu::weak]] void __sanitizer_start_switch_fiber(
    void** fake_stack, const void* bottom, std::size_t size);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(
    void* fake_stack, const void** bottom, std::size_t* size);
}

namespace bpqp::test {

/// A side of the switch: where its stack pointer (or context) rests while the other side runs.
struct Context {
#if defined(__x86_64__)
  void* stack_pointer;
#else
  ucontext_t registers;
#endif
  void* tsan;
  void* fake_stack;          ///< AddressSanitizer's
  const void* stack_bottom;  ///< lowest address
  std::size_t stack_size;
};

struct Fiber {
  Context own, caller;
  void (*entry)(void*);
  void* argument;
  bool started;
};

namespace {

constexpr std::size_t kStack = std::size_t(512) << 10;  // Eigen and sanitizers take large frames
constexpr std::size_t kGuard = std::size_t(64) << 10;   // several pages: no page size exceeds it
constexpr unsigned kNoSync = 1;  // a switch orders nothing; barriers do (release, acquire)

[[noreturn]] void start(Fiber* f);

#if defined(__x86_64__)
extern "C" void bpqp_test_switch_stack(void** save, void* load);
extern "C" void bpqp_test_start_fiber();
extern "C" [[gnu::used]] void bpqp_test_fiber_main(void* f) {
  start(static_cast<Fiber*>(f));
}

// Saves what the System V ABI lets a callee own; the new stack returns to where it gave way.
asm(R"(
.text
.type bpqp_test_switch_stack, @function
bpqp_test_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size bpqp_test_switch_stack, .-bpqp_test_switch_stack
.type bpqp_test_start_fiber, @function
bpqp_test_start_fiber:
  .cfi_startproc
  .cfi_undefined rip
  subq $8, %rsp
  movq %r12, %rdi
  call bpqp_test_fiber_main
  ud2
  .cfi_endproc
.size bpqp_test_start_fiber, .-bpqp_test_start_fiber
)");

/// The stack as bpqp_test_switch_stack left it: six registers, then the address to return to.
void prepare(Fiber* f, char* stack) {
  auto** top = reinterpret_cast<void**>(stack + kStack) - 8;
  for (int i = 0; i < 8; ++i) top[i] = nullptr;
  top[3] = f;  // r12
  top[6] = reinterpret_cast<void*>(&bpqp_test_start_fiber);
  f->own.stack_pointer = top;
}

void jump(Context& from, Context& to) {
  bpqp_test_switch_stack(&from.stack_pointer, to.stack_pointer);
}
#else
void enter(unsigned high, unsigned low) {
  start(reinterpret_cast<Fiber*>((std::size_t(high) << 16 << 16) | low));
}

void prepare(Fiber* f, char* stack) {
  getcontext(&f->own.registers);
  f->own.registers.uc_stack.ss_sp = stack;
  f->own.registers.uc_stack.ss_size = kStack;
  f->own.registers.uc_link = nullptr;
  const auto address = reinterpret_cast<std::size_t>(f);
  makecontext(
      &f->own.registers, reinterpret_cast<void (*)()>(enter), 2, unsigned(address >> 16 >> 16),
      unsigned(address));
}

void jump(Context& from, Context& to) {
  swapcontext(&from.registers, &to.registers);
}
#endif

void announce(Context& from, Context& to) {
  if (__sanitizer_start_switch_fiber)
    __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_bottom, to.stack_size);
  if (__tsan_switch_to_fiber) __tsan_switch_to_fiber(to.tsan, kNoSync);
}

[[noreturn]] void start(Fiber* f) {
  if (__sanitizer_finish_switch_fiber)
    __sanitizer_finish_switch_fiber(nullptr, &f->caller.stack_bottom, &f->caller.stack_size);
  f->entry(f->argument);
  std::abort();
}

}  // namespace

Fiber* make_fiber(void (*entry)(void*), void* argument) {
  void* memory =
      mmap(nullptr, kGuard + kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  auto* f = static_cast<Fiber*>(std::calloc(1, sizeof(Fiber)));
  if (memory == MAP_FAILED || !f) std::abort();
  mprotect(memory, kGuard, PROT_NONE);
  char* stack = static_cast<char*>(memory) + kGuard;
  f->entry = entry;
  f->argument = argument;
  f->own.stack_bottom = stack;
  f->own.stack_size = kStack;
  if (__tsan_create_fiber) f->own.tsan = __tsan_create_fiber(0);
  prepare(f, stack);
  return f;
}

void resume(Fiber* f) {
  if (__tsan_get_current_fiber) f->caller.tsan = __tsan_get_current_fiber();
  announce(f->caller, f->own);
  jump(f->caller, f->own);
  if (__sanitizer_finish_switch_fiber)
    __sanitizer_finish_switch_fiber(f->caller.fake_stack, nullptr, nullptr);
}

void give_way(Fiber* f) {
  announce(f->own, f->caller);
  jump(f->own, f->caller);
  if (__sanitizer_finish_switch_fiber)
    __sanitizer_finish_switch_fiber(
        f->own.fake_stack, &f->caller.stack_bottom, &f->caller.stack_size);
}

void release_edge(void* tag) {
  if (__tsan_release) __tsan_release(tag);
}

void acquire_edge(void* tag) {
  if (__tsan_acquire) __tsan_acquire(tag);
}

}  // namespace bpqp::test
