/// \file
/// The backward pass: the adjoint system on the active rows, by the factors that the solve left,
/// and the outer products dP and dA.
#include "stage.hpp"

namespace {

using namespace bpqp;
using namespace bpqp::bench;

void solve_all(Stage& s) {
  for (int b = 0; b < s.count; ++b) {
    s.condense(b);
    s.solve(b);
  }
  std::fill_n(s.work.g_x, s.n, 1.0);
  std::fill_n(s.work.g_y, s.m, 0.0);
}

void adjoint_of(Stage& s, int b) {
  auto& slot = s.slots[std::size_t(b)];
  core::solve_active_kkt<false>(
      kTeam, s.view(b), slot.used, slot.set, s.work.forward, s.work.g_x, s.work.g_y, slot.w,
      slot.d);
}

/// L and L' once, Y_W twice, S_WW's factor twice, and one residual with P, A and A_W.
void adjoint(benchmark::State& state, const StageCase& c) {
  Stage s(c);
  solve_all(s);
  const double n = s.n, m = s.m, k = s.active();
  const Work work{
      n * n + 2 * n * k + k * k + n * n + n * m + n * k,
      kWord * (n * n / 2 + n * k + k * k / 2 + n * n + n * m)};
  time_batch(
      state, s.count, work, s.bytes(), [] {}, [&](int b) { adjoint_of(s, b); });
}

/// Every entry of dP and dA is two multiply-adds; all are written, zeros where a row is not active.
void outer_products(benchmark::State& state, const StageCase& c) {
  Stage s(c);
  solve_all(s);
  for (int b = 0; b < s.count; ++b) adjoint_of(s, b);
  const auto N = std::size_t(s.n), M = std::size_t(s.m), B = std::size_t(s.count);
  std::vector<double> dP(B * N * N), dA(B * M * N);
  const double n = s.n, m = s.m;
  const Work work{2 * n * n + 2 * n * s.active(), kWord * (n * n + n * m)};
  time_batch(
      state, s.count, work, s.count * work.bytes, [] {},
      [&](int b) {
        const auto& slot = s.slots[std::size_t(b)];
        double* P = dP.data() + std::size_t(b) * N * N;
        double* A = dA.data() + std::size_t(b) * M * N;
        for (int i = 0; i < s.n; ++i)
          core::gradient_P_row(
              cpu::CpuTeam(), slot.w, slot.x, s.n, i, false, P + N * std::size_t(i));
        for (int i = 0; i < s.m; ++i)
          core::gradient_A_row(
              cpu::CpuTeam(), slot.w, slot.d, slot.x, slot.y, s.n, i, false,
              A + N * std::size_t(i));
      });
}

}  // namespace

int main(int argc, char** argv) {
  for (const StageCase& c : kStageCases) {
    add(c.label("adjoint"), [c](benchmark::State& state) { adjoint(state, c); });
    add(c.label("dP and dA"), [c](benchmark::State& state) { outer_products(state, c); });
  }
  return run_beside_floors(argc, argv, "Gradients, family qp");
}
