/// \file
/// Where the shared test problems are. They are not part of the project: the environment variable
/// BPQP_TEST_DATA names their folder, and tests that need them skip themselves where it is missing.
#pragma once

#include <filesystem>
#include <optional>

namespace bpqp::test {

/// The folder that BPQP_TEST_DATA names, if it is set and there is such a folder.
std::optional<std::filesystem::path> test_data();

}  // namespace bpqp::test

/// Skips the running test with a message if there is no test data.
#define BPQP_NEEDS_TEST_DATA()                                                         \
  if (!::bpqp::test::test_data()) {                                                    \
    GTEST_SKIP() << "BPQP_TEST_DATA is not set to a folder of test problems; skipped"; \
  }                                                                                    \
  static_assert(true)
