// Settings that watch or end a solve: time_limit, progress, log.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"

namespace bpqp::test {
namespace {

io::ProblemBatch problems(io::Family family, int n, int batch) {
  return io::generate(family, {.n = n, .batch = batch, .seed = 3});
}

TEST(Callbacks, ProgressCountsUpToTheBatch) {
  const auto p = problems(io::Family::qp, 8, 300);
  std::vector<int> finished;
  std::atomic<int> inside{0};
  bool two_at_once = false, wrong_total = false;
  Settings settings;
  settings.threads = 2;
  settings.progress = [&](int done, int all) {
    two_at_once = two_at_once || inside.fetch_add(1) != 0;
    wrong_total = wrong_total || all != 300;
    finished.push_back(done);
    inside.fetch_sub(1);
  };
  Solver<double> solver(p.shape, 300, settings);
  for (int solve = 0; solve < 2; ++solve) {
    finished.clear();
    solver.solve(p.view(), {});
    EXPECT_FALSE(two_at_once || wrong_total);
    ASSERT_FALSE(finished.empty());
    EXPECT_EQ(finished.back(), 300);
    EXPECT_TRUE(std::is_sorted(finished.begin(), finished.end()));
  }
}

TEST(Callbacks, LogGetsLinesWithoutNewline) {
  const auto p = problems(io::Family::qp, 8, 5);
  std::vector<std::string> lines;
  Settings settings;
  settings.log = [&](const std::string& line) { lines.push_back(line); };
  Solver<double> solver(p.shape, 5, settings);
  solver.solve(p.view(), {});
  ASSERT_FALSE(lines.empty());
  for (const auto& line : lines) EXPECT_EQ(line.find('\n'), std::string::npos) << line;
}

TEST(Callbacks, TimeLimitEndsProblemsAsIterationLimit) {
  const auto p = problems(io::Family::dense_ineq, 100, 48);
  Settings settings;
  settings.threads = 1;
  settings.time_limit = 1e-3;
  Solver<double> solver(p.shape, 48, settings);
  Answers<double> a(p.shape, 48);
  const auto start = std::chrono::steady_clock::now();
  solver.solve(p.view(), a.view());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  int limited = 0;
  for (const Report& r : a.report) {
    EXPECT_TRUE(r.status == Status::iteration_limit || r.status <= Status::solved_inaccurate)
        << to_string(r.status);
    limited += r.status == Status::iteration_limit;
  }
  EXPECT_GT(limited, 24);  // 48 problems of milliseconds each
  // The limit is looked at between steps of a problem, none of which takes long.
  settings.time_limit = 0;
  Solver<double> free(p.shape, 48, settings);
  const auto again = std::chrono::steady_clock::now();
  free.solve(p.view(), a.view());
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - again;
  EXPECT_LT(seconds.count(), 0.5 * whole.count());
  EXPECT_EQ(
      std::count_if(
          a.report.begin(), a.report.end(), [](auto& r) { return r.status == Status::solved; }),
      48);
}

TEST(Callbacks, ReportsHoldSecondsOfEveryProblem) {
  const auto p = problems(io::Family::qp, 50, 4);
  Solver<double> solver(p.shape, 4);
  Answers<double> a(p.shape, 4);
  solver.solve(p.view(), a.view());
  for (const Report& r : a.report) {
    EXPECT_GT(r.seconds, 0);
    EXPECT_LT(r.seconds, 10);
  }
  EXPECT_EQ(solver.reports()[2].seconds, a.report[2].seconds);
}

}  // namespace
}  // namespace bpqp::test
