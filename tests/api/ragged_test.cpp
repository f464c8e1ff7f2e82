// Ragged batches: each problem has the bits that a Solver of its own gives, at its place.
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "support/counting_allocator.hpp"
#include "support/ragged_batch.hpp"
#include "support/refusal.hpp"

namespace bpqp::test {
namespace {

TEST(Ragged, PlacesAreThoseOfGroupsInTheOrderOfTheirFirstProblems) {
  const Shape a{.n = 2, .m = 3}, b{.n = 4, .m = 1}, c{.n = 2, .m = 3, .cones = {2}};
  const auto places = ragged_places({b, a, b, c, a});
  const int index[] = {0, 2, 1, 4, 3, 5};
  const std::int64_t P[] = {0, 32, 16, 40, 36, 44}, A[] = {0, 8, 4, 20, 14, 26},
                     x[] = {0, 8, 4, 12, 10, 14}, y[] = {0, 2, 1, 8, 5, 11};
  ASSERT_EQ(places.size(), 6u);
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_EQ(places[i].index, index[i]) << i;
    EXPECT_EQ(places[i].P, P[i]) << i;
    EXPECT_EQ(places[i].A, A[i]) << i;
    EXPECT_EQ(places[i].x, x[i]) << i;
    EXPECT_EQ(places[i].y, y[i]) << i;
  }
  const auto grouped = ragged_places({a, a, b, c, c});
  for (int i = 0; i < 6; ++i) EXPECT_EQ(grouped[std::size_t(i)].index, i);
}

/// Of many shapes, shuffled: in packs and one by one, with cones and without rows, one that is
/// infeasible, and one that all threads share.
std::vector<DenseProblem> mixed(bool with_large) {
  std::vector<DenseProblem> all;
  const auto add = [&all](std::vector<DenseProblem> some) {
    all.insert(all.end(), some.begin(), some.end());
  };
  add(problems_of(io::Family::qp, {.n = 10, .eq = 5, .ineq = 5}, 37, 1));
  add(problems_of(io::Family::qp, {.n = 11, .eq = 2, .ineq = 5}, 1, 2));
  add(problems_of(io::Family::qp, {.n = 64, .eq = 10, .ineq = 20}, 5, 3));
  add(problems_of(io::Family::dense_ineq, {.n = 8, .eq = 0, .ineq = 16}, 20, 4));
  add(problems_of(io::Family::socp, {.n = 10, .eq = 4}, 3, 5));
  add(problems_of(io::Family::lp, {.n = 10, .eq = 5, .ineq = 5}, 2, 6));
  add({random_primal_infeasible(10, 10, 7)});
  DenseProblem free;
  free.n = 2, free.m = 0;
  free.P = {2, 0, 0, 4}, free.q = {2, 4};
  add({free, free});
  if (with_large) add(problems_of(io::Family::qp, {.n = 400, .eq = 60, .ineq = 60}, 1, 8));
  std::shuffle(all.begin(), all.end(), std::mt19937_64(9));
  return all;
}

template <class R>
void expect_own_bits(const std::vector<DenseProblem>& problems, const Settings& settings) {
  RaggedBatch<R> batch(problems);
  RaggedSolver<R> solver(batch.shapes, settings);
  RaggedResults<R> results(batch);
  call_all(solver, batch, results, [](auto& v) { return v.data(); });
  expect_as_alone(batch, results, [](const Shape& shape) { return Solver<R>(shape, 1); });
  for (std::size_t b = 0; b < results.reports.size(); ++b)
    EXPECT_EQ(solver.reports()[b].status, results.reports[b].status);
}

TEST(Ragged, EachProblemHasTheBitsOfASolverOfItsOwnWhateverTheThreads) {
  for (const int threads : {1, 2, 0}) {
    SCOPED_TRACE(std::to_string(threads) + " threads");
    expect_own_bits<double>(mixed(threads == 2), {.threads = threads});
  }
}

TEST(Ragged, TakesDataInFloat) {
  expect_own_bits<float>(mixed(false), {.threads = 2});
}

TEST(Ragged, OutputsThatAreNotWantedAreNotWritten) {
  RaggedBatch<double> batch(mixed(false));
  RaggedSolver<double> solver(batch.shapes);
  RaggedResults<double> all(batch), some(batch);
  solver.solve(batch.view(), {all.x.data(), all.y.data(), nullptr, nullptr});
  solver.solve(batch.view(), {some.x.data(), nullptr, nullptr, nullptr});
  EXPECT_TRUE(same_bits(some.x, all.x));
  solver.backward({batch.g_x.data(), nullptr}, {.P = all.dP.data(), .q = all.dq.data()});
  solver.backward({batch.g_x.data(), nullptr}, {.q = some.dq.data()});
  EXPECT_TRUE(same_bits(some.dq, all.dq));
  solver.backward({}, {});
}

TEST(Ragged, BytesAreKnownBeforehandAndComeFromTheAllocator) {
  const RaggedBatch<double> batch(mixed(false));
  for (const int threads : {1, 2}) {
    Settings settings{.threads = threads};
    const auto allocator = std::make_shared<CountingAllocator>();
    settings.allocator = allocator;
    const std::size_t needed = RaggedSolver<double>::bytes_needed(batch.shapes, settings);
    EXPECT_EQ(allocator->calls, 0);
    {
      const RaggedSolver<double> solver(batch.shapes, settings);
      EXPECT_EQ(solver.bytes(), needed);
      EXPECT_LE(allocator->bytes, needed);
      EXPECT_GT(allocator->bytes, needed / 2);
    }
    EXPECT_TRUE(allocator->blocks.empty());
    EXPECT_EQ(allocator->wrong_returns, 0);
  }
}

TEST(Ragged, WrongCallsNameTheArgument) {
  using Ragged = RaggedSolver<double>;
  const auto begins = [](const std::string& message, const std::string& with) {
    EXPECT_EQ(message.find(with), 0u) << message;
  };
  const Shape good{.n = 2, .m = 1};
  begins(refusal([] { Ragged({}); }), "shapes: expected at least one");
  begins(refusal([&] { Ragged({good, {.n = 0, .m = 1}}); }), "shapes[1]: shape.n: expected");
  begins(refusal([&] { ragged_places({{.n = 2, .m = -1}}); }), "shapes[0]: shape.m: expected");
  begins(refusal([&] { Ragged({good}, {.eps_abs = -1}); }), "eps_abs: expected");
  begins(refusal([&] { Ragged({good}, {.time_limit = 1}); }), "time_limit: expected 0");
  begins(refusal([&] { Ragged({good}, {.log = [](const std::string&) {}}); }), "log: expected");
  begins(refusal([&] { Ragged({good}, {.progress = [](int, int) {}}); }), "progress: expected");
  Ragged solver({good, {.n = 3, .m = 0}});
  const double v[20] = {};
  double x[5];
  begins(refusal([&] { solver.solve({v, nullptr, v, v, v}, {}); }), "q: expected");
  begins(refusal([&] { solver.solve({v, v, nullptr, v, v}, {}); }), "A: expected");
  begins(refusal([&] { solver.solve({v, v, v, v, nullptr}, {}); }), "u: expected");
  begins(refusal([&] { solver.backward({}, {}); }), "backward: expected a call of solve");
  begins(
      refusal([&] {
        solver.solve({v, v, v, v, v}, {}, Changed::vectors);
      }),
      "changed: expected everything in the first solve");
  Ragged forward({good}, {.gradients = false});
  begins(refusal([&] { forward.warm_start(v, v); }), "warm_start: expected Settings::gradients");
  begins(refusal([&] { forward.jvp({}, {x, nullptr}); }), "jvp: expected Settings::gradients");
  Ragged without_rows({{.n = 2, .m = 0}});
  const double P[] = {1, 0, 0, 1}, q[] = {-1, -2};
  without_rows.solve({P, q, nullptr, nullptr, nullptr}, {.x = x});
  EXPECT_NEAR(x[1], 2, 1e-12);
}

}  // namespace
}  // namespace bpqp::test
