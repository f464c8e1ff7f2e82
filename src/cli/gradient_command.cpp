// bpqp gradient: how g'x answers to the data.
#include <algorithm>
#include <cmath>
#include <iostream>

#include "cli/backward.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

namespace bpqp::cli {
namespace {

constexpr const char* kFooter = R"(
For the solution x of each problem: the gradient of g'x in q, l, u, P and A. g is the file's field g
(n numbers), else its expect.adjoint.g, else all ones. For an equality, dl + du is the gradient of
moving both sides. A cone's sides are u; dl is 0 there. The file format: 'bpqp solve --help'.

Examples:
  bpqp gradient problem.json                       norms and first entries
  bpqp gradient problem.json --json | jq .dq       all of it
  bpqp gradient lp.json --kappa 0.1                informative where a vertex has dq = 0
A gradient is a derivative only where the problem is reported differentiable (strictly complementary,
independent active rows and cones); problems without a solution have gradient 0.)";

Json to_json(
    const io::ProblemFile& file, double kappa, const Report& report, const Gradient& gradient) {
  const int n = file.shape.n, m = file.shape.m;
  return {
      {"name", file.name},
      {"status", to_string(report.status)},
      {"differentiable", report.differentiable},
      {"kappa", kappa},
      {"dq", json_vector(gradient.dq)},
      {"dl", json_vector(gradient.dl)},
      {"du", json_vector(gradient.du)},
      {"dP", json_matrix(gradient.dP, n, n)},
      {"dA", json_matrix(gradient.dA, m, n)}};
}

std::string norm_and_entries(const char* name, const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return format("  %-2s  |.| = %-11.6g  ", name, std::sqrt(sum)) + first_entries(values) + "\n";
}

std::string to_text(
    const io::ProblemFile& file, double kappa, const Report& report, const Gradient& gradient) {
  return padded(file.name, std::max<std::size_t>(1, std::min<std::size_t>(file.name.size(), 60))) +
         "  " + to_string(report.status) +
         (report.differentiable ? ", differentiable" : ", not differentiable") +
         (kappa > 0 ? format(", relaxed by kappa = %g", kappa) : "") + "\n" +
         norm_and_entries("dq", gradient.dq) + norm_and_entries("dl", gradient.dl) +
         norm_and_entries("du", gradient.du) + norm_and_entries("dP", gradient.dP) +
         norm_and_entries("dA", gradient.dA);
}

template <class R>
int gradient_files(
    const std::vector<std::string>& paths, double kappa, const CommonOptions& common) {
  check_options(common);
  Settings settings = to_settings(common);
  settings.kappa = kappa;
  ProblemSet set(paths);
  Outcome outcome;
  if (set.faults() > 0) outcome.add_fault();
  OrderedOutput output;

  const auto answer = [&](Solver<R>& solver, Batch<R>& batch) {
    const auto all = gradients(solver, batch);
    for (std::size_t b = 0; b < all.size(); ++b) {
      const auto& report = batch.reports[b];
      output.put(
          batch.members[b], common.json ? json_line(to_json(batch.files[b], kappa, report, all[b]))
                                        : to_text(batch.files[b], kappa, report, all[b]));
      outcome.add(report.status);
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

void add_gradient(CLI::App& app, int& exit_code) {
  struct Options {
    std::vector<std::string> files;
    double kappa = 0;
    CommonOptions common;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("gradient", "Gradients of g'x with respect to the problem's data");
  command->footer(kFooter);
  add_files(*command, options->files);
  command
      ->add_option(
          "--kappa", options->kappa,
          "Gradients of the barrier-relaxed point, kappa in the objective's units; 0: of the "
          "solution")
      ->check(non_negative_number())
      ->type_name("K")
      ->capture_default_str();
  add_common_options(*command, options->common);
  command->callback([options, &exit_code] {
    exit_code = options->common.is_float()
                    ? gradient_files<float>(options->files, options->kappa, options->common)
                    : gradient_files<double>(options->files, options->kappa, options->common);
  });
}

}  // namespace bpqp::cli
