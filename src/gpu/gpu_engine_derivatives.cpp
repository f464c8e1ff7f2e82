/// \file
/// GpuEngine: derivatives of the last solve.
#include "gpu/gpu_engine.hpp"

namespace bpqp::gpu {

template <class R>
void GpuEngine<R>::backward(const SolutionGradient<R>& g, const ProblemGradient<R>& out) {
  refuse_in_capture(
      {{"gradient.x", g.x.data},
       {"gradient.y", g.y.data},
       {"out.P", out.P.data},
       {"out.q", out.q.data},
       {"out.A", out.A.data},
       {"out.l", out.l.data},
       {"out.u", out.u.data}});
  staging_.start();
  const std::int64_t n = shape_.n, m = shape_.m;
  const int count = arguments_.batch.count;
  Adjoint& a = arguments_.adjoint;
  a = {};
  a.g_x = in(staging_, g.x, n, count), a.g_y = in(staging_, g.y, m, count);
  Sums& sums = arguments_.sums;
  sums = {};
  sums.relaxed = at_relaxed_points();
  bool summed = false;
  // A single problem is never summed, so that stride 0 means the same as its size.
  const auto target = [&](const GradientOut<R>& o, std::int64_t size, RealsOut& own, void*& sum) {
    if (!o.data) return;
    if (o.stride == 0 && count > 1) {
      sum = staging_.out(o.data, std::size_t(size));
      summed = true;
    } else {
      const std::int64_t all = o.stride * (count - 1) + size;
      own = {staging_.out(o.data, std::size_t(all), all > size * count), o.stride};
    }
  };
  target(out.P, n * n, a.P, sums.P);
  target(out.q, n, a.q, sums.q);
  target(out.A, m * n, a.A, sums.A);
  target(out.l, m, a.l, sums.l);
  target(out.u, m, a.u, sums.u);
  launch_adjoint(count);
  if (summed) launch(Kernel::sum_gradients, count);
  staging_.finish();
}

template <class R>
void GpuEngine<R>::adjoint_solve(int k, const R* g_x, const R* g_y, R* w, R* d) {
  refuse_in_capture({{"g_x", g_x}, {"g_y", g_y}, {"w", w}, {"d", d}});
  staging_.start();
  const std::int64_t n = shape_.n, m = shape_.m;
  const int count = arguments_.batch.count;
  const auto all = [&](std::int64_t size) { return std::size_t(size * k * count); };
  g_x = staging_.in(g_x, all(n)), g_y = staging_.in(g_y, all(m));
  w = staging_.out(w, all(n)), d = staging_.out(d, all(m));
  const auto part = [](auto* data, int r, std::int64_t size) {
    return data ? data + r * size : nullptr;
  };
  Adjoint& a = arguments_.adjoint;
  for (int r = 0; r < k; ++r) {
    a = {};
    a.g_x = {part(g_x, r, n), k * n}, a.g_y = {part(g_y, r, m), k * m};
    a.w = {part(w, r, n), k * n}, a.d = {part(d, r, m), k * m};
    launch_adjoint(count);
  }
  staging_.finish();
}

template <class R>
void GpuEngine<R>::jvp(const ProblemTangent<R>& t, const SolutionTangent<R>& solution) {
  refuse_in_capture(
      {{"tangent.P", t.P.data},
       {"tangent.q", t.q.data},
       {"tangent.A", t.A.data},
       {"tangent.l", t.l.data},
       {"tangent.u", t.u.data},
       {"out.x", solution.x},
       {"out.y", solution.y}});
  staging_.start();
  const std::int64_t n = shape_.n, m = shape_.m;
  const int count = arguments_.batch.count;
  Adjoint& a = arguments_.adjoint;
  a = {};
  a.forward = true;
  a.tP = in(staging_, t.P, n * n, count), a.tq = in(staging_, t.q, n, count),
  a.tA = in(staging_, t.A, m * n, count);
  a.tl = in(staging_, t.l, m, count), a.tu = in(staging_, t.u, m, count);
  a.w = out(solution.x, n), a.d = out(solution.y, m);
  launch_adjoint(count);
  staging_.finish();
}

template <class R>
void GpuEngine<R>::differentiate(const KktPoint<R>& point, Report* report) {
  refuse_in_capture(
      {{"point.P", point.P.data},
       {"point.A", point.A.data},
       {"point.x", point.x.data},
       {"point.y", point.y.data},
       {"point.active", point.active},
       {"point.gradient", point.gradient.data},
       {"point.violation", point.violation.data},
       {"report", report}});
  staging_.start();
  const std::int64_t n = shape_.n, m = shape_.m;
  const int count = point.batch;
  Problem<R> problem;
  problem.batch = count;
  problem.P = point.P, problem.A = point.A;
  arguments_.batch.shared = false;  // each point has factors of its own
  set_problem(problem);
  Points& points = arguments_.points;
  points.x = in(staging_, point.x, n, count), points.y = in(staging_, point.y, m, count);
  points.gradient = in(staging_, point.gradient, n, count),
  points.violation = in(staging_, point.violation, m, count);
  points.active = {staging_.in(point.active, std::size_t(m * count)), m};
  queue_all(count);
  launch(Kernel::attach_points, count);
  attached_ = true;
  finish(report);
}

#define BPQP_INSTANTIATE(R)                                                                    \
  template void GpuEngine<R>::backward(const SolutionGradient<R>&, const ProblemGradient<R>&); \
  template void GpuEngine<R>::adjoint_solve(int, const R*, const R*, R*, R*);                  \
  template void GpuEngine<R>::jvp(const ProblemTangent<R>&, const SolutionTangent<R>&);        \
  template void GpuEngine<R>::differentiate(const KktPoint<R>&, Report*);
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp::gpu
