#include "api/shared_problems.hpp"

namespace bpqp::test {
namespace {

const std::vector<std::string> kClasses{"qp", "mpc", "unit", "app", "patho"};
constexpr int kLarge = 500;  // variables; larger ones are in shared_problems_large_test.cpp

TEST(SharedProblems, OfEveryClassAreAnsweredAsExpected) {
  BPQP_NEEDS_TEST_DATA();
  int checked = 0, adjoints = 0;
  for (const auto& f : shared_problems(kClasses, 0, kLarge)) {
    if (!is_required(f)) continue;
    check_shared_problem(f);
    ++checked;
    adjoints += f.expect->adjoint.has_value();
  }
  std::printf("checked %d problems, %d gradients\n", checked, adjoints);
  EXPECT_GT(checked, 80);
}

TEST(SharedProblems, InfeasibleLinearProgramsAreFound) {
  BPQP_NEEDS_TEST_DATA();
  for (const auto& f : shared_problems({"lp"}, 0, kLarge))
    if (f.expect->status != "solved") check_shared_problem(f);
}

/// No figure to meet: counts what is answered among P >= 0 and linear programs, but an answer
/// claimed must be one.
TEST(SharedProblems, WithSingularPThatAreCalledSolvedAreSolved) {
  BPQP_NEEDS_TEST_DATA();
  int all = 0, solved = 0;
  auto classes = kClasses;
  classes.push_back("lp");
  for (const auto& f : shared_problems(classes, 0, 200)) {
    if (is_required(f)) continue;
    SCOPED_TRACE(f.name);
    const DenseProblem p = dense(f);
    const auto a = solve(Batch<double>(p));
    ++all;
    if (a.report[0].status != Status::solved) {
      EXPECT_LE(a.report[0].status, Status::numerical_error) << to_string(a.report[0].status);
      continue;
    }
    ++solved;
    EXPECT_LE(double(kkt_errors(p, a.x_of(0), a.y_of(0)).worst()), 2e-6);
  }
  std::printf("solved %d of %d with singular P\n", solved, all);
}

}  // namespace
}  // namespace bpqp::test
