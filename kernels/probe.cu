/// \file
/// Compiles the core for the device, so that host-only code in it is found where there is no GPU.
/// Never launched.
#include "core/team.hpp"

namespace bpqp::cuda {

/// y = y + alpha x on one lane per vector.
template <class R>
__global__ void probe(int batch, int n, R alpha, const R* x, R* y) {
  const int b = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (b >= batch) return;
  const core::SerialTeam team;
  const auto v = std::size_t(b) * std::size_t(n);
  for (int i : team.items(n)) y[v + std::size_t(i)] += alpha * x[v + std::size_t(i)];
  team.sync();
}

template __global__ void probe(int, int, float, const float*, float*);
template __global__ void probe(int, int, double, const double*, double*);

}  // namespace bpqp::cuda
