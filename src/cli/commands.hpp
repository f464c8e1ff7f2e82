/// \file
/// The subcommands. Each `add_...` declares the options of one; when it was chosen, `exit_code`
/// holds what it came to.
#pragma once

#include <CLI/CLI.hpp>

namespace bpqp::cli {

void add_solve(CLI::App& app, int& exit_code);
void add_gradient(CLI::App& app, int& exit_code);
void add_gradcheck(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_info(CLI::App& app, int& exit_code);

}  // namespace bpqp::cli
