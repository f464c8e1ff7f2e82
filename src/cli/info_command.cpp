// bpqp info: what this build can do on this machine.
#include <iostream>

#include "bpqp/capabilities.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

namespace bpqp::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}

void print(const Capabilities& c) {
  const auto line = [](const char* what, const std::string& value) {
    std::cout << padded(what, 18) << value << "\n";
  };
  line("version", c.version);
  line("CPU level", c.cpu_level + " (in this build: " + joined(c.cpu_levels) + ")");
  line("CPU threads", std::to_string(c.threads));
  line("CUDA", c.cuda_built ? "built; devices: " + joined(c.cuda_devices) : "not built");
  line("methods", joined(c.methods));
  line("precisions", joined(c.precisions));
  line("cones", c.cones ? "second-order cones" : "not in this build");
}

Json to_json(const Capabilities& c) {
  return {{"version", c.version}, {"cpu_level", c.cpu_level},   {"cpu_levels", c.cpu_levels},
          {"threads", c.threads}, {"cuda_built", c.cuda_built}, {"cuda_devices", c.cuda_devices},
          {"methods", c.methods}, {"precisions", c.precisions}, {"cones", c.cones}};
}

}  // namespace

void add_info(CLI::App& app, int& exit_code) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("info", "What this build can do on this machine");
  command->add_flag("--json", *json, "One JSON object on one line");
  command->footer("\nExample:\n  bpqp info --json");
  command->callback([json, &exit_code] {
    const Capabilities found = capabilities();
    if (*json) {
      std::cout << json_line(to_json(found));
    } else {
      print(found);
    }
    exit_code = 0;
  });
}

}  // namespace bpqp::cli
