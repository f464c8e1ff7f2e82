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
#include <ctime>
#include <functional>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "bpqp/bpqp.hpp"
#include "io/families.hpp"

namespace {

using Matrix = Eigen::MatrixXd;
using MatrixMap = Eigen::Map<const Matrix>;

struct Case {
  int n, rows, batch;  // rows: equalities, and as many inequalities (BPQP's table 1)
};
constexpr Case kCases[] = {
    {10, 5, 128}, {50, 10, 128}, {100, 20, 128}, {500, 100, 32}, {1000, 200, 8}};

/// Processor time of this thread: both sides use one, and machines are shared.
double seconds(const std::function<void()>& body) {
  const auto now = [] {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
  };
  const double start = now();
  body();
  return now() - start;
}

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
  const auto p = bpqp::io::generate(bpqp::io::Family::qp, options);
  const auto n = std::size_t(c.n), m = std::size_t(p.shape.m), B = std::size_t(c.batch);
  bpqp::Settings settings;
  settings.eps_abs = settings.eps_rel = 1e-8;
  settings.threads = 1;
  bpqp::Solver<double> solver(p.shape, c.batch, settings);
  std::vector<double> x(B * n), y(B * m), g(B * n, 1.0);
  std::vector<double> dP(B * n * n), dq(B * n), dA(B * m * n), dl(B * m), du(B * m);
  const auto stride = [](std::size_t v) { return std::int64_t(v); };
  const bpqp::ProblemGradient<double> out{
      {dP.data(), stride(n * n)},
      {dq.data(), stride(n)},
      {dA.data(), stride(m * n)},
      {dl.data(), stride(m)},
      {du.data(), stride(m)}};
  const int rows = p.shape.m;
  Matrix L(c.n, c.n), Y(c.n, rows), S(rows, rows);
  std::vector<double> floor, forward, backward;
  double sink = 0;
  for (int r = 0; r <= rounds; ++r) {
    const double f = seconds([&] { sink += dense_floor(p, L, Y, S); });
    const double s = seconds([&] {
      solver.solve(p.view(), {x.data(), y.data(), nullptr, nullptr});
    });
    const double b = seconds([&] { solver.backward({{g.data(), c.n, c.n}, {}}, out); });
    if (r == 0) continue;  // warm-up
    floor.push_back(f), forward.push_back(s), backward.push_back(b);
  }
  Row row{median(floor), median(forward), median(backward), 0, 0};
  for (int b = 0; b < c.batch; ++b) {
    const bpqp::Report& report = solver.reports()[b];
    row.unsolved += report.status != bpqp::Status::solved;
    row.residual = std::max(
        {row.residual, report.primal_residual_relative, report.dual_residual_relative,
         report.gap_relative});
  }
  if (sink == 0.5) std::puts("");  // keeps the floor's results alive
  const double scale = 1e6 / double(c.batch);
  row.floor *= scale, row.forward *= scale, row.backward *= scale;
  return row;
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
