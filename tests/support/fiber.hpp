/// \file
/// Fibers: functions with stacks of their own that give way to the thread that resumed them. Known
/// to AddressSanitizer and ThreadSanitizer where those are linked in.
///
/// The .cpp is compiled without -fsanitize=thread: an instrumented switch would leave
/// ThreadSanitizer with the call stack of another fiber. So nothing here may be an inline function
/// of a library, whose instrumented copy the linker could choose.
#pragma once

namespace bpqp::test {

struct Fiber;

/// A fiber that will call entry(argument) when it is resumed first; entry must never return.
/// Aborts the program if there is no memory.
Fiber* make_fiber(void (*entry)(void*), void* argument);

/// Runs the fiber on the calling thread until it calls give_way.
void resume(Fiber* fiber);

/// Called on a fiber: returns to the caller of resume.
void give_way(Fiber* fiber);

/// ThreadSanitizer: what happened before release(tag) is visible after a later acquire(tag).
void release_edge(void* tag);
void acquire_edge(void* tag);

}  // namespace bpqp::test
