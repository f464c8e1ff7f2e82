/// \file
/// What follows the guess: one exchange round on the solution's active set (factor of S_WW, its
/// multipliers, the activities of all rows), the residuals that end a solve, and a whole solve that
/// starts at the solution, so that all it does is verify and finish.
#include "stage.hpp"

namespace {

using namespace bpqp;
using namespace bpqp::bench;

/// Condensed in the user's units and solved.
void solve_all(Stage& s) {
  for (int b = 0; b < s.count; ++b) {
    s.condense(b, 0);
    s.solve(b);
  }
}

void exchange(benchmark::State& state, const StageCase& c) {
  Stage s(c);
  solve_all(s);
  const auto& w = s.work.forward;
  auto& slot = s.slots[0];
  const std::vector<signed char> sides(slot.set.side, slot.set.side + s.m);
  const double k = slot.set.size;
  s.linearise(0);
  core::WorkingSet<double> set;
  core::RowSides<double> rows;
  const core::Schur<double> schur{s.n, s.m, slot.own.Y, slot.own.S, w.diagonal, w.kkt.spare};
  const Work work{k * k * k / 6 + k * k + k * s.m, kWord * (k * k / 2 + k * double(s.m))};
  time_batch(
      state, 1, work, work.bytes,
      [&] {
        std::copy(sides.begin(), sides.end(), slot.set.side);
        std::copy_n(w.c, s.m, w.v);
        std::fill_n(slot.set.y, s.m, 0.0);
        std::fill_n(slot.set.change, s.m, 0.0);
        rows = {w.l, w.u, 1e-11};
        set = slot.set;
        set.size = 0;
      },
      [&](int) { core::exchange_round(kTeam, schur, rows, set, w.v, w.list, w.kkt.a); });
}

void residuals(benchmark::State& state, const StageCase& c) {
  Stage s(c);
  solve_all(s);
  const double n = s.n, m = s.m;
  const Work work{n * n + 2 * n * m, kWord * (n * n + n * m)};
  const auto& w = s.work.forward;
  time_batch(
      state, s.count, work, s.count * work.bytes, [] {},
      [&](int b) {
        const auto p = s.view(b);
        const auto& slot = s.slots[std::size_t(b)];
        core::kkt_products(kTeam, p, true, false, slot.x, slot.y, w.products, w.t);
        benchmark::DoNotOptimize(core::residuals(kTeam, p, slot.x, slot.y, w.products));
      });
}

/// The residuals twice (the start's and the end's), S_WW once, a step of x through L.
void finish(benchmark::State& state, const StageCase& c) {
  Stage s(c);
  solve_all(s);
  const double n = s.n, m = s.m, k = s.active();
  const Work work{
      2 * (n * n + 2 * n * m) + k * k * k / 6 + k * k + k * m + n * n + n * m,
      kWord * (n * n + n * m + n * n / 2 + n * m + k * m)};
  time_batch(
      state, s.count, work, s.bytes(), [] {}, [&](int b) { s.solve(b, true); });
}

}  // namespace

int main(int argc, char** argv) {
  for (const StageCase& c : kStageCases) {
    add(c.label("exchange round"), [c](benchmark::State& state) { exchange(state, c); });
    add(c.label("residuals"), [c](benchmark::State& state) { residuals(state, c); });
    add(c.label("solve from the solution"), [c](benchmark::State& state) { finish(state, c); });
  }
  return run_beside_floors(argc, argv, "Exchange and finish, family qp");
}
