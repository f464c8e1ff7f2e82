// bpqp gradcheck: gradients against central differences.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

#include "cli/backward.hpp"
#include "cli/commands.hpp"
#include "cli/differences.hpp"
#include "cli/output.hpp"

namespace bpqp::cli {
namespace {

constexpr const char* kFooter = R"(
The gradient of g'x (see 'bpqp gradient --help'), multiplied by random directions in P, q, A, l and u
together, against central differences of solves to 1e-10 on both sides. cosine: of the two vectors of
directional derivatives; error: the largest difference, relative to the largest derivative. They
agree where the problem is differentiable; where it is not, they need not.

Infinite sides stay, both sides of an equality move together, dependent equalities stay consistent,
P moves within its range, and of a cone's rows A and u move.

Examples:
  bpqp gradcheck problem.json
  bpqp gradcheck problems/ --directions 20 --seed 7 --json)";

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct GradcheckOptions {
  std::vector<std::string> files;
  int directions = 8;
  std::uint64_t seed = 1;
  CommonOptions common;
};

struct Agreement {
  double cosine = kNaN, max_relative_error = kNaN;
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double v : values) {
    if (std::isnan(v)) return v;
    result = std::max(result, std::fabs(v));
  }
  return result;
}

double along(const Gradient& gradient, const Direction& d) {
  return dot(gradient.dP, d.P) + dot(gradient.dq, d.q) + dot(gradient.dA, d.A) +
         dot(gradient.dl, d.l) + dot(gradient.du, d.u);
}

// `zero` is a derivative too small to be told from none.
Agreement compare(
    const std::vector<double>& predicted, const std::vector<double>& measured, double zero) {
  const double scale = std::max(largest(predicted), largest(measured));
  if (std::isnan(largest(predicted)) || std::isnan(largest(measured))) return {};
  if (scale <= zero) return {1, 0};
  std::vector<double> difference(predicted.size());
  for (std::size_t k = 0; k < predicted.size(); ++k) difference[k] = predicted[k] - measured[k];
  const double norms = std::sqrt(dot(predicted, predicted)) * std::sqrt(dot(measured, measured));
  return {norms > 0 ? dot(predicted, measured) / norms : 0, largest(difference) / scale};
}

Agreement check(
    const io::ProblemFile& file,
    const Report& report,
    const Gradient& gradient,
    const GradcheckOptions& options) {
  if (report.status != Status::solved && report.status != Status::solved_inaccurate) return {};
  Settings settings = to_settings(options.common);
  const DifferenceQuotients quotients(file, settings);
  if (!quotients.is_solved()) return {};
  const Directions directions(file, quotients.x(), quotients.y(), options.seed);
  std::vector<double> predicted;
  for (int k = 0; k < options.directions; ++k) {
    predicted.push_back(along(gradient, directions.make(k)));
  }
  const auto g = gradient_weights(file);
  const auto measured = quotients.measure(directions, options.directions, g);
  double size = 0;
  for (std::size_t j = 0; j < g.size(); ++j) size += std::fabs(g[j] * quotients.x()[j]);
  return compare(predicted, measured, 1e-9 * size);
}

Json to_json(const io::ProblemFile& file, const Report& report, const Agreement& agreement) {
  return {
      {"name", file.name},
      {"status", to_string(report.status)},
      {"differentiable", report.differentiable},
      {"cosine", agreement.cosine},
      {"max_relative_error", agreement.max_relative_error}};
}

std::string header(std::size_t width) {
  return padded("problem", width) +
         format("  %-17s  %-14s  %12s  %8s\n", "status", "differentiable", "cosine", "error");
}

std::string row(
    const io::ProblemFile& file, const Report& report, const Agreement& a, std::size_t width) {
  return padded(file.name, width) +
         format(
             "  %-17s  %-14s  %12s  %8s\n", to_string(report.status),
             report.differentiable ? "yes" : "no",
             std::isnan(a.cosine) ? "-" : format("%.9f", a.cosine).c_str(),
             short_number(a.max_relative_error).c_str());
}

// The batch moved P and A out of the files; the differences want them back, as the solver saw them.
template <class R>
void restore(Batch<R>& batch, int b) {
  io::ProblemFile& file = batch.files[std::size_t(b)];
  const int n = file.shape.n, m = file.shape.m;
  file.P = slice(batch.P, b, std::int64_t(n) * n);
  file.q = slice(batch.q, b, n);
  file.A = slice(batch.A, b, std::int64_t(m) * n);
  file.l = slice(batch.l, b, m);
  file.u = slice(batch.u, b, m);
}

template <class R>
int check_files(const GradcheckOptions& options) {
  check_options(options.common);
  const Settings settings = to_settings(options.common);
  ProblemSet set(options.files);
  Outcome outcome;
  if (set.faults() > 0) outcome.add_fault();
  const bool json = options.common.json;
  const std::size_t width = set.name_width();
  OrderedOutput output(json ? "" : header(width));
  const auto answer = [&](Solver<R>& solver, Batch<R>& batch) {
    const auto all = gradients(solver, batch);
    Progress progress("checking gradients");
    for (int b = 0; b < batch.size(); ++b) {
      progress.show(b, batch.size());
      restore(batch, b);
      const auto& report = batch.reports[std::size_t(b)];
      auto& file = batch.files[std::size_t(b)];
      const Agreement agreement = check(file, report, all[std::size_t(b)], options);
      progress.clear();
      output.put(
          batch.members[std::size_t(b)],
          json ? json_line(to_json(file, report, agreement)) : row(file, report, agreement, width));
      outcome.add(report.status);
      file.P = file.A = {};
    }
  };
  const auto refuse = [&](int index, const std::string& message) {
    complain(set.path(index).string() + ": " + message);
    outcome.add_fault();
    output.put(index, "");
  };
  solve_all<R>(set, settings, answer, refuse);
  return outcome.exit_code();
}

}  // namespace

void add_gradcheck(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<GradcheckOptions>();
  CLI::App* command =
      app.add_subcommand("gradcheck", "Check gradients against differences of solves");
  command->footer(kFooter);
  add_files(*command, options->files);
  command->add_option("--directions", options->directions, "Random directions per problem")
      ->check(CLI::Range(8, 1000))
      ->type_name("K")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of the directions")
      ->type_name("S")
      ->capture_default_str();
  add_common_options(*command, options->common);
  command->callback([options, &exit_code] {
    exit_code =
        options->common.is_float() ? check_files<float>(*options) : check_files<double>(*options);
  });
}

}  // namespace bpqp::cli
