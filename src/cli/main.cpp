// The command bpqp: see `bpqp --help`.
#include <exception>
#include <iostream>
#include <new>

#include <CLI/CLI.hpp>

#include "bpqp/bpqp.hpp"
#include "cli/commands.hpp"
#include "cli/common.hpp"

namespace {

constexpr const char* kFooter = R"(
Examples:
  bpqp solve problem.json                solve one problem
  bpqp solve problems/ --json            a folder, files of one shape as one batch
  bpqp gradient problem.json --json      how the solution answers to its data
  bpqp gradcheck problems/               those gradients against differences
  bpqp bench --family qp --n 100 --eq 20 --ineq 20 --batch 256 --backward
  bpqp info                              what this build can do here
'bpqp COMMAND --help' explains one command and shows the format of the files.

Exit codes: 0 all problems answered (infeasible and unbounded are answers too), 1 bad usage or
input, 2 some problems not answered.)";

// CLI11 has exit codes and a multi-line format of its own; ours are one line and 1.
int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string message = error.what();
  for (char& c : message) {
    if (c == '\n') c = ' ';
  }
  if (app.get_subcommands().empty()) {
    const auto unknown = app.remaining();
    message = unknown.empty() ? "no command given" : "unknown command or option: " + unknown[0];
    message += "; expected solve, gradient, gradcheck, bench or info";
  }
  std::string command = "bpqp";
  for (const CLI::App* chosen : app.get_subcommands()) command += " " + chosen->get_name();
  bpqp::cli::complain(message + " (see '" + command + " --help')");
  return 1;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Solves batches of small convex problems and differentiates their solutions.", "bpqp");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", "bpqp " + bpqp::capabilities().version);
  app.get_formatter()->column_width(26);
  int exit_code = 0;
  bpqp::cli::add_solve(app, exit_code);
  bpqp::cli::add_gradient(app, exit_code);
  bpqp::cli::add_gradcheck(app, exit_code);
  bpqp::cli::add_bench(app, exit_code);
  bpqp::cli::add_info(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return usage_error(app, error);
  }
  std::cout.flush();
  if (!std::cout) {
    bpqp::cli::complain("stdout: the output could not be written");
    return 1;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    bpqp::cli::complain("not enough memory");
  } catch (const std::exception& error) {  // InvalidArgument and DeviceError say it in one line
    bpqp::cli::complain(error.what());
  }
  return 1;
}
