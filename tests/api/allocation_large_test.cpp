#include "api/allocation.hpp"

namespace bpqp::test {
namespace {

TEST(Allocations, NoneAfterConstructionAt3000) {
  expect_no_allocation(3000, 1, {});
}

}  // namespace
}  // namespace bpqp::test
