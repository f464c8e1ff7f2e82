// Forward and backward on a CUDA device, beside the floors of the case: data and answers stay in
// the device's memory. One JSON object per case and line.
//
//   gpu_bench [--samples N] [--case a|b|c|d]... [--size N,EQ,INEQ,BATCH]...
//
// Times are medians over samples of CUDA events around the calls, in milliseconds. Every answer is
// judged on the host from the reports, which hold residuals of the user's data.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "device.hpp"
#include "qp_batch.hpp"

namespace bpqp::bench {
namespace {

/// A case's data, answers and gradients on the device.
struct Run {
  explicit Run(const Case& c)
      : made(make_qp_batch(c.n, c.eq, c.ineq, c.batch)),
        P(made.P),
        q(made.q),
        A(made.A),
        l(made.l),
        u(made.u),
        x(made.q.size()),
        y(made.l.size()),
        g(std::vector<double>(made.q.size(), 1.0)),
        dP(made.P.size()),
        dq(made.q.size()),
        dA(made.A.size()),
        dl(made.l.size()),
        du(made.u.size()) {}

  Problem<double> problem() const {
    return contiguous<double>(
        made.shape, made.batch, P.data(), q.data(), A.data(), l.data(), u.data());
  }
  ProblemGradient<double> gradient() const {
    const std::int64_t n = made.shape.n, m = made.shape.m;
    return {{dP.data(), n * n}, {dq.data(), n}, {dA.data(), m * n}, {dl.data(), m}, {du.data(), m}};
  }

  io::ProblemBatch made;
  Array<double> P, q, A, l, u, x, y, g, dP, dq, dA, dl, du;
};

void measure(const Case& c, int samples) {
  cudaStream_t stream{};
  check(cudaStreamCreate(&stream), "cudaStreamCreate");
  const Run run(c);
  Settings settings;
  settings.device = Device::cuda;
  settings.stream = stream;
  Solver<double> solver(run.made.shape, c.batch, settings);
  const Solution<double> solution{run.x.data(), run.y.data(), nullptr, nullptr};
  const SolutionGradient<double> loss{{run.g.data(), c.n, c.n}, {}};
  Timer timer(stream);
  std::vector<double> forward, backward, both;
  for (int s = -3; s < samples; ++s) {  // three to warm up
    const double f = timer([&] { solver.solve(run.problem(), solution); });
    const double b = timer([&] { solver.backward(loss, run.gradient()); });
    if (s < 0) continue;
    forward.push_back(f), backward.push_back(b), both.push_back(f + b);
  }
  const Report* reports = solver.reports();
  int unsolved = 0;
  double worst = 0, exchanges = 0;
  for (int b = 0; b < c.batch; ++b) {
    const Report& r = reports[b];
    unsolved += r.status != Status::solved;
    for (double v : {r.primal_residual_relative, r.dual_residual_relative, r.gap_relative})
      worst = std::fmax(worst, v);
    exchanges += r.exchanges;
  }
  std::printf(
      "{\"case\": \"%s\", \"batch\": %d, \"n\": %d, \"m\": %d, \"forward_ms\": %.4f, "
      "\"backward_ms\": %.4f, \"both_ms\": %.4f, \"both_p95_ms\": %.4f, \"asked_ms\": %g, "
      "\"floor_ms\": %g, \"unsolved\": %d, \"worst_residual\": %.3g, "
      "\"exchanges\": %.3g, \"bytes\": %zu}\n",
      c.name, c.batch, c.n, c.eq + c.ineq, quantile(forward, 0.5), quantile(backward, 0.5),
      quantile(both, 0.5), quantile(both, 0.95), c.asked_ms, c.floor_ms, unsolved, worst,
      exchanges / c.batch, solver.bytes());
  std::fflush(stdout);
  cudaStreamDestroy(stream);
}

}  // namespace
}  // namespace bpqp::bench

int main(int count, char** arguments) try {
  using namespace bpqp::bench;
  int samples = 50;
  std::vector<Case> cases;
  for (int i = 1; i + 1 < count; i += 2) {
    const char* const value = arguments[i + 1];
    Case size{"size", 0, 0, 0, 0, 0, 0};
    if (std::strcmp(arguments[i], "--samples") == 0) samples = std::max(1, std::atoi(value));
    if (std::strcmp(arguments[i], "--case") == 0) {
      for (const Case& c : kCases)
        if (std::strcmp(c.name, value) == 0) cases.push_back(c);
    }
    if (std::strcmp(arguments[i], "--size") == 0 &&
        std::sscanf(value, "%d,%d,%d,%d", &size.n, &size.eq, &size.ineq, &size.batch) == 4)
      cases.push_back(size);
  }
  if (cases.empty()) cases.assign(std::begin(kCases), std::end(kCases));
  for (const Case& c : cases) measure(c, samples);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "gpu_bench: %s\n", e.what());
  return 1;
}
