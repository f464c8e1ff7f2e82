#include "api/active_sets.hpp"

namespace bpqp::test {
namespace {

TEST(ActiveSets, OfQpAreRight) {
  check_family(io::Family::qp, 100, 5);
}
TEST(ActiveSets, OfBoxAreRight) {
  check_family(io::Family::box, 100, 5);
}
TEST(ActiveSets, OfPortfolioAreRight) {
  check_family(io::Family::portfolio, 100, 5);
}
TEST(ActiveSets, OfDenseInequalitiesAreRight) {
  check_family(io::Family::dense_ineq, 100, 5);
}

}  // namespace
}  // namespace bpqp::test
