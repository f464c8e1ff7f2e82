// The public headers' version is the project's, and a user needs no other include than bpqp.hpp.
#include <gtest/gtest.h>

#include <bpqp/bpqp.hpp>

namespace {

TEST(House, VersionOfTheHeadersIsThatOfTheBuild) {
  const std::string version = std::to_string(BPQP_VERSION_MAJOR) + "." +
                              std::to_string(BPQP_VERSION_MINOR) + "." +
                              std::to_string(BPQP_VERSION_PATCH);
  EXPECT_EQ(bpqp::capabilities().version, version);
}

TEST(House, ErrorsKeepTheirTypeAcrossTheLibrary) {
  EXPECT_THROW(bpqp::Solver<double>({.n = 0, .m = 0, .cones = {}}, 1), bpqp::InvalidArgument);
}

}  // namespace
