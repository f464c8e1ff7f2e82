/// \file
/// Forward + backward on the family `qp` beside the dense algebra that any solver of these problems
/// must do: Eigen's Cholesky of P [n x n], triangular solve for L^-1 A' [n x m] and rank update
/// S = Y'Y [m x m], one thread, same sizes, same run. Prints the ratio.
///
/// Both sides run alternately; each figure is the median over the rounds, in microseconds per
/// problem. Solutions are checked (worst relative residual) before a time counts.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "floors.hpp"
#include "solver_run.hpp"

namespace {

using bpqp::bench::seconds_of;
using Matrix = Eigen::MatrixXd;
using MatrixMap = Eigen::Map<const Matrix>;

struct Case {
  int n, rows, batch;  // rows: equalities, and as many inequalities (BPQP's table 1)
};
constexpr Case kCases[] = {
    {10, 5, 128}, {50, 10, 128}, {100, 20, 128}, {500, 100, 32}, {1000, 200, 8}};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

/// The floor for one batch; returns something that depends on every result.
double dense_floor(const bpqp::io::ProblemBatch& p, Matrix& L, Matrix& Y, Matrix& S) {
  const auto n = std::size_t(p.shape.n), m = std::size_t(p.shape.m);
  double sum = 0;
  for (int b = 0; b < p.batch; ++b) {
    L = MatrixMap(p.P.data() + std::size_t(b) * n * n, p.shape.n, p.shape.n);
    Y = MatrixMap(p.A.data() + std::size_t(b) * m * n, p.shape.n, p.shape.m);
    Eigen::LLT<Eigen::Ref<Matrix>> factor(L);
    factor.matrixL().solveInPlace(Y);
    S.setZero();
    S.selfadjointView<Eigen::Lower>().rankUpdate(Y.transpose());
    sum += S(p.shape.m - 1, 0);
  }
  return sum;
}

struct Row {
  double floor, forward, backward, residual;
  int unsolved;
};

Row measure(const Case& c, int rounds) {
  bpqp::io::FamilyOptions options;
  options.n = c.n, options.eq = c.rows, options.ineq = c.rows, options.batch = c.batch;
  bpqp::bench::SolverRun run(bpqp::io::Family::qp, options, bpqp::bench::tight_settings());
  const int rows = run.problems.shape.m;
  Matrix L(c.n, c.n), Y(c.n, rows), S(rows, rows);
  std::vector<double> floor, forward, backward;
  double sink = 0;
  for (int r = 0; r <= rounds; ++r) {
    const double f = seconds_of([&] { sink += dense_floor(run.problems, L, Y, S); });
    const double s = seconds_of([&] { run.forward(); });
    const double b = seconds_of([&] { run.backward(); });
    if (r == 0) continue;  // warm-up
    floor.push_back(f), forward.push_back(s), backward.push_back(b);
  }
  if (sink == 0.5) std::puts("");  // keeps the floor's results alive
  const double scale = 1e6 / double(c.batch);
  return {
      scale * median(floor), scale * median(forward), scale * median(backward),
      run.worst_residual(), run.unsolved()};
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 15;
  std::printf(
      "level %s, one thread, eps 1e-8, us per problem, median of %d rounds\n\n",
      bpqp::capabilities().cpu_level.c_str(), rounds);
  std::printf(
      "| n | eq + ineq | batch | floor | forward | backward | ratio | worst residual | unsolved "
      "|\n");
  std::printf("|---|---|---|---|---|---|---|---|---|\n");
  for (const Case& c : kCases) {
    const Row r = measure(c, rounds);
    std::printf(
        "| %d | %d + %d | %d | %.2f | %.2f | %.2f | %.2f | %.1e | %d |\n", c.n, c.rows, c.rows,
        c.batch, r.floor, r.forward, r.backward, (r.forward + r.backward) / r.floor, r.residual,
        r.unsolved);
    std::fflush(stdout);
  }
}
