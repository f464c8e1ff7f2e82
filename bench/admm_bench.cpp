/// \file
/// One ADMM iteration, and the factorisation that a new rho costs, in both forms of
/// src/core/admm.hpp. Ten iterations are timed in turn, as admm() makes them.
#include "stage.hpp"

namespace {

using namespace bpqp;
using namespace bpqp::bench;

constexpr int kIterations = 10;

/// The smaller of n and m decides in which space the operator lives; both are measured.
core::ZForm<double> z_form(const Stage& s) {
  const auto& w = s.work.forward;
  return {s.m, s.slots[0].own.S, w.c, w.admm_factor, w.admm_operator, w.kkt.a, w.kkt.r_y};
}

struct XFormMemory {
  explicit XFormMemory(const Stage& s)
      : weighted(std::size_t(s.n) * std::size_t(s.m)), N(std::size_t(s.n) * std::size_t(s.n)) {}
  core::XForm<double> form(const Stage& s) {
    const auto& w = s.work.forward;
    return {s.n, s.m, s.slots[0].own.Y, w.h, weighted.data(), N.data(), w.kkt.a, w.kkt.t};
  }
  std::vector<double> weighted, N;
};

/// Starts the iteration of problem 0.
void start(Stage& s) {
  s.condense(0, 0);
  s.linearise(0);
  const auto& w = s.work.forward;
  const double rho = core::starting_rho(kTeam, w.diagonal, s.m);
  core::set_rho(kTeam, w.l, w.u, s.m, rho, w.admm.rho);
  for (int i = 0; i < s.m; ++i) w.admm.z[i] = w.admm.y[i] = 0;
}

template <class Operator>
void iterations(benchmark::State& state, Stage& s, const Operator& op, Work work) {
  const auto& w = s.work.forward;
  op.factor(kTeam, w.admm.rho);
  time_batch(
      state, kIterations, work, work.bytes, [] {},
      [&](int i) {
        if (i > 0) return;  // all ten in one call
        core::admm_steps(kTeam, op, w.admm, w.l, w.u, s.m, {}, 1.6, kIterations);
      });
}

void add_case(const StageCase& c) {
  const double n = c.n, m = 2 * c.rows;
  // One product with M^-1, or both solves with the factor of M: m^2; half of M is read twice.
  add(c.label("iteration, z-form"), [=](benchmark::State& state) {
    Stage s(c);
    start(s);
    iterations(state, s, z_form(s), product_work(m, m));
  });
  add(c.label("iteration, x-form"), [=](benchmark::State& state) {
    Stage s(c);
    start(s);
    XFormMemory memory(s);
    iterations(
        state, s, memory.form(s), 2 * product_work(n, m) + 2 * Work{n * n / 2, kWord * n * n / 2});
  });
  add(c.label("new rho, z-form"), [=](benchmark::State& state) {
    Stage s(c);
    start(s);
    const auto op = z_form(s);
    time_batch(
        state, 1, cholesky_work(m), kWord * m * m, [] {},
        [&](int) { op.factor(kTeam, s.work.forward.admm.rho); });
  });
  add(c.label("new rho, x-form"), [=](benchmark::State& state) {
    Stage s(c);
    start(s);
    XFormMemory memory(s);
    const auto op = memory.form(s);
    const Work work = cholesky_work(n) + Work{n * n * m / 2, kWord * n * m};
    time_batch(
        state, 1, work, work.bytes, [] {}, [&](int) { op.factor(kTeam, s.work.forward.admm.rho); });
  });
}

}  // namespace

int main(int argc, char** argv) {
  for (const StageCase& c : kStageCases) add_case(c);
  return run_beside_floors(argc, argv, "ADMM, family qp");
}
