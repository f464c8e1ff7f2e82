/// \file
/// Runs the command in a process of its own, as a user would.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sys/wait.h>

namespace bpqp::test {

struct CommandResult {
  int exit_code;
  std::string out, err;

  /// stdout as one JSON value per line.
  std::vector<nlohmann::json> json() const {
    std::vector<nlohmann::json> values;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);)
      values.push_back(nlohmann::json::parse(line));
    return values;
  }
};

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A folder of its own for each test, which is also where the command runs.
class CommandTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("bpqp_") + test->test_suite_name() + "_" + test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "in");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// `arguments` go through the shell; paths are relative to the folder in/.
  CommandResult run(const std::string& arguments) const {
    const auto out = folder_ / "out.txt", err = folder_ / "err.txt";
    const std::string line = "cd '" + (folder_ / "in").string() + "' && '" BPQP_COMMAND "' " +
                             arguments + " >'" + out.string() + "' 2>'" + err.string() + "'";
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(out), text_of(err)};
  }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_ / "in" / name).parent_path());
    std::ofstream(folder_ / "in" / name, std::ios::binary) << text;
  }

  std::filesystem::path folder_;
};

}  // namespace bpqp::test
