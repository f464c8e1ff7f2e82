// What cuSOLVER takes for the batch's Cholesky factors and one solve with each: the least that a
// loop of library calls around it would take. One JSON object per case and line.
//
//   potrf_bench [--samples N]
//
// Medians over samples of CUDA events, in milliseconds.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <cusolverDn.h>

#include "device.hpp"
#include "qp_batch.hpp"

namespace bpqp::bench {
namespace {

void check_solver(cusolverStatus_t status, const char* call) {
  if (status != CUSOLVER_STATUS_SUCCESS)
    throw std::runtime_error(std::string(call) + ": status " + std::to_string(int(status)));
}

/// Pointers to each of `count` arrays of so many doubles.
std::vector<double*> each(double* first, std::size_t size, int count) {
  std::vector<double*> pointers;
  for (int b = 0; b < count; ++b) pointers.push_back(first + std::size_t(b) * size);
  return pointers;
}

void measure(const Case& c, int samples) {
  cudaStream_t stream{};
  check(cudaStreamCreate(&stream), "cudaStreamCreate");
  const io::ProblemBatch made = make_qp_batch(c.n, c.eq, c.ineq, c.batch);
  const std::size_t n = std::size_t(c.n);
  const Array<double> P(made.P), work(made.P.size()), x(made.q);
  const Array<double*> matrices(each(work.data(), n * n, c.batch)),
      sides(each(x.data(), n, c.batch));
  const Array<int> info(static_cast<std::size_t>(c.batch));
  cusolverDnHandle_t handle{};
  check_solver(cusolverDnCreate(&handle), "cusolverDnCreate");
  check_solver(cusolverDnSetStream(handle, stream), "cusolverDnSetStream");
  Timer timer(stream);
  std::vector<double> factor, solve;
  for (int s = -3; s < samples; ++s) {  // three to warm up
    check(
        cudaMemcpyAsync(
            work.data(), P.data(), made.P.size() * sizeof(double), cudaMemcpyDeviceToDevice,
            stream),
        "cudaMemcpyAsync");
    const double f = timer([&] {
      check_solver(
          cusolverDnDpotrfBatched(
              handle, CUBLAS_FILL_MODE_LOWER, c.n, matrices.data(), c.n, info.data(), c.batch),
          "cusolverDnDpotrfBatched");
    });
    const double b = timer([&] {
      check_solver(
          cusolverDnDpotrsBatched(
              handle, CUBLAS_FILL_MODE_LOWER, c.n, 1, matrices.data(), c.n, sides.data(), c.n,
              info.data(), c.batch),
          "cusolverDnDpotrsBatched");
    });
    if (s >= 0) factor.push_back(f), solve.push_back(b);
  }
  cusolverDnDestroy(handle);
  cudaStreamDestroy(stream);
  std::printf(
      "{\"case\": \"%s\", \"batch\": %d, \"n\": %d, \"potrf_batched_ms\": %.4f, "
      "\"potrs_batched_ms\": %.4f}\n",
      c.name, c.batch, c.n, quantile(factor, 0.5), quantile(solve, 0.5));
  std::fflush(stdout);
}

}  // namespace
}  // namespace bpqp::bench

int main(int count, char** arguments) try {
  using namespace bpqp::bench;
  const bool given = count == 3 && std::strcmp(arguments[1], "--samples") == 0;
  for (const Case& c : kCases)
    if (c.batch > 1) measure(c, given ? std::max(1, std::atoi(arguments[2])) : 20);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "potrf_bench: %s\n", e.what());
  return 1;
}
