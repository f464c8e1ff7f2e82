/// \file
/// CpuEngine: small problems in packs, one to a SIMD lane. Packs are the same problems of
/// every batch (0 ... lanes - 1, and so on), and no lane knows of the others, so that a problem's
/// answer does not depend on its place. What a pack cannot do (lockstep.hpp) goes one by one.
#include <algorithm>
#include <array>

#include "cpu_engine.hpp"

namespace bpqp {
namespace {

/// More than any SIMD register has.
constexpr int kMostLanes = 16;

bool factored(const cpu::Slot& s) {
  return s.own.report.outcome == core::Condensing::done;
}

}  // namespace

template <class R>
bool CpuEngine<R>::wants_packs(const Shape& shape, const Settings& settings) {
  return shape.cones.empty() && shape.n <= cpu::kMostPackedVariables &&
         shape.m <= cpu::kMostPackedRows && 2 * shape.m <= 3 * shape.n &&
         settings.method == Method::automatic && settings.polish && settings.kappa == 0;
}

template <class R>
void CpuEngine<R>::solve_pack(int worker, int first, int count, Changed changed) {
  const auto start = Clock::now();
  std::array<View, kMostLanes> problems;
  std::array<cpu::Slot*, kMostLanes> slots{};
  const bool fresh = changed == Changed::everything, late = options_.out_of_time();
  unsigned lanes = 0;
  for (int k = 0; k < count; ++k) {
    const int b = first + k;
    cpu::Slot& s = slot(b, worker);
    slots[std::size_t(k)] = &s;
    problems[std::size_t(k)] = view(problem_, b);
    if (late || !(fresh || s.packed)) continue;
    lanes |= 1u << k;
    load_start(b, s);
  }
  const unsigned solved = lanes == 0
                              ? 0
                              : pack_kernels_.solve(
                                    problems.data(), slots.data(), lanes, !fresh, options_,
                                    pack_memory(worker, first), pack_works_[std::size_t(worker)]);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count() / count;
  const cpu::CpuTeam team;
  for (int k = 0; k < count; ++k) {
    cpu::Slot& s = *slots[std::size_t(k)];
    if (solved >> k & 1) {
      s.packed = true;
      forget_factors(s);
      s.seconds = seconds;
      finish_one(first + k, s, worker, team);
    } else {
      if (!fresh && s.packed) unpack(first + k, s);
      solve_one(first + k, team, worker, changed, false);
      s.seconds += seconds;
    }
  }
}

template <class R>
unsigned CpuEngine<R>::adjoint_pack(
    int worker, int first, int count, const VectorBatch<R>& g_x, const VectorBatch<R>& g_y) {
  std::array<View, kMostLanes> problems;
  std::array<cpu::Slot*, kMostLanes> slots{};
  std::array<const R*, kMostLanes> of_x{}, of_y{};
  unsigned lanes = 0;
  for (int k = 0; k < count; ++k) {
    const int b = first + k;
    const auto at = std::size_t(k);
    slots[at] = &slots_[std::size_t(b)];
    problems[at] = view(problem_, b);
    if (g_x.data) of_x[at] = g_x.data + std::int64_t(b) * g_x.stride;
    if (g_y.data) of_y[at] = g_y.data + std::int64_t(b) * g_y.stride;
    lanes |= unsigned(slots[at]->packed && slots[at]->has_gradient) << k;
  }
  if (lanes == 0) return 0;
  const unsigned known = pack_kernels_.adjoint(
      problems.data(), slots.data(), lanes, g_x.data ? of_x.data() : nullptr,
      g_y.data ? of_y.data() : nullptr, pack_memory(worker, first),
      pack_works_[std::size_t(worker)]);
  for (int k = 0; k < count; ++k)
    if (known >> k & 1)
      reports_[std::size_t(first + k)].backward_residual = slots[std::size_t(k)]->backward_residual;
  return known;
}

/// The factors of the problem from its pack into its slot, if they are not there yet.
template <class R>
void CpuEngine<R>::unpack(int b, cpu::Slot& s) {
  if (factored(s)) return;
  pack_kernels_.unpack(shape.n, shape.m, b % lanes_, pack_memory(0, b - b % lanes_), s);
}

#define BPQP_INSTANTIATE(R)                                               \
  template bool CpuEngine<R>::wants_packs(const Shape&, const Settings&); \
  template void CpuEngine<R>::solve_pack(int, int, int, Changed);         \
  template unsigned CpuEngine<R>::adjoint_pack(                           \
      int, int, int, const VectorBatch<R>&, const VectorBatch<R>&);       \
  template void CpuEngine<R>::unpack(int, cpu::Slot&);
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
