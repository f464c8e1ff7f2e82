/// \file
/// CpuEngine: what one solve leaves to the next: factors and starts.
#include <algorithm>
#include <cmath>

#include "core/steps.hpp"
#include "cpu_engine.hpp"

namespace bpqp {

/// The next solve will factor P and A anew, even if only vectors change.
template <class R>
void CpuEngine<R>::forget_factors(cpu::Slot& s) {
  s.own.report.outcome = core::Condensing::failed;
}

template <class R>
void CpuEngine<R>::warm_start(int batch, const VectorBatch<R>& x, const VectorBatch<R>& y) {
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
void CpuEngine<R>::load_start(int b, cpu::Slot& s) const {
  const auto at = std::size_t(b);
  const bool warm = settings.gradients && has_start_[at];
  core::load_start(
      core::SerialTeam(), s, shape.n, shape.m, warm ? starts_[at] : nullptr, settings.last_point);
}

#define BPQP_INSTANTIATE(R)                                                                  \
  template void CpuEngine<R>::forget_factors(cpu::Slot&);                                    \
  template void CpuEngine<R>::warm_start(int, const VectorBatch<R>&, const VectorBatch<R>&); \
  template void CpuEngine<R>::load_start(int, cpu::Slot&) const;
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
