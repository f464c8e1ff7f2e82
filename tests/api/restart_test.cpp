// What the next solve takes from the last one: warm starts, and kept factors.
#include <chrono>
#include <cmath>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

Batch<double> family(io::Family f, int n, int count, std::uint64_t seed) {
  const auto generated = io::generate(f, {.n = n, .batch = count, .seed = seed});
  std::vector<DenseProblem> problems;
  for (int b = 0; b < count; ++b) problems.push_back(problem_of(generated, b));
  return Batch<double>(problems);
}

int total_iterations(const Answers<double>& a) {
  int total = 0;
  for (const Report& r : a.report) total += r.iterations + r.exchanges;
  return total;
}

void expect_same_solution(const Answers<double>& a, const Answers<double>& b, double tolerance) {
  for (std::size_t i = 0; i < a.report.size(); ++i)
    ASSERT_EQ(a.report[i].status, b.report[i].status) << "problem " << i;
  for (std::size_t i = 0; i < a.x.size(); ++i) ASSERT_NEAR(a.x[i], b.x[i], tolerance);
  for (std::size_t i = 0; i < a.y.size(); ++i) ASSERT_NEAR(a.y[i], b.y[i], tolerance);
  EXPECT_EQ(a.active, b.active);
}

TEST(WarmStart, TakesLessWorkAndGivesTheSameAnswer) {
  for (const auto f : {io::Family::qp, io::Family::box, io::Family::dense_ineq}) {
    SCOPED_TRACE(io::to_string(f));
    const auto batch = family(f, 30, 10, 1);
    const int n = batch.shape.n, m = batch.shape.m;
    Solver<double> solver(batch.shape, 10);
    Answers<double> cold(batch.shape, 10), warm(batch.shape, 10);
    solver.solve(batch.view(), cold.view());
    solver.warm_start(10, {cold.x.data(), n, n}, {cold.y.data(), m, m});
    solver.solve(batch.view(), warm.view());
    EXPECT_LT(total_iterations(warm), total_iterations(cold));
    expect_same_solution(cold, warm, 1e-8);
  }
}

TEST(WarmStart, OfASlightlyOtherProblemStillHelps) {
  auto batch = family(io::Family::dense_ineq, 30, 10, 2);
  const int n = batch.shape.n, m = batch.shape.m;
  Solver<double> solver(batch.shape, 10);
  Answers<double> first(batch.shape, 10), warm(batch.shape, 10);
  solver.solve(batch.view(), first.view());
  for (double& q : batch.q) q *= 1.001;
  solver.warm_start(10, {first.x.data(), n, n}, {first.y.data(), m, m});
  solver.solve(batch.view(), warm.view());
  const auto cold = solve(batch);
  EXPECT_LT(total_iterations(warm), total_iterations(cold));
  expect_same_solution(cold, warm, 1e-8);
}

TEST(WarmStart, IsForOneSolveAndForTheProblemsGiven) {
  const auto batch = family(io::Family::qp, 20, 6, 3);
  const int n = batch.shape.n, m = batch.shape.m;
  Solver<double> solver(batch.shape, 6);
  Answers<double> cold(batch.shape, 6), warm(batch.shape, 6), again(batch.shape, 6);
  solver.solve(batch.view(), cold.view());
  solver.warm_start(2, {cold.x.data(), n, n}, {cold.y.data(), m, m});
  solver.solve(batch.view(), warm.view());
  EXPECT_TRUE(same_bits(cold.x.data() + 2 * n, warm.x.data() + 2 * n, 4 * n));
  solver.solve(batch.view(), again.view());
  EXPECT_TRUE(same_bits(cold.x, again.x) && same_bits(cold.y, again.y));
}

/// A start is used up by the next solve, whatever its batch.
TEST(WarmStart, DoesNotOutliveTheNextSolve) {
  const auto batch = family(io::Family::qp, 20, 2, 3);
  const int n = batch.shape.n, m = batch.shape.m;
  Problem<double> first = batch.view();
  first.batch = 1;
  Solver<double> solver(batch.shape, 2);
  Answers<double> cold(batch.shape, 2), later(batch.shape, 2);
  solver.solve(batch.view(), cold.view());
  solver.warm_start(2, {cold.x.data(), n, n}, {cold.y.data(), m, m});
  solver.solve(first, {});
  solver.solve(batch.view(), later.view());
  EXPECT_TRUE(same_bits(cold.x, later.x) && same_bits(cold.y, later.y));
  EXPECT_EQ(total_iterations(cold), total_iterations(later));
  // Nor does it outlive the next call of warm_start.
  solver.warm_start(2, {cold.x.data(), n, n}, {cold.y.data(), m, m});
  solver.warm_start(1, {cold.x.data(), n, n}, {cold.y.data(), m, m});
  solver.solve(batch.view(), later.view());
  EXPECT_TRUE(same_bits(cold.x.data() + n, later.x.data() + n, n));
  EXPECT_EQ(cold.report[1].iterations, later.report[1].iterations);
}

TEST(WarmStart, LeavesTheDerivativesOfTheLastSolve) {
  const auto batch = family(io::Family::qp, 20, 3, 11);
  const int n = batch.shape.n, m = batch.shape.m;
  Solver<double> solver(batch.shape, 3);
  Answers<double> a(batch.shape, 3);
  Gradients<double> before(batch.shape, 3), after(batch.shape, 3);
  const std::vector<double> ones(20, 1), start(60, 0.5);
  solver.solve(batch.view(), a.view());
  solver.backward({{ones.data(), n, 0}, {}}, before.view());
  solver.warm_start(3, {start.data(), n, n}, {a.y.data(), m, m});
  solver.backward({{ones.data(), n, 0}, {}}, after.view());
  EXPECT_TRUE(same_bits(before.q, after.q) && same_bits(before.P, after.P));
  EXPECT_TRUE(same_bits(before.A, after.A));
}

TEST(WarmStart, WithANaNIsIgnored) {
  const auto batch = family(io::Family::qp, 20, 3, 4);
  const int n = batch.shape.n, m = batch.shape.m;
  Solver<double> solver(batch.shape, 3);
  Answers<double> cold(batch.shape, 3), warm(batch.shape, 3);
  solver.solve(batch.view(), cold.view());
  auto x = cold.x;
  x[std::size_t(n)] = std::nan("");
  solver.warm_start(3, {x.data(), n, n}, {cold.y.data(), m, m});
  solver.solve(batch.view(), warm.view());
  EXPECT_TRUE(same_bits(cold.x.data() + n, warm.x.data() + n, n));
  expect_same_solution(cold, warm, 1e-8);
}

TEST(WarmStart, OfXOrYAloneGivesTheSameAnswer) {
  const auto batch = family(io::Family::dense_ineq, 15, 4, 5);
  const int n = batch.shape.n, m = batch.shape.m;
  Solver<double> solver(batch.shape, 4);
  Answers<double> cold(batch.shape, 4), warm(batch.shape, 4);
  solver.solve(batch.view(), cold.view());
  solver.warm_start(4, {cold.x.data(), n, n}, {});
  solver.solve(batch.view(), warm.view());
  expect_same_solution(cold, warm, 1e-8);
  solver.warm_start(4, {}, {cold.y.data(), m, m});
  solver.solve(batch.view(), warm.view());
  expect_same_solution(cold, warm, 1e-8);
}

/// Far from the solution: a bad start costs iterations, never the answer.
TEST(WarmStart, FarOffGivesTheSameAnswer) {
  const auto batch = family(io::Family::qp, 15, 4, 6);
  const int n = batch.shape.n, m = batch.shape.m;
  std::mt19937_64 engine(6);
  auto x = normals(std::size_t(4 * n), engine), y = normals(std::size_t(4 * m), engine);
  for (double& v : x) v *= 1000;
  for (double& v : y) v *= 1000;
  Solver<double> solver(batch.shape, 4);
  Answers<double> warm(batch.shape, 4);
  solver.warm_start(4, {x.data(), n, n}, {y.data(), m, m});
  solver.solve(batch.view(), warm.view());
  expect_same_solution(solve(batch), warm, 1e-7);
}

TEST(Restart, VectorsOnlyEqualsAFullSolve) {
  for (const auto f : {io::Family::qp, io::Family::box, io::Family::portfolio}) {
    SCOPED_TRACE(io::to_string(f));
    auto batch = family(f, 20, 8, 7);
    Solver<double> solver(batch.shape, 8);
    Answers<double> a(batch.shape, 8);
    solver.solve(batch.view(), a.view());
    for (double& q : batch.q) q *= -0.5;
    for (std::size_t i = 0; i < batch.u.size(); ++i) {  // as if x moved by 1/8: still feasible
      double shift = 0;
      for (std::size_t j = 0; j < 20; ++j) shift += 0.125 * batch.A[i * 20 + j];
      batch.u[i] += shift;
      if (batch.l[i] > -1e30) batch.l[i] += shift;
    }
    solver.solve(batch.view(), a.view(), Changed::vectors);
    const auto full = solve(batch);
    expect_same_solution(full, a, 1e-9);
    // Gradients, too, refer to the new solve.
    const std::vector<double> ones(20, 1);
    Gradients<double> g(batch.shape, 8), h(batch.shape, 8);
    solver.backward({{ones.data(), 20, 0}, {}}, g.view());
    Solver<double> fresh(batch.shape, 8);
    fresh.solve(batch.view(), {});
    fresh.backward({{ones.data(), 20, 0}, {}}, h.view());
    for (std::size_t i = 0; i < g.q.size(); ++i) ASSERT_NEAR(g.q[i], h.q[i], 1e-9);
    for (std::size_t i = 0; i < g.A.size(); ++i) ASSERT_NEAR(g.A[i], h.A[i], 1e-9);
  }
}

TEST(Restart, VectorsOnlyAfterABadVectorRecovers) {
  auto batch = family(io::Family::qp, 10, 3, 8);
  const auto expected = solve(batch);
  Solver<double> solver(batch.shape, 3);
  Answers<double> a(batch.shape, 3);
  const double q = batch.q[0];
  batch.q[0] = std::nan("");
  solver.solve(batch.view(), a.view());
  EXPECT_EQ(a.report[0].status, Status::invalid_input);
  batch.q[0] = q;
  solver.solve(batch.view(), a.view(), Changed::vectors);
  expect_same_solution(expected, a, 1e-9);
}

TEST(Restart, SharedMatricesWithVectorsOnly) {
  auto batch = family(io::Family::qp, 12, 5, 9);
  Problem<double> p = batch.view();
  p.P.stride = p.A.stride = 0;  // all problems have the matrices of the first
  Solver<double> solver(batch.shape, 5), fresh(batch.shape, 5);
  Answers<double> a(batch.shape, 5), b(batch.shape, 5);
  for (std::size_t i = 0; i < batch.u.size(); ++i) {  // and its sides, to stay feasible
    batch.u[i] = batch.u[i % std::size_t(batch.shape.m)];
    batch.l[i] = batch.l[i % std::size_t(batch.shape.m)];
  }
  solver.solve(p, a.view());
  for (double& q : batch.q) q += 0.25;
  solver.solve(p, a.view(), Changed::vectors);
  fresh.solve(p, b.view());
  expect_same_solution(b, a, 1e-9);
}

/// The factors that `vectors` refers to are those of the last solve, whatever came in between.
TEST(Restart, VectorsOnlyAfterDifferentiate) {
  for (const bool share : {false, true}) {
    SCOPED_TRACE(share ? "shared" : "own");
    auto batch = family(io::Family::qp, 10, 2, 12);
    const int n = batch.shape.n, m = batch.shape.m;
    Problem<double> p = batch.view();
    if (share) p.P.stride = p.A.stride = p.l.stride = p.u.stride = 0;
    Solver<double> solver(batch.shape, 2), fresh(batch.shape, 2);
    Answers<double> a(batch.shape, 2), expected(batch.shape, 2);
    fresh.solve(p, expected.view());
    solver.solve(p, a.view());
    std::vector<double> identity(100, 0);
    for (std::size_t j = 0; j < 10; ++j) identity[j * 11] = 1;
    KktPoint<double> point;
    point.batch = 1;
    point.P = {identity.data(), n, n, 0};
    point.A = {batch.A.data(), m, n, 0};
    point.x = {a.x.data(), n, 0};
    point.y = {a.y.data(), m, 0};
    solver.differentiate(point, nullptr);
    solver.solve(p, a.view(), Changed::vectors);
    expect_same_solution(expected, a, 1e-9);
    EXPECT_EQ(total_iterations(expected), total_iterations(a));
  }
}

/// A problem that the time limit kept from being factored has no factors to keep: the second of two
/// that go one by one, and those after the first pack.
TEST(Restart, VectorsOnlyAfterALateProblem) {
  for (const auto& [n, count] : {std::pair(60, 2), {10, 17}}) {
    const auto old = family(io::Family::qp, n, count, 13),
               now = family(io::Family::qp, n, count, 14);
    bool slow = false;
    Settings settings;
    settings.threads = 1;
    settings.time_limit = 0.3;
    settings.progress = [&](int finished, int) {
      if (slow && finished == 1) std::this_thread::sleep_for(std::chrono::milliseconds(400));
    };
    Solver<double> solver(old.shape, count, settings);
    Answers<double> a(old.shape, count);
    solver.solve(old.view(), a.view());
    slow = true;
    solver.solve(now.view(), a.view());
    ASSERT_EQ(a.report.back().status, Status::iteration_limit);
    slow = false;
    solver.solve(now.view(), a.view(), Changed::vectors);
    const auto expected = solve(now);
    expect_same_solution(expected, a, 1e-9);
    if (n == 60) {
      EXPECT_EQ(total_iterations(expected), total_iterations(a));
    }
  }
}

/// One factor for all, or one each: kept factors cannot change from the one to the other.
TEST(Restart, VectorsOnlyNeedsTheSameSharing) {
  const auto batch = family(io::Family::qp, 10, 2, 15);
  Problem<double> own = batch.view(), shared = own;
  shared.P.stride = shared.A.stride = 0;
  for (const bool from_shared : {true, false}) {
    Solver<double> solver(batch.shape, 2);
    solver.solve(from_shared ? shared : own, {});
    try {
      solver.solve(from_shared ? own : shared, {}, Changed::vectors);
      ADD_FAILURE() << "no exception";
    } catch (const InvalidArgument& e) {
      EXPECT_NE(std::string(e.what()).find("P.stride"), std::string::npos) << e.what();
    }
    solver.solve(from_shared ? shared : own, {}, Changed::vectors);  // still usable
  }
}

}  // namespace
}  // namespace bpqp::test
