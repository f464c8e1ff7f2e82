/// \file
/// End to end: forward + backward with all gradients through the public API, family by family, in
/// batches of 1, 64 and 4096 (less where the data would not fit), each beside its floor.
#include <memory>
#include <optional>

#include "floor_table.hpp"
#include "solver_run.hpp"

namespace {

using namespace bpqp;
using namespace bpqp::bench;
using io::Family;

struct Case {
  Family family;
  int n, eq, ineq;
};
/// The sizes of the BPQP paper's tables for qp, lp and socp; the others: MPC and portfolios as in
/// the benchmarks of OSQP and DAQP.
constexpr Case kCases[] = {
    {Family::qp, 10, 5, 5},           {Family::qp, 50, 10, 10},     {Family::qp, 100, 20, 20},
    {Family::qp, 500, 100, 100},      {Family::qp, 1000, 200, 200}, {Family::lp, 10, 5, 5},
    {Family::lp, 100, 20, 20},        {Family::lp, 500, 100, 100},  {Family::socp, 10, 5, 0},
    {Family::socp, 100, 20, 0},       {Family::socp, 500, 100, 0},  {Family::portfolio, 50, 1, 50},
    {Family::portfolio, 500, 1, 500}, {Family::mpc, 16, 0, 16},     {Family::dense_ineq, 16, 0, 32},
    {Family::dense_ineq, 50, 0, 100}};

/// The data of a batch; the gradients are as much, the Solver takes about three times that.
constexpr double kMostBytes = 256e6;

/// One factorisation of the KKT matrix of the rows with more than one entry (a bound costs no
/// factorisation), in n or in their number g, the residuals of the answer, one step of x, one
/// adjoint solve, dP and dA. The data are read once, the gradients written once.
Work floor_of(const Case& c, int rows) {
  const double n = c.n, m = rows;
  const bool bounds = c.family == Family::portfolio || c.family == Family::mpc;
  const double g = c.eq + (bounds ? 0 : c.ineq);
  const bool dense = c.family != Family::lp && c.family != Family::socp;
  Work work = dense ? cholesky_work(n) + triangular_work(n, g) + gram_work(n, g) + cholesky_work(g)
                    : gram_work(n, g) + cholesky_work(g);
  const double hessian = dense ? n * n : n;
  work.multiply_adds += 3 * hessian + 5 * n * g + 2 * n * n + 2 * n * g;
  work.bytes = 2 * kWord * (n * n + n * m + 2 * n + 3 * m);
  return work;
}

/// The last batch made: Google Benchmark calls a case several times.
SolverRun& run_of(const std::string& name, const Case& c, int batch) {
  static std::string made;
  static std::optional<SolverRun> run;
  if (made != name) {
    run.reset();
    io::FamilyOptions options;
    options.n = c.n, options.eq = c.eq, options.ineq = c.ineq, options.batch = batch;
    run.emplace(c.family, options, tight_settings());
    made = name;
  }
  return *run;
}

void measure(benchmark::State& state, const std::string& name, const Case& c, int batch) {
  SolverRun& run = run_of(name, c, batch);
  double forward = 1e300, backward = 1e300, both = 1e300;
  for (auto _ : state) {
    const double f = seconds_of([&] { run.forward(); });
    const double b = seconds_of([&] { run.backward(); });
    state.SetIterationTime(f + b);
    forward = std::min(forward, f), backward = std::min(backward, b), both = std::min(both, f + b);
  }
  const Work floor = floor_of(c, run.problems.shape.m);
  const double scale = 1e6 / batch;
  state.counters["us"] = scale * both;
  state.counters["floor"] = 1e6 * floor.seconds(batch * floor.bytes);
  state.counters["forward"] = scale * forward;
  state.counters["backward"] = scale * backward;
  state.counters["unsolved"] = run.unsolved();
  state.counters["worst residual"] = run.worst_residual();
}

void add_case(const Case& c, int batch) {
  const std::string name = std::string(to_string(c.family)) + "/n:" + std::to_string(c.n) +
                           "/rows:" + std::to_string(c.eq) + "+" + std::to_string(c.ineq) +
                           "/batch:" + std::to_string(batch);
  add(name, [=](benchmark::State& state) { measure(state, name, c, batch); });
}

}  // namespace

int main(int argc, char** argv) {
  extra_columns() = {"forward", "backward", "unsolved", "worst residual"};
  for (const Case& c : kCases) {
    io::FamilyOptions options;
    options.n = c.n, options.eq = c.eq, options.ineq = c.ineq;
    const Shape shape = io::shape_of(c.family, options);
    const double bytes = kWord * shape.n * double(shape.n + shape.m);
    int last = 0;
    for (int batch : {1, 64, 4096}) {
      while (batch > 1 && batch * bytes > kMostBytes) batch /= 2;
      if (batch > last) add_case(c, batch);
      last = batch;
    }
  }
  return run_beside_floors(argc, argv, "Forward + backward, eps 1e-8");
}
