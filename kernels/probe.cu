/// \file
/// Compiles the core for the device: one block per problem, from the data to the gradients, so that
/// host-only code in it is found where there is no GPU. Never launched; the GPU's own launch files
/// replace it.
#include "block_team.cuh"
#include "core/differentiate.hpp"
#include "core/gradient.hpp"
#include "core/solve_one.hpp"

namespace bpqp::cuda {

constexpr int kThreads = 128;
using Team = BlockTeam<kThreads>;
static_assert(core::Team<Team>);

/// The batch in global memory, problems one after the other.
template <class D>
struct ProbeBatch {
  int n, m;
  const D *P, *q, *A, *l, *u;
  const double *g_x, *g_y;  ///< gradient of the loss in x and y
  double *x, *y, *w, *d;
  D *dP, *dA;
  core::ForwardReport* report;
  char* memory;  ///< `bytes` per problem
  std::size_t bytes;
};

template <class D>
__device__ core::ProblemView<D> problem(const ProbeBatch<D>& batch, std::size_t b) {
  const std::size_t n = batch.n, m = batch.m;
  return {
      batch.n,         batch.m,        batch.P + b * n * n, batch.q + b * n, batch.A + b * m * n,
      batch.l + b * m, batch.u + b * m};
}

template <class D>
__device__ void gradients(
    const Team& team,
    const ProbeBatch<D>& batch,
    std::size_t b,
    const double* x,
    const double* y,
    const double* w,
    const double* d) {
  const std::size_t n = batch.n, m = batch.m;
  for (int i : team.items(batch.n))
    core::gradient_P_row(w, x, batch.n, i, false, batch.dP + b * n * n + i * n);
  for (int i : team.items(batch.m))
    core::gradient_A_row(w, d, x, y, batch.n, i, false, batch.dA + b * m * n + i * n);
}

template <class D>
__global__ void __launch_bounds__(kThreads)
    probe(ProbeBatch<D> batch, core::ForwardOptions options) {
  __shared__ Team::Scratch scratch;
  __shared__ core::Condensed<double> c;  // its report is written by one thread for all
  const Team team(scratch);
  const std::size_t b = blockIdx.x, n = batch.n, m = batch.m;
  const core::ProblemView<D> p = problem(batch, b);
  core::Arena arena(batch.memory + b * batch.bytes);
  core::Condensed<double> own = core::Condensed<double>::lay_out(arena, p.n, p.m);
  core::WorkingSet<double> set = core::WorkingSet<double>::lay_out(arena, p.n, p.m);
  const auto work = core::ForwardWork<double>::lay_out(arena, p.n, p.m);
  own.report = core::condense(team, p, options.scaling, own, work.v, work.h);
  if (team.rank() == 0) c = own;
  team.sync();

  double *x = batch.x + b * n, *y = batch.y + b * m, *w = batch.w + b * n, *d = batch.d + b * m;
  core::ForwardReport report;
  if (c.report.outcome == core::Condensing::done)
    report = core::solve_one(team, p, options, c, set, work, false, x, y);
  if (team.rank() == 0) batch.report[b] = report;
  if (!report.verified) return;  // the same on every thread
  core::solve_active_kkt(team, p, c, set, work, false, batch.g_x + b * n, batch.g_y + b * m, w, d);
  gradients(team, batch, b, x, y, w, d);
}

/// A KKT point from elsewhere, whose active rows are those with y != 0.
template <class D>
__global__ void __launch_bounds__(kThreads) probe_point(ProbeBatch<D> batch, int scaling) {
  __shared__ Team::Scratch scratch;
  __shared__ core::Condensed<double> c;
  const Team team(scratch);
  const std::size_t b = blockIdx.x, n = batch.n, m = batch.m;
  const core::ProblemView<D> p = problem(batch, b);
  core::Arena arena(batch.memory + b * batch.bytes);
  const auto own = core::Condensed<double>::lay_out(arena, p.n, p.m);
  core::WorkingSet<double> set = core::WorkingSet<double>::lay_out(arena, p.n, p.m);
  const auto work = core::ForwardWork<double>::lay_out(arena, p.n, p.m);
  if (team.rank() == 0) c = own;
  double *y = batch.y + b * m, *w = batch.w + b * n, *d = batch.d + b * m;
  for (int i : team.items(p.m)) {
    set.side[i] = y[i] > 0 ? 1 : y[i] < 0 ? -1 : 0;
    set.y[i] = set.change[i] = 0;
  }
  team.sync();
  const core::ForwardReport report = core::attach_point(team, p, scaling, c, set, work);
  if (team.rank() == 0) batch.report[b] = report;
  if (report.status != Status::solved) return;
  core::solve_active_kkt(team, p, c, set, work, true, batch.g_x + b * n, batch.g_y + b * m, w, d);
}

template __global__ void probe(ProbeBatch<double>, core::ForwardOptions);
template __global__ void probe_point(ProbeBatch<double>, int);

}  // namespace bpqp::cuda
