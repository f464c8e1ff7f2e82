/// \file
/// GpuEngine: what lets its calls be captured in a CUDA graph.
#include <string>

#include "gpu/gpu_engine.hpp"

namespace bpqp::gpu {

/// The kernels that calls may start.
template <class R>
void GpuEngine<R>::prepare() {
  const auto prepare = [this](Kernel kernel) {
    runtime_->prepare(kernel, is_rest(kernel) ? rest_plan_ : plan_);
  };
  const bool cones = !shape_.cones.empty();
  const bool by_admm = settings_.backward_method == BackwardMethod::admm;
  prepare(Kernel::solve_plain);
  prepare(cones ? Kernel::solve_cones : Kernel::solve_rest);
  if (!cones) prepare(Kernel::condense_shared);
  if (!settings_.gradients) return;
  prepare(Kernel::load_starts);
  prepare(by_admm ? Kernel::differentiate_by_admm : Kernel::differentiate);
  prepare(Kernel::sum_gradients);
  if (settings_.kappa > 0) {
    prepare(Kernel::relax_points);
    prepare(Kernel::differentiate_relaxed);
  }
  if (!cones) prepare(Kernel::attach_points);
}

/// The arrays of a call, before it changes anything: copies of those in the host's memory are no
/// part of a graph.
template <class R>
void GpuEngine<R>::refuse_in_capture(std::initializer_list<Named> arrays) const {
  if (!runtime_->capturing()) return;
  for (const Named& array : arrays)
    if (array.data && !runtime_->on_device(array.data))
      throw InvalidArgument(
          std::string(array.name) +
          ": expected memory of the Solver's device while the stream is captured in a CUDA graph, "
          "got other memory");
}

#define BPQP_INSTANTIATE(R)              \
  template void GpuEngine<R>::prepare(); \
  template void GpuEngine<R>::refuse_in_capture(std::initializer_list<Named>) const;
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp::gpu
