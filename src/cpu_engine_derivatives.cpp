/// \file
/// CpuEngine: derivatives of the last solve, over the batch.
#include <cmath>
#include <functional>
#include <limits>

#include "core/answer.hpp"
#include "cpu_engine.hpp"

namespace bpqp {
/// The right-hand side of problem b into the worker's scratch; null views are zero.
template <class R>
void CpuEngine<R>::load_rhs(
    const VectorBatch<R>& g_x, const VectorBatch<R>& g_y, int b, cpu::Work& work) {
  const auto load = [b](const VectorBatch<R>& v, int size, double* to) {
    for (int j = 0; j < size; ++j)
      to[j] = v.data ? double(v.data[std::int64_t(b) * v.stride + j]) : 0;
  };
  load(g_x, shape.n, work.g_x);
  load(g_y, shape.m, work.g_y);
}

template <class R>
void CpuEngine<R>::adjoint(const cpu::CpuTeam& team, int worker, int b) {
  cpu::Slot& s = slots_[std::size_t(b)];
  const bool by_admm = settings.backward_method == BackwardMethod::admm;
  s.backward_residual = 0;
  if (s.packed) unpack(b, s);
  if (s.has_gradient)
    kernels_.adjoint(team, view(problem_, b), by_admm, s, works_[std::size_t(worker)]);
  core::settle_adjoint(core::SerialTeam(), s, shape.n, shape.m);
  reports_[std::size_t(b)].backward_residual = s.backward_residual;
}

template <class R>
void CpuEngine<R>::backward(const SolutionGradient<R>& g, const ProblemGradient<R>& out) {
  // A single problem is never summed, so that stride 0 means the same as its size.
  const auto own = [this](const GradientOut<R>& o, int b) {
    return o.data && (o.stride != 0 || batch_ == 1) ? o.data + std::int64_t(b) * o.stride : nullptr;
  };
  const auto write_gradients = [&](int b) {
    const cpu::GradientTargets<R> targets{
        own(out.P, b), own(out.q, b), own(out.A, b), own(out.l, b), own(out.u, b)};
    kernels_.gradients(shape.n, shape.m, slots_[std::size_t(b)], targets);
  };
  const auto one = [&](const cpu::CpuTeam& team, int worker, int b) {
    load_rhs(g.x, g.y, b, works_[std::size_t(worker)]);
    adjoint(team, worker, b);
    write_gradients(b);
  };
  if (lanes_ == 1 || settings.backward_method == BackwardMethod::admm) {
    for_problems(batch_, one);
  } else {
    for_packs(batch_, [&](int worker, int first, int count) {
      const cpu::CpuTeam team;
      const unsigned known = adjoint_pack(worker, first, count, g.x, g.y);
      for (int k = 0; k < count; ++k)
        known >> k & 1 ? write_gradients(first + k) : one(team, worker, first + k);
    });
  }
  if (batch_ > 1) sum_shared(out);
}

/// Outputs of stride 0: every entry is summed over the problems in their order, so that the bits do
/// not depend on the threads; these take rows.
template <class R>
void CpuEngine<R>::sum_shared(const ProblemGradient<R>& out) {
  const int n = shape.n, m = shape.m;
  const auto shared = [](const GradientOut<R>& o) { return o.data && o.stride == 0; };
  const auto P_rows = [&](int, int begin, int end) {
    for (int i = begin; i < end; ++i)
      kernels_.sum_P_row(n, slots_.data(), batch_, i, out.P.data + std::int64_t(i) * n);
  };
  const auto A_rows = [&](int, int begin, int end) {
    for (int i = begin; i < end; ++i)
      kernels_.sum_A_row(n, slots_.data(), batch_, i, out.A.data + std::int64_t(i) * n);
  };
  // By reference: a std::function of a closure this large would allocate.
  if (shared(out.P)) executor_.for_chunks(n, 8, std::ref(P_rows));
  if (shared(out.A)) executor_.for_chunks(m, 8, std::ref(A_rows));
  const auto sum = [&](const GradientOut<R>& o, int size, const auto& term) {
    if (!shared(o)) return;
    for (int j = 0; j < size; ++j) {
      double total = 0;
      for (int b = 0; b < batch_; ++b)
        if (slots_[std::size_t(b)].has_gradient) total += term(slots_[std::size_t(b)], j);
      o.data[j] = R(total);
    }
  };
  sum(out.q, n, [](const cpu::Slot& s, int j) { return -s.w[j]; });
  sum(out.l, m, [](const cpu::Slot& s, int i) { return s.dl(i); });
  sum(out.u, m, [](const cpu::Slot& s, int i) { return s.du(i); });
}

template <class R>
void CpuEngine<R>::adjoint_solve(int k, const R* g_x, const R* g_y, R* w, R* d) {
  const std::int64_t n = shape.n, m = shape.m;
  for_problems(batch_, [&](const cpu::CpuTeam& team, int worker, int b) {
    for (int r = 0; r < k; ++r) {
      const std::int64_t at = std::int64_t(b) * k + r;
      const VectorBatch<R> x{g_x ? g_x + at * n : nullptr, shape.n, 0};
      const VectorBatch<R> y{g_y ? g_y + at * m : nullptr, shape.m, 0};
      load_rhs(x, y, b, works_[std::size_t(worker)]);
      adjoint(team, worker, b);
      const cpu::Slot& s = slots_[std::size_t(b)];
      if (w)
        for (std::int64_t j = 0; j < n; ++j) w[at * n + j] = R(s.w[j]);
      if (d)
        for (std::int64_t i = 0; i < m; ++i) d[at * m + i] = R(s.d[i]);
    }
  });
}

template <class R>
void CpuEngine<R>::jvp(const ProblemTangent<R>& t, const SolutionTangent<R>& out) {
  const std::int64_t n = shape.n, m = shape.m;
  for_problems(batch_, [&](const cpu::CpuTeam& team, int worker, int b) {
    const auto at = [b](const auto& v) {
      return v.data ? v.data + std::int64_t(b) * v.stride : nullptr;
    };
    const cpu::Slot& s = slots_[std::size_t(b)];
    const cpu::TangentSource<R> source{at(t.P), at(t.q), at(t.A), at(t.l), at(t.u)};
    if (s.has_gradient)
      kernels_.tangent(team, view(problem_, b), source, s, works_[std::size_t(worker)]);
    adjoint(team, worker, b);
    if (out.x)
      for (std::int64_t j = 0; j < n; ++j) out.x[b * n + j] = R(s.w[j]);
    if (out.y)
      for (std::int64_t i = 0; i < m; ++i) out.y[b * m + i] = R(s.d[i]);
  });
}

template <class R>
void CpuEngine<R>::differentiate(const KktPoint<R>& point, Report* report) {
  problem_ = {};
  problem_.batch = batch_ = point.batch;
  problem_.P = point.P;
  problem_.A = point.A;
  for_problems(batch_, [&](const cpu::CpuTeam& team, int worker, int b) {
    cpu::Slot& s = slots_[std::size_t(b)];
    s.packed = false;
    const auto at = [b](const VectorBatch<R>& v) {
      return v.data ? v.data + std::int64_t(b) * v.stride : nullptr;
    };
    const core::PointSource<R> source{
        at(point.x), at(point.y), point.active ? point.active + std::int64_t(b) * shape.m : nullptr,
        at(point.gradient), at(point.violation)};
    Report& r = reports_[std::size_t(b)];
    r = kernels_.attach(
        team, view(problem_, b), source, settings.scaling, s, works_[std::size_t(worker)]);
    forget_factors(s);  // a later solve of vectors refers to those of the last solve
    s.seconds = 0;
    r.seconds = 0;
    if (report) report[b] = r;
  });
}

#define BPQP_INSTANTIATE(R)                                                                    \
  template void CpuEngine<R>::backward(const SolutionGradient<R>&, const ProblemGradient<R>&); \
  template void CpuEngine<R>::adjoint_solve(int, const R*, const R*, R*, R*);                  \
  template void CpuEngine<R>::jvp(const ProblemTangent<R>&, const SolutionTangent<R>&);        \
  template void CpuEngine<R>::differentiate(const KktPoint<R>&, Report*);
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
