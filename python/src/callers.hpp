// Whose arrays a call of cached_calls.hpp is given.
#pragma once

namespace bpqp::python {

/// The host's: a call returns when it is done.
struct HostCaller {};

/// Those of the CUDA device that `memory` lies on: a call puts its work into `stream`, and returns.
struct CudaCaller {
  void* stream;
  const void* memory;
};

}  // namespace bpqp::python
