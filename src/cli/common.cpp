#include "cli/common.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>

#include "bpqp/capabilities.hpp"
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

constexpr int kMostThreads = 4096;  // of Settings::threads

void require_built(
    const char* option, const std::string& value, const std::vector<std::string>& built) {
  if (std::find(built.begin(), built.end(), value) != built.end()) return;
  std::string expected;
  for (std::size_t i = 0; i < built.size(); ++i) {
    expected += (i == 0 ? "" : i + 1 < built.size() ? ", " : " or ") + built[i];
  }
  throw InvalidArgument(
      std::string(option) + ": given " + value + ", which is not in this build; expected " +
      expected);
}

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
      ->check(positive_number())
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
  command.add_option("--threads", o.threads, "CPU threads; 0: one per core, the most there are")
      ->check(whole_number(0, kMostThreads))
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

void check_options(const CommonOptions& o) {
  const Capabilities can = capabilities();
  std::vector<std::string> methods = {"auto"}, precisions = can.precisions;
  methods.insert(methods.end(), can.methods.begin(), can.methods.end());
  if (std::find(precisions.begin(), precisions.end(), "float") == precisions.end()) {
    precisions.push_back("float");
  }
  require_built("--method", o.method, methods);
  require_built("--precision", o.precision, precisions);
  const Shape smallest{1, 0, {}};
  Solver<double>(smallest, 1, to_settings(o));
}

namespace {

CLI::Validator number(bool zero) {
  const auto check = [zero](const std::string& text) -> std::string {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool whole_text = !text.empty() && *end == '\0';
    if (whole_text && (value > 0 || (zero && value == 0)) && std::isfinite(value)) return "";
    return "given " + text + ", expected a finite number " + (zero ? ">= 0" : "> 0");
  };
  return {check, "", ""};
}

}  // namespace

CLI::Validator positive_number() {
  return number(false);
}

CLI::Validator non_negative_number() {
  return number(true);
}

CLI::Validator whole_number(int least, int most) {
  const auto check = [least, most](const std::string& text) -> std::string {
    int value = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    if (error == std::errc() && end == last && value >= least && value <= most) return "";
    return "given " + text + ", expected a whole number from " + std::to_string(least) + " to " +
           std::to_string(most);
  };
  return {check, "", ""};
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
