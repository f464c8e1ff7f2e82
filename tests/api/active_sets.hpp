/// \file
/// Promise 2: active sets after solve against the oracle's, on random problems.
#pragma once

#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/oracle.hpp"

namespace bpqp::test {

/// How often what was seen.
struct ActiveSetCount {
  int problems = 0, differentiable = 0, undecided = 0;
};

/// A batch of one size against the oracle: every active set right, or reported not differentiable.
/// Equalities are always active, and their side follows the sign of a y that may be 0. A problem
/// whose set even the oracle sees only within 1e-10 of another is undecided: its set may be either.
inline void check_active_sets(
    io::Family family, int n, int batch, std::uint64_t seed, ActiveSetCount& count) {
  const auto generated = io::generate(family, {.n = n, .batch = batch, .seed = seed});
  Solver<double> solver(generated.shape, batch);
  Answers<double> a(generated.shape, batch);
  solver.solve(generated.view(), a.view());
  for (int b = 0; b < batch; ++b) {
    SCOPED_TRACE(
        std::string(io::to_string(family)) + ", n " + std::to_string(n) + ", seed " +
        std::to_string(seed) + ", problem " + std::to_string(b));
    const DenseProblem p = problem_of(generated, b);
    const Report& r = a.report[std::size_t(b)];
    EXPECT_EQ(r.status, Status::solved) << to_string(r.status);
    ++count.problems;
    count.differentiable += r.differentiable;
    const ExactSolution exact = solve_by_interior_point(p);
    EXPECT_TRUE(exact.found) << "the oracle's KKT error is " << double(exact.errors.worst());
    if (!r.differentiable || !exact.found) continue;
    if (exact.separation < 1e-10L) {
      ++count.undecided;
      continue;
    }
    EXPECT_TRUE(exact.independent);
    std::string wrong;
    for (int i = 0; i < p.m; ++i) {
      const int got = a.active[std::size_t(b * p.m + i)], expected = exact.side[std::size_t(i)];
      if (p.is_equality(i) ? got == 0 : got != expected)
        wrong.append(" ").append(std::to_string(i));
    }
    EXPECT_EQ(wrong, "") << "rows; separation " << double(exact.separation);
  }
}

/// `total` problems of a family with n from 5 to 100, in batches of one size.
inline void check_family(io::Family family, int total, int batch) {
  ActiveSetCount count;
  for (int k = 0; k < total / batch; ++k)
    check_active_sets(family, 5 + k * 95 / (total / batch - 1), batch, std::uint64_t(k + 1), count);
  EXPECT_EQ(count.problems, total);
  // "not differentiable" must not be an excuse: degenerate problems have probability 0 here.
  EXPECT_GE(count.differentiable, total * 99 / 100);
  EXPECT_LE(count.undecided, total / 1000);
  std::printf(
      "%s: %d problems, %d differentiable, %d undecided\n", io::to_string(family), count.problems,
      count.differentiable, count.undecided);
}

}  // namespace bpqp::test
