#include "api/active_sets.hpp"

namespace bpqp::test {
namespace {

TEST(ActiveSets, Of2500QpAreRight) {
  check_family(io::Family::qp, 2500, 25);
}
TEST(ActiveSets, Of2500BoxAreRight) {
  check_family(io::Family::box, 2500, 25);
}
TEST(ActiveSets, Of2500PortfolioAreRight) {
  check_family(io::Family::portfolio, 2500, 25);
}
TEST(ActiveSets, Of2500DenseInequalitiesAreRight) {
  check_family(io::Family::dense_ineq, 2500, 25);
}

}  // namespace
}  // namespace bpqp::test
