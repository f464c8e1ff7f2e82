#include "api/shared_problems.hpp"

namespace bpqp::test {
namespace {

constexpr int kLarge = 300, kAny = 1 << 30;

TEST(SharedProblemsLarge, QuadraticProgramsAreAnsweredAsExpected) {
  check_folder("qp", kLarge, kAny);
}

TEST(SharedProblemsLarge, LinearProgramsAreAnsweredAsExpected) {
  check_folder("lp", kLarge, kAny);
}

TEST(SharedProblemsLarge, ConeProgramsAreAnsweredAsExpected) {
  check_folder("socp", kLarge, kAny);
}

TEST(SharedProblemsLarge, SmallOnesWithKnownAnswersAreAnsweredAsExpected) {
  check_folder("unit", kLarge, kAny);
}

TEST(SharedProblemsLarge, PathologicalOnesAreAnsweredAsExpected) {
  check_folder("patho", kLarge, kAny);
}

TEST(SharedProblemsLarge, ApplicationsAreAnsweredAsExpected) {
  check_folder("app", kLarge, kAny);
}

}  // namespace
}  // namespace bpqp::test
