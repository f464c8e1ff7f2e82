/// \file
/// What all subcommands share: the common options, the exit code, and what goes to stderr.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bpqp/settings.hpp"
#include "bpqp/status.hpp"

namespace bpqp::cli {

/// The common options as given.
struct CommonOptions {
  std::string method = "auto";
  std::string backward_method = "direct";
  double eps = 1e-6;
  std::string device = "auto";
  std::string precision = "double";
  int threads = 0;
  bool json = false;

  bool is_float() const { return precision == "float"; }
};

/// Adds them to a subcommand; `options` must outlive the parsing.
void add_common_options(CLI::App& command, CommonOptions& options);
/// Adds the positional FILE...
void add_files(CLI::App& command, std::vector<std::string>& files);

/// The library's settings for these options. `--precision float` is not in them: it is the type of
/// the Solver.
Settings to_settings(const CommonOptions& options);

/// Throws InvalidArgument or DeviceError for options that this build cannot serve, before any file
/// is read.
void check_options(const CommonOptions& options);

/// Checks of an option's text, whose message is "given X, expected ...".
CLI::Validator positive_number();
CLI::Validator non_negative_number();
CLI::Validator whole_number(int least, int most = 1000000000);

/// One line on stderr: "bpqp: message".
void complain(const std::string& message);

/// The exit code: 0 all answered, 1 bad usage or input, 2 some not answered.
class Outcome {
 public:
  void add(Status status);
  void add_fault() { faults_ = true; }
  int exit_code() const { return faults_ ? 1 : unanswered_ ? 2 : 0; }

 private:
  bool faults_ = false;
  bool unanswered_ = false;
};

}  // namespace bpqp::cli
