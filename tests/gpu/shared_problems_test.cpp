/// \file
/// The shared problem files with n <= 60 and m <= 120 by the kernels' bodies, on an emulated warp
/// and block, against the CPU's solver: the same statuses and active rows; values to 1e-9 of them
/// where the KKT matrix has a condition of at most 1e6, else residuals as they must be.
#include "api/shared_problems.hpp"

#include <Eigen/Dense>

#include "emulated_runtime.hpp"
#include "gpu/gpu_engine.hpp"

namespace bpqp::test {
namespace {

constexpr int kMostVariables = 60, kMostRows = 120;
constexpr double kMostCondition = 1e6;

/// Condition of [P A_W'; A_W 0].
double condition(const DenseProblem& p, const std::vector<int>& active) {
  std::vector<int> rows;
  for (int i = 0; i < p.m; ++i)
    if (active[std::size_t(i)] != 0) rows.push_back(i);
  const int n = p.n, k = int(rows.size());
  Eigen::MatrixXd K = Eigen::MatrixXd::Zero(n + k, n + k);
  for (int i = 0; i < n && !p.P.empty(); ++i)
    for (int j = 0; j < n; ++j)
      K(i, j) = (p.P[std::size_t(i * n + j)] + p.P[std::size_t(j * n + i)]) / 2;
  for (int r = 0; r < k; ++r)
    for (int j = 0; j < n; ++j)
      K(n + r, j) = K(j, n + r) = p.A[std::size_t(rows[std::size_t(r)] * n + j)];
  const Eigen::VectorXd s = Eigen::JacobiSVD<Eigen::MatrixXd>(K).singularValues();
  return s(0) / s(s.size() - 1);
}

struct Tally {
  int problems = 0, by_value = 0, other_sets = 0;
};

/// The active sides; of an equality only that it is held: its side is the sign of a multiplier that
/// may be zero but for rounding.
std::vector<int> active_rows(const DenseProblem& p, std::vector<int> side) {
  for (int i = 0; i < p.m; ++i)
    if (p.l[std::size_t(i)] == p.u[std::size_t(i)])
      side[std::size_t(i)] = side[std::size_t(i)] != 0;
  return side;
}

void expect_values(
    const std::vector<double>& want, const std::vector<double>& have, const char* what) {
  EXPECT_LE(relative_error(have, want), 1e-9) << what;
}

/// Gradients of a loss cos(j) x_j, on the CPU and by the mapping.
void expect_gradients(
    const io::ProblemFile& f, Solver<double>& solver, gpu::GpuEngine<double>& gpu) {
  const auto sides = [](Gradients<double>& d) {  // of an equality l and u move together
    for (std::size_t i = 0; i < d.l.size(); ++i) d.l[i] += d.u[i];
    return d.l;
  };
  std::vector<double> g(std::size_t(f.shape.n));
  for (std::size_t j = 0; j < g.size(); ++j) g[j] = std::cos(double(j));
  Gradients<double> want(f.shape, 1), have(f.shape, 1);
  const SolutionGradient<double> loss{{g.data(), f.shape.n}, {}};
  solver.backward(loss, want.view());
  gpu.backward(loss, have.view());
  expect_values(want.P, have.P, "dP");
  expect_values(want.q, have.q, "dq");
  expect_values(want.A, have.A, "dA");
  expect_values(sides(want), sides(have), "dl + du");
}

void check(const io::ProblemFile& f, const Mapping& mapping, Tally& tally) {
  SCOPED_TRACE(f.path.filename().string());
  const DenseProblem p = dense(f);
  const Batch<double> batch(p);
  Solver<double> solver(f.shape, 1);
  Answers<double> want(f.shape, 1), have(f.shape, 1);
  solver.solve(batch.view(), want.view());
  gpu::GpuEngine<double> gpu(f.shape, 1, Settings(), std::make_unique<EmulatedRuntime>(mapping));
  gpu.solve(batch.view(), have.view(), Changed::everything);
  ++tally.problems;
  EXPECT_EQ(want.report[0].status, have.report[0].status);
  if (want.report[0].status != Status::solved || have.report[0].status != Status::solved) return;
  const KktErrors e = kkt_errors(p, have.x_of(0), have.y_of(0));
  EXPECT_LE(double(e.primal_relative()), 1e-6);
  EXPECT_LE(double(e.dual_relative()), 1e-6);
  EXPECT_LE(double(e.gap_relative()), 1e-6);
  EXPECT_EQ(want.report[0].differentiable, have.report[0].differentiable);
  const bool same = active_rows(p, want.active_of(0)) == active_rows(p, have.active_of(0));
  // Where rows are weakly active or dependent several sets are right.
  EXPECT_TRUE(same || !want.report[0].differentiable);
  tally.other_sets += !same;
  if (!same) std::printf("  %s: another set\n", f.name.c_str());
  if (!want.report[0].differentiable || !f.shape.cones.empty()) return;
  if (!(condition(p, want.active_of(0)) <= kMostCondition)) return;
  ++tally.by_value;
  expect_values(want.x, have.x, "x");
  expect_values(want.y, have.y, "y");
  expect_gradients(f, solver, gpu);
}

void check_all(const Mapping& mapping) {
  BPQP_NEEDS_TEST_DATA();
  Tally tally;
  for (const char* folder : {"qp", "lp", "mpc", "app", "patho", "socp", "unit"})
    for (const auto& f : shared_problems(folder, 0, kMostVariables))
      if (f.shape.m <= kMostRows) check(f, mapping, tally);
  std::printf(
      "%s: %d problems, %d compared by value, %d degenerate ones with another active set\n",
      mapping.name, tally.problems, tally.by_value, tally.other_sets);
  EXPECT_GT(tally.by_value, 0);
}

TEST(GpuSharedProblems, AreSolvedByAWarpAsByTheCpu) {
  check_all({"warp", kWarps, 64 * 1024});
}

TEST(GpuSharedProblems, AreSolvedByABlockAsByTheCpu) {
  check_all({"block", kBlock128, 100 * 1024, 5});
}

}  // namespace
}  // namespace bpqp::test
