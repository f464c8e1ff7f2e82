#include "support/test_data.hpp"

#include <cstdlib>

namespace bpqp::test {

std::optional<std::filesystem::path> test_data() {
  const char* folder = std::getenv("BPQP_TEST_DATA");
  if (!folder || !*folder || !std::filesystem::is_directory(folder)) return std::nullopt;
  return std::filesystem::path(folder);
}

}  // namespace bpqp::test
