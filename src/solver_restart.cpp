/// \file
/// Solver<R>::Impl: what one solve leaves to the next: factors and starts.
#include <algorithm>
#include <cmath>
#include <string>

#include "core/steps.hpp"
#include "solver_impl.hpp"
#include "validate.hpp"

namespace bpqp {

template <class R>
auto Solver<R>::Impl::kept_of(const Problem<R>& p) -> Kept {
  return {p.batch, p.batch > 1 && p.P.stride == 0, p.batch > 1 && p.A.stride == 0};
}

/// Throws unless the factors of the last solve are those of `problem`, as far as that can be seen.
template <class R>
void Solver<R>::Impl::require_kept(const Problem<R>& problem) const {
  if (!settings.gradients)
    throw InvalidArgument(
        "changed: expected everything, got vectors, but Settings::gradients is false, so that no "
        "factors are kept");
  if (kept_.batch == 0)
    throw InvalidArgument(
        "changed: expected everything in the first solve, got vectors, but no factors are kept");
  if (kept_.batch != problem.batch)
    throw InvalidArgument(
        "problem.batch: expected " + std::to_string(kept_.batch) +
        " (that of the last solve, whose factors are kept), got " + std::to_string(problem.batch));
  const Kept now = kept_of(problem);
  const auto require_same = [](const char* name, bool kept, bool wanted, std::int64_t stride) {
    if (kept != wanted)
      throw InvalidArgument(
          std::string(name) + ".stride: expected " + (kept ? "0 (shared)" : "one matrix each") +
          ", as in the last solve, whose factors are kept, got " + std::to_string(stride));
  };
  require_same("P", kept_.shares_P, now.shares_P, problem.P.stride);
  require_same("A", kept_.shares_A, now.shares_A, problem.A.stride);
}

/// The next solve will factor P and A anew, even if only vectors change.
template <class R>
void Solver<R>::Impl::forget_factors(cpu::Slot& s) {
  s.own.report.outcome = core::Condensing::failed;
}

template <class R>
void Solver<R>::Impl::warm_start(int batch, const VectorBatch<R>& x, const VectorBatch<R>& y) {
  if (!settings.gradients)
    throw InvalidArgument("warm_start: expected Settings::gradients to be true, got false");
  if (batch < 1 || batch > capacity)
    throw InvalidArgument(
        "batch: expected 1 ... " + std::to_string(capacity) + " (the capacity), got " +
        std::to_string(batch));
  validate_vector("x", x, shape.n, batch);
  validate_vector("y", y, shape.m, batch);
  std::fill(has_start_.begin(), has_start_.end(), char(0));
  for (int b = 0; b < batch; ++b) {
    bool finite = true;
    const auto load = [&](const VectorBatch<R>& v, int size, double* to) {
      for (int j = 0; j < size; ++j) {
        to[j] = v.data ? double(v.data[std::int64_t(b) * v.stride + j]) : 0;
        finite = finite && std::isfinite(to[j]);
      }
    };
    double* start = starts_[std::size_t(b)];
    load(x, shape.n, start);
    load(y, shape.m, start + shape.n);
    has_start_[std::size_t(b)] = finite;
  }
}

/// The start of problem b into its slot, or what stands there where a problem ends without a point.
template <class R>
void Solver<R>::Impl::load_start(int b, cpu::Slot& s) const {
  const auto at = std::size_t(b);
  const bool warm = settings.gradients && has_start_[at];
  core::load_start(
      core::SerialTeam(), s, shape.n, shape.m, warm ? starts_[at] : nullptr, settings.last_point);
}

#define BPQP_INSTANTIATE(R)                                                                     \
  template auto Solver<R>::Impl::kept_of(const Problem<R>&)->Kept;                              \
  template void Solver<R>::Impl::require_kept(const Problem<R>&) const;                         \
  template void Solver<R>::Impl::forget_factors(cpu::Slot&);                                    \
  template void Solver<R>::Impl::warm_start(int, const VectorBatch<R>&, const VectorBatch<R>&); \
  template void Solver<R>::Impl::load_start(int, cpu::Slot&) const;
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
