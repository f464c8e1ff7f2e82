/// \file
/// The shared problem files (BPQP_TEST_DATA), read in place: expected answers and gradients.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/problem_file.hpp"
#include "support/batch.hpp"
#include "support/oracle.hpp"
#include "support/test_data.hpp"

namespace bpqp::test {

inline DenseProblem dense(const io::ProblemFile& f) {
  return {f.shape.n, f.shape.m, f.P, f.q, f.A, f.l, f.u, f.shape.cones};
}

/// Files of the folder, with n in (above, up_to].
inline std::vector<io::ProblemFile> shared_problems(
    const std::string& folder, int above, int up_to) {
  std::vector<io::ProblemFile> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(*test_data() / "problems" / folder)) {
    if (entry.path().string().find(".json") == std::string::npos) continue;
    auto file = io::read_problem_file(entry.path());
    if (file.shape.n > above && file.shape.n <= up_to && file.expect)
      files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return files;
}

/// Whether the status is among those of "a|b|c" (spaces allowed, "or" as in the index, too).
inline bool expected_status(const std::string& expected, Status status) {
  const std::string word = to_string(status);
  for (std::size_t at = expected.find(word); at != std::string::npos;
       at = expected.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool starts = at == 0 || expected[at - 1] == '|' || expected[at - 1] == ' ';
    if (starts && (end == expected.size() || expected[end] == '|' || expected[end] == ' '))
      return true;
  }
  return false;
}

/// Largest |got - expected| over max(1, ||expected||), infinity norm.
inline double relative_error(const std::vector<double>& got, const std::vector<double>& expected) {
  double error = 0, scale = 1;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::fabs(got[i] - expected[i]);
    error = (difference > error || difference != difference) ? difference : error;
    scale = std::max(scale, std::fabs(expected[i]));
  }
  return error / scale;
}

inline void check_adjoint(
    const io::ProblemFile& f, Solver<double>& solver, const Answers<double>& answers) {
  const io::ExpectedAdjoint& expected = *f.expect->adjoint;
  EXPECT_TRUE(answers.report[0].differentiable);
  Gradients<double> g(f.shape, 1);
  solver.backward({{expected.g.data(), f.shape.n, 0}, {}}, g.view());
  std::vector<double> sides = g.l;
  for (std::size_t i = 0; i < sides.size(); ++i) sides[i] += g.u[i];
  EXPECT_LE(relative_error(g.q, expected.dq), 1e-5) << "dq";
  EXPECT_LE(relative_error(sides, expected.dlu), 1e-5) << "dl + du";
  EXPECT_LE(relative_error(g.P, expected.dP), 1e-5) << "dP";
  EXPECT_LE(relative_error(g.A, expected.dA), 1e-5) << "dA";
}

/// Status as expected; where solved, relative residuals <= 1e-6 by the oracle, the objective within
/// the file's tolerance, and the expected gradient; certificates where there is none.
inline void check_shared_problem(const io::ProblemFile& f) {
  SCOPED_TRACE(f.path.filename().string());
  const DenseProblem p = dense(f);
  const Batch<double> batch(p);
  Solver<double> solver(f.shape, 1);
  Answers<double> a(f.shape, 1);
  solver.solve(batch.view(), a.view());
  const Status status = a.report[0].status;
  EXPECT_TRUE(expected_status(f.expect->status, status))
      << to_string(status) << ", expected " << f.expect->status;
  if (status == Status::solved) {
    const KktErrors e = kkt_errors(p, a.x_of(0), a.y_of(0));
    EXPECT_LE(double(e.primal_relative()), 1e-6);
    EXPECT_LE(double(e.dual_relative()), 1e-6);
    EXPECT_LE(double(e.gap_relative()), 1e-6);
    if (f.expect->objective) {
      EXPECT_NEAR(
          double(e.objective) + f.r, *f.expect->objective,
          f.expect->tolerance.value_or(1e-6 * (1 + std::fabs(*f.expect->objective))));
    }
    if (f.expect->adjoint) check_adjoint(f, solver, a);
  } else if (status == Status::primal_infeasible && a.y_of(0) && !std::isnan(a.y[0])) {
    const PrimalCertificate c = primal_certificate(p, a.y_of(0));
    EXPECT_NEAR(double(c.h), -1, 1e-8);
    EXPECT_LE(double(c.Aty), 1e-8);
    EXPECT_LE(double(c.wrong_side), f.shape.cones.empty() ? 0 : 1e-8);
  } else if (status == Status::dual_infeasible) {
    const DualCertificate c = dual_certificate(p, a.x_of(0));
    EXPECT_NEAR(double(c.qd), -1, 1e-8);
    EXPECT_LE(double(c.Pd), 1e-8);
    EXPECT_LE(double(c.rows), 1e-8);
  }
}

/// Checks all files of a folder with n in (above, up_to].
inline void check_folder(const std::string& folder, int above, int up_to) {
  BPQP_NEEDS_TEST_DATA();
  int checked = 0, adjoints = 0;
  for (const auto& f : shared_problems(folder, above, up_to)) {
    check_shared_problem(f);
    ++checked;
    adjoints += f.expect->adjoint.has_value();
  }
  std::printf("%s: checked %d problems, %d gradients\n", folder.c_str(), checked, adjoints);
  EXPECT_GT(checked, 0);
}

}  // namespace bpqp::test
