#include "api/shared_problems.hpp"

namespace bpqp::test {
namespace {

TEST(SharedProblems, OfMoreThan500VariablesAreAnsweredAsExpected) {
  BPQP_NEEDS_TEST_DATA();
  int checked = 0;
  for (const auto& f : shared_problems({"qp", "mpc", "unit", "app", "patho"}, 500, 1 << 30)) {
    if (!is_required(f)) continue;
    check_shared_problem(f);
    ++checked;
  }
  std::printf("checked %d problems\n", checked);
}

}  // namespace
}  // namespace bpqp::test
