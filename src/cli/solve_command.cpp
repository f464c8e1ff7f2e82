// bpqp solve: answers.
#include <array>
#include <cmath>
#include <iostream>

#include "cli/batch.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

namespace bpqp::cli {
namespace {

constexpr const char* kFooter = R"(
A problem file is one JSON object:
  minimise 1/2 x'P x + q'x + r  subject to  l <= A x <= u, cones on the last rows
  {"name": "two", "n": 2, "m": 1,
   "P": {"rows": 2, "cols": 2, "i": [0, 1], "j": [0, 1], "v": [1, 1]}, "q": [-1, -1],
   "A": {"rows": 1, "cols": 2, "i": [0, 0], "j": [0, 1], "v": [1, 1]}, "l": [-1e30], "u": [1]}
P (the full symmetric matrix) and A are lists of entries counted from 0. +-1e30 is infinite, l = u an
equality; bounds on variables are rows of A. Optional: name, r, g (see 'bpqp gradient'), and cones:
sizes of second-order cones on the last rows, in order, where u - A x = (t, v) has t >= |v| and l is
not read.

Examples:
  bpqp solve problem.json
  bpqp solve monday.json.gz tuesday.json.gz --eps 1e-8
  bpqp solve lp.json --method interior_point
  bpqp solve problems/ --json | jq -c '[.name, .status, .objective]'
The residuals in the table are relative ones, recomputed from the data in the file.)";

// y proves that no point satisfies the rows, x that the objective has no lower bound.
std::vector<double> certificate(
    Status status, const std::vector<double>& x, const std::vector<double>& y) {
  const auto& vector = status == Status::primal_infeasible ? y : x;
  if (status != Status::primal_infeasible && status != Status::dual_infeasible) return {};
  for (const double v : vector) {
    if (std::isnan(v)) return {};
  }
  return vector;
}

Json to_json(
    const io::ProblemFile& file,
    const Report& report,
    const std::vector<double>& x,
    const std::vector<double>& y) {
  const auto proof = certificate(report.status, x, y);
  return {
      {"name", file.name},
      {"n", file.shape.n},
      {"m", file.shape.m},
      {"status", to_string(report.status)},
      {"objective", report.objective + file.r},
      {"primal_residual", report.primal_residual},
      {"dual_residual", report.dual_residual},
      {"gap", report.gap},
      {"primal_residual_relative", report.primal_residual_relative},
      {"dual_residual_relative", report.dual_residual_relative},
      {"gap_relative", report.gap_relative},
      {"iterations", report.iterations},
      {"exchanges", report.exchanges},
      {"method",
       report.method == Method::automatic ? Json(nullptr) : Json(to_string(report.method))},
      {"x", json_vector(x)},
      {"y", json_vector(y)},
      {"certificate", proof.empty() ? Json(nullptr) : json_vector(proof)},
      {"seconds", report.seconds}};
}

std::string header(std::size_t width) {
  return padded("problem", width) + format(
                                        "  %5s %5s  %-17s  %16s  %7s %7s %7s  %-14s %5s %5s  %9s\n",
                                        "n", "m", "status", "objective", "primal", "dual", "gap",
                                        "method", "iter", "exch", "time");
}

std::string row(const io::ProblemFile& file, const Report& r, std::size_t width) {
  const double objective = r.objective + file.r;
  return padded(file.name, width) +
         format(
             "  %5d %5d  %-17s  %16s  %7s %7s %7s  %-14s %5d %5d  %9s\n", file.shape.n,
             file.shape.m, to_string(r.status),
             std::isnan(objective) ? "-" : format("%.10g", objective).c_str(),
             short_number(r.primal_residual_relative).c_str(),
             short_number(r.dual_residual_relative).c_str(), short_number(r.gap_relative).c_str(),
             r.method == Method::automatic ? "-" : to_string(r.method), r.iterations, r.exchanges,
             duration(r.seconds).c_str());
}

std::string details(Status status, const std::vector<double>& x, const std::vector<double>& y) {
  const auto proof = certificate(status, x, y);
  if (!proof.empty()) {
    const char* which = status == Status::primal_infeasible ? "y" : "direction in x";
    return std::string("  certificate (") + which + "): " + first_entries(proof) + "\n";
  }
  return "  x: " + first_entries(x) + "\n  y: " + first_entries(y) + "\n";
}

// "3 solved, 1 primal_infeasible"
std::string summary(const std::array<int, 8>& counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(counts[i]) + " " + to_string(Status(i));
  }
  return text.empty() ? text : text + "\n";
}

template <class R>
int solve_files(
    const std::vector<std::string>& paths, const CommonOptions& common, double time_limit) {
  check_options(common);
  Settings settings = to_settings(common);
  settings.gradients = false;
  settings.time_limit = time_limit;
  ProblemSet set(paths);
  Outcome outcome;
  if (set.faults() > 0) outcome.add_fault();
  const std::size_t width = set.name_width();
  OrderedOutput output(common.json ? "" : header(width));
  std::array<int, 8> counts{};

  const auto answer = [&](Solver<R>&, Batch<R>& batch) {
    for (int b = 0; b < batch.size(); ++b) {
      const auto& file = batch.files[std::size_t(b)];
      const auto& report = batch.reports[std::size_t(b)];
      const auto x = slice(batch.x, b, file.shape.n), y = slice(batch.y, b, file.shape.m);
      std::string text =
          common.json ? json_line(to_json(file, report, x, y)) : row(file, report, width);
      if (!common.json && set.size() == 1) text += details(report.status, x, y);
      output.put(batch.members[std::size_t(b)], std::move(text));
      outcome.add(report.status);
      ++counts.at(std::size_t(report.status));
    }
  };
  const auto refuse = [&](int index, const std::string& message) {
    complain(set.path(index).string() + ": " + message);
    outcome.add_fault();
    output.put(index, "");
  };
  solve_all<R>(set, settings, answer, refuse);
  if (!common.json && set.size() > 1) std::cout << summary(counts);
  return outcome.exit_code();
}

}  // namespace

void add_solve(CLI::App& app, int& exit_code) {
  struct Options {
    std::vector<std::string> files;
    double time_limit = 0;
    CommonOptions common;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("solve", "Solve problem files");
  command->footer(kFooter);
  add_files(*command, options->files);
  command
      ->add_option(
          "--time-limit", options->time_limit,
          "Seconds for the files of one shape together; what is not solved then is not answered")
      ->check(positive_number())
      ->type_name("S");
  add_common_options(*command, options->common);
  command->callback([options, &exit_code] {
    const auto& [files, time_limit, common] = *options;
    exit_code = common.is_float() ? solve_files<float>(files, common, time_limit)
                                  : solve_files<double>(files, common, time_limit);
  });
}

}  // namespace bpqp::cli
