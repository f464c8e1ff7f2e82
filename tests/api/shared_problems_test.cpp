#include "api/shared_problems.hpp"

namespace bpqp::test {
namespace {

constexpr int kLarge = 300;  // variables; larger ones are in shared_problems_large_test.cpp

TEST(SharedProblems, QuadraticProgramsAreAnsweredAsExpected) {
  check_folder("qp", 0, kLarge);
}

TEST(SharedProblems, LinearProgramsAreAnsweredAsExpected) {
  check_folder("lp", 0, kLarge);
}

TEST(SharedProblems, ConeProgramsAreAnsweredAsExpected) {
  check_folder("socp", 0, kLarge);
}

TEST(SharedProblems, ControlProblemsAreAnsweredAsExpected) {
  check_folder("mpc", 0, kLarge);
}

TEST(SharedProblems, SmallOnesWithKnownAnswersAreAnsweredAsExpected) {
  check_folder("unit", 0, kLarge);
}

TEST(SharedProblems, PathologicalOnesAreAnsweredAsExpected) {
  check_folder("patho", 0, kLarge);
}

TEST(SharedProblems, ApplicationsAreAnsweredAsExpected) {
  check_folder("app", 0, kLarge);
}

}  // namespace
}  // namespace bpqp::test
