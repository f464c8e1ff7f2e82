/// \file
/// The step condense, and its parts: scaling (the symmetric part of P and the equilibration), the
/// factor L of H = P, Y = L^-1 A', S = Y'Y.
#include "stage.hpp"

namespace {

using namespace bpqp;
using namespace bpqp::bench;

/// P and A read once, half of H and all of Y written.
Work load_work(double n, double m) {
  return {n * m, kWord * (1.5 * n * n + 2 * n * m)};
}

Work whole_work(double n, double m) {
  Work work = cholesky_work(n) + triangular_work(n, m) + gram_work(n, m);
  work.bytes = load_work(n, m).bytes;  // the rest may stay in the cache
  return work;
}

void scale(Stage& s, int b) {
  const auto p = s.view(b);
  const auto& c = s.slots[std::size_t(b)].own;
  core::load_hessian(kTeam, p, c.L);
  core::equilibrate(kTeam, p, c.L, c.scaling, 4, s.work.forward.v, s.work.forward.h);
  core::scale_hessian(kTeam, c.L, p.n, c.scaling.D, 0.0);
  core::scale_rows(kTeam, p, c.scaling, c.Y);
}

void add_case(const StageCase& c) {
  const auto step = [&c](const char* name, Work work, const auto& prepare, const auto& body) {
    add(c.label(name), [=](benchmark::State& state) {
      Stage s(c);
      time_batch(
          state, s.count, work, s.bytes(),
          [&] {
            for (int b = 0; b < s.count; ++b) prepare(s, b);
          },
          [&](int b) { body(s, b); });
    });
  };
  const auto nothing = [](Stage&, int) {};
  const double n = c.n, m = 2 * c.rows;
  step("condense", whole_work(n, m), nothing, [](Stage& s, int b) { s.condense(b); });
  step("scaling", load_work(n, m), nothing, scale);
  step("cholesky", cholesky_work(n), scale, [](Stage& s, int b) {
    cholesky(kTeam, s.slots[std::size_t(b)].own.L, s.n, s.n);
  });
  step(
      "triangular solve", triangular_work(n, m),
      [](Stage& s, int b) {
        s.condense(b);
        const auto& own = s.slots[std::size_t(b)].own;
        core::scale_rows(kTeam, s.view(b), own.scaling, own.Y);
      },
      [](Stage& s, int b) {
        const auto& own = s.slots[std::size_t(b)].own;
        solve_lower(kTeam, own.L, s.n, s.n, own.Y, s.m, s.n);
      });
  step(
      "gram", gram_work(n, m), [](Stage& s, int b) { s.condense(b); },
      [](Stage& s, int b) {
        const auto& own = s.slots[std::size_t(b)].own;
        gram(kTeam, own.Y, s.n, s.m, s.n, own.S, s.m);
      });
}

}  // namespace

int main(int argc, char** argv) {
  for (const StageCase& c : kStageCases) add_case(c);
  return run_beside_floors(argc, argv, "condense, family qp");
}
