// In place of cached_calls.cu where there is no CUDA: says so.
#include "bpqp/status.hpp"
#include "cached_calls.hpp"

namespace bpqp::python {
namespace {

[[noreturn]] void refuse() {
  throw DeviceError(
      "this bpqp was built for the CPU alone, and the arrays are on a GPU; build it with "
      "pip install . -C cmake.define.BPQP_CUDA=ON");
}

}  // namespace

template <class R, class Caller>
void solve_call(const Caller&, const Inputs<R>&, const SolveOutputs<R>&, const CallConfig&, bool) {
  refuse();
}

template <class R, class Caller>
void adjoint_call(
    const Caller&,
    const Blocks<R>&,
    const Blocks<R>&,
    const Blocks<std::uint32_t>&,
    const Inputs<R>&,
    const Dimensions&,
    R*,
    R*,
    const CallConfig&) {
  refuse();
}

BPQP_INSTANTIATE_CALLS(float, CudaCaller);
BPQP_INSTANTIATE_CALLS(double, CudaCaller);

}  // namespace bpqp::python
