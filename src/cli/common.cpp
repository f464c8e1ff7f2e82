#include "cli/common.hpp"

#include <iostream>
#include <map>

#include "bpqp/solver.hpp"

namespace bpqp::cli {
namespace {

const std::map<std::string, Method> kMethods = {
    {"auto", Method::automatic},
    {"admm", Method::admm},
    {"interior_point", Method::interior_point}};
const std::map<std::string, BackwardMethod> kBackwardMethods = {
    {"direct", BackwardMethod::direct}, {"admm", BackwardMethod::admm}};
const std::map<std::string, Device> kDevices = {
    {"auto", Device::automatic}, {"cpu", Device::cpu}, {"cuda", Device::cuda}};
const std::map<std::string, Precision> kPrecisions = {
    {"double", Precision::fp64}, {"mixed", Precision::mixed}, {"float", Precision::fp64}};

template <class T>
std::vector<std::string> keys(const std::map<std::string, T>& map) {
  std::vector<std::string> result;
  for (const auto& [key, value] : map) result.push_back(key);
  return result;
}

}  // namespace

void add_common_options(CLI::App& command, CommonOptions& o) {
  const std::string group = "Common options";
  command.add_option("--method", o.method, "How problems are solved: auto, admm or interior_point")
      ->check(CLI::IsMember(keys(kMethods)))
      ->type_name("NAME")
      ->capture_default_str()
      ->group(group);
  command
      .add_option(
          "--backward-method", o.backward_method, "How gradients are computed: direct or admm")
      ->check(CLI::IsMember(keys(kBackwardMethods)))
      ->type_name("NAME")
      ->capture_default_str()
      ->group(group);
  command.add_option("--eps", o.eps, "Tolerance, absolute and relative, of the KKT residuals")
      ->check(CLI::PositiveNumber)
      ->type_name("E")
      ->capture_default_str()
      ->group(group);
  command.add_option("--device", o.device, "Where to compute: auto, cpu or cuda")
      ->check(CLI::IsMember(keys(kDevices)))
      ->type_name("NAME")
      ->capture_default_str()
      ->group(group);
  command
      .add_option(
          "--precision", o.precision, "double, mixed, or float (the data are rounded to float)")
      ->check(CLI::IsMember(keys(kPrecisions)))
      ->type_name("NAME")
      ->capture_default_str()
      ->group(group);
  command.add_option("--threads", o.threads, "CPU threads; 0: one per core")
      ->check(CLI::NonNegativeNumber)
      ->type_name("T")
      ->capture_default_str()
      ->group(group);
  command.add_flag("--json", o.json, "One JSON object per line on stdout instead of a table")
      ->group(group);
}

void add_files(CLI::App& command, std::vector<std::string>& files) {
  command
      .add_option(
          "FILE", files,
          "Problem files (.json, .json.gz), or folders: then their own *.json and *.json.gz, by "
          "name")
      ->type_name("")
      ->required();
}

Settings to_settings(const CommonOptions& o) {
  Settings settings;
  settings.method = kMethods.at(o.method);
  settings.backward_method = kBackwardMethods.at(o.backward_method);
  settings.device = kDevices.at(o.device);
  settings.precision = kPrecisions.at(o.precision);
  settings.eps_abs = settings.eps_rel = o.eps;
  settings.threads = o.threads;
  return settings;
}

void check_settings(const Settings& settings) {
  const Shape smallest{1, 0, {}};
  Solver<double>(smallest, 1, settings);
}

void complain(const std::string& message) {
  std::cout.flush();
  std::cerr << "bpqp: " + message + "\n";
}

void Outcome::add(Status status) {
  switch (status) {
    case Status::solved:
    case Status::primal_infeasible:
    case Status::dual_infeasible:
    case Status::non_convex:
      return;
    case Status::invalid_input:
      faults_ = true;
      return;
    case Status::solved_inaccurate:
    case Status::iteration_limit:
    case Status::numerical_error:
      unanswered_ = true;
      return;
  }
}

}  // namespace bpqp::cli
