// Forward and backward on a CUDA device, beside the floors of the case and cuSOLVER's batched
// Cholesky: data and answers stay in the device's memory. One JSON object per case and line.
//
//   gpu_bench [--samples N] [--case a|b|c|d]...
//
// Times are medians over samples of CUDA events around the calls, in milliseconds. Every answer is
// judged on the host from the reports, which hold residuals of the user's data.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>
#include <cusolverDn.h>

#include "bpqp/bpqp.hpp"
#include "io/families.hpp"

namespace bpqp::bench {
namespace {

void check(cudaError_t error, const char* call) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(error));
}

void check(cusolverStatus_t status, const char* call) {
  if (status != CUSOLVER_STATUS_SUCCESS)
    throw std::runtime_error(std::string(call) + ": status " + std::to_string(int(status)));
}

/// An array in the device's memory.
template <class V>
class Array {
 public:
  explicit Array(std::size_t count) : count_(count) {
    check(cudaMalloc(&data_, std::max<std::size_t>(1, count * sizeof(V))), "cudaMalloc");
  }
  explicit Array(const std::vector<V>& host) : Array(host.size()) {
    check(cudaMemcpy(data_, host.data(), count_ * sizeof(V), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  ~Array() { cudaFree(data_); }
  Array(const Array&) = delete;
  V* data() const { return static_cast<V*>(data_); }
  std::vector<V> host() const {
    std::vector<V> v(count_);
    check(cudaMemcpy(v.data(), data_, count_ * sizeof(V), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return v;
  }

 private:
  void* data_ = nullptr;
  std::size_t count_;
};

/// Milliseconds that the stream takes for what `work` enqueues.
class Timer {
 public:
  explicit Timer(cudaStream_t stream) : stream_(stream) {
    check(cudaEventCreate(&start_), "cudaEventCreate");
    check(cudaEventCreate(&end_), "cudaEventCreate");
  }
  ~Timer() {
    cudaEventDestroy(start_);
    cudaEventDestroy(end_);
  }
  Timer(const Timer&) = delete;
  template <class Work>
  double operator()(const Work& work) {
    check(cudaEventRecord(start_, stream_), "cudaEventRecord");
    work();
    check(cudaEventRecord(end_, stream_), "cudaEventRecord");
    check(cudaEventSynchronize(end_), "cudaEventSynchronize");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start_, end_), "cudaEventElapsedTime");
    return double(milliseconds);
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t start_{}, end_{};
};

double quantile(std::vector<double> v, double q) {
  std::sort(v.begin(), v.end());
  return v[std::min(v.size() - 1, std::size_t(q * double(v.size())))];
}

/// Sizes and floors are those of the table (fp64, H100): forward + full gradients.
struct Case {
  const char* name;
  int batch, n, eq, ineq;
  double floor_ms, asked_ms;
};
constexpr Case kCases[] = {
    {"a", 4096, 100, 20, 20, 0.45, 1.5},
    {"b", 256, 500, 50, 50, 0.7, 3},
    {"c", 1, 5000, 1000, 1000, 2.3, 15},
    {"d", 65536, 10, 5, 15, 0.3, 1.2},
};

/// cusolverDnDpotrfBatched of the batch's P.
double factor_by_cusolver(
    const std::vector<double>& P, int n, int batch, int samples, cudaStream_t stream) {
  const std::size_t size = std::size_t(n) * std::size_t(n);
  const Array<double> data(P), work(P.size());
  std::vector<double*> pointers;
  for (int b = 0; b < batch; ++b) pointers.push_back(work.data() + std::size_t(b) * size);
  const Array<double*> matrices(pointers);
  const Array<int> info(static_cast<std::size_t>(batch));
  cusolverDnHandle_t handle{};
  check(cusolverDnCreate(&handle), "cusolverDnCreate");
  check(cusolverDnSetStream(handle, stream), "cusolverDnSetStream");
  Timer timer(stream);
  std::vector<double> times;
  for (int s = 0; s < samples; ++s) {
    check(
        cudaMemcpyAsync(
            work.data(), data.data(), P.size() * sizeof(double), cudaMemcpyDeviceToDevice, stream),
        "cudaMemcpyAsync");
    times.push_back(timer([&] {
      check(
          cusolverDnDpotrfBatched(
              handle, CUBLAS_FILL_MODE_LOWER, n, matrices.data(), n, info.data(), batch),
          "cusolverDnDpotrfBatched");
    }));
  }
  cusolverDnDestroy(handle);
  return quantile(times, 0.5);
}

/// A case's data, answers and gradients on the device.
struct Run {
  explicit Run(const Case& c)
      : made(generate(c)),
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

  static io::ProblemBatch generate(const Case& c) {
    io::FamilyOptions o;
    o.n = c.n, o.eq = c.eq, o.ineq = c.ineq, o.batch = c.batch;
    return io::generate(io::Family::qp, io::complete(io::Family::qp, o));
  }
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
  const double potrf =
      c.batch > 1 ? factor_by_cusolver(run.made.P, c.n, c.batch, std::min(samples, 20), stream) : 0;
  std::printf(
      "{\"case\": \"%s\", \"batch\": %d, \"n\": %d, \"m\": %d, \"forward_ms\": %.4f, "
      "\"backward_ms\": %.4f, \"both_ms\": %.4f, \"both_p95_ms\": %.4f, \"asked_ms\": %g, "
      "\"floor_ms\": %g, \"potrf_batched_ms\": %.4f, \"unsolved\": %d, \"worst_residual\": %.3g, "
      "\"exchanges\": %.3g, \"bytes\": %zu}\n",
      c.name, c.batch, c.n, c.eq + c.ineq, quantile(forward, 0.5), quantile(backward, 0.5),
      quantile(both, 0.5), quantile(both, 0.95), c.asked_ms, c.floor_ms, potrf, unsolved, worst,
      exchanges / c.batch, solver.bytes());
  std::fflush(stdout);
  cudaStreamDestroy(stream);
}

}  // namespace
}  // namespace bpqp::bench

int main(int count, char** arguments) try {
  using namespace bpqp::bench;
  int samples = 50;
  std::string cases;
  for (int i = 1; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--samples") == 0)
      samples = std::max(1, std::atoi(arguments[i + 1]));
    if (std::strcmp(arguments[i], "--case") == 0) cases += arguments[i + 1];
  }
  for (const Case& c : kCases)
    if (cases.empty() || cases.find(c.name) != std::string::npos) measure(c, samples);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "gpu_bench: %s\n", e.what());
  return 1;
}
