#include "api/allocation.hpp"

#include <cstdlib>

#include "support/ragged_batch.hpp"

namespace bpqp::test {
namespace {

TEST(Allocations, AreCounted) {
  if (!counts_allocations()) GTEST_SKIP() << "not counted in sanitizer builds";
  const auto before = allocations();
  void* volatile a = std::malloc(10);
  void* volatile b = std::calloc(2, 10);
  b = std::realloc(b, 50);
  void* volatile c = std::aligned_alloc(64, 64);
  auto* volatile d = new int[3];
  EXPECT_EQ(allocations() - before, 5u);
  std::free(a);
  std::free(b);
  std::free(c);
  delete[] d;
}

TEST(Allocations, NoneAfterConstructionAt10) {
  expect_no_allocation(10, 64, {});
}
TEST(Allocations, NoneAfterConstructionAt100) {
  expect_no_allocation(100, 8, {});
}
TEST(Allocations, NoneAfterConstructionAt500) {
  expect_no_allocation(500, 1, {});
}
TEST(Allocations, NoneAfterConstructionOnOneThread) {
  expect_no_allocation(30, 16, {.threads = 1});
}
TEST(Allocations, NoneAfterConstructionWithBackwardByAdmm) {
  expect_no_allocation(30, 16, {.backward_method = BackwardMethod::admm});
}

TEST(Allocations, NoneAfterConstructionOfARaggedSolver) {
  if (!counts_allocations()) GTEST_SKIP() << "not counted in sanitizer builds";
  auto problems = problems_of(io::Family::qp, {.n = 10}, 40, 1);
  for (const int n : {12, 70, 520})  // the last by all threads
    for (const DenseProblem& p : problems_of(io::Family::qp, {.n = n}, 1, 2)) problems.push_back(p);
  RaggedBatch<double> batch(problems);
  RaggedResults<double> results(batch);
  RaggedSolver<double> solver(batch.shapes);
  const auto before = allocations();
  for (int round = 0; round < 2; ++round)
    call_all(solver, batch, results, [](auto& v) { return v.data(); });
  solver.reports();
  EXPECT_EQ(allocations() - before, 0u);
  for (const Report& report : results.reports) EXPECT_EQ(report.status, Status::solved);
}

}  // namespace
}  // namespace bpqp::test
