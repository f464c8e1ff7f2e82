// bpqp info: what this build can do on this machine.
#include <algorithm>
#include <iostream>

#include "bpqp/capabilities.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "gpu/shared_plan.hpp"

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

/// How a GPU would take problems of n variables and m rows (the size table, src/gpu/plan.hpp).
void print_plan(int n, int m) {
  const gpu::Plan plan = gpu::make_plan(n, m, gpu::size_class(n, m));
  const gpu::SizeClass& c = *plan.size_class;
  const auto line = [](const char* what, const std::string& value) {
    std::cout << padded(what, 28) << value << "\n";
  };
  const auto bytes = [](std::size_t v) { return std::to_string(v) + " bytes"; };
  const auto copies = [&](const char* what, gpu::Reads reads) {
    std::string names;
    const gpu::Plan shared = gpu::make_shared_plan(n, m, c, reads, {}, &names);
    line(what, names.empty() ? "nothing" : names + ", " + bytes(shared.copy_bytes));
    line("    blocks", std::to_string(shared.blocks));
    line("    memory of a block", bytes(shared.shared_bytes));
  };
  line("size class", c.name);
  constexpr const char* kSolvers[] = {"a warp", "a block", "all blocks together"};
  line("a problem is solved by", kSolvers[int(c.solvers)]);
  line("threads of a block", std::to_string(c.threads()));
  line("registers of a thread", "at most " + std::to_string(c.registers()));
  line("blocks of a multiprocessor", std::to_string(plan.blocks));
  line("shared memory of a block", bytes(plan.shared_bytes));
  line("of it a problem's arrays", bytes(plan.fast_bytes));
  line("all its arrays have", bytes(plan.wanted_bytes));
  std::cout << "Where the batch shares P and A, a block keeps copies in shared memory of\n";
  copies("  solving", gpu::Reads::solve);
  copies("  differentiating", gpu::Reads::adjoint);
}

}  // namespace

void add_info(CLI::App& app, int& exit_code) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("info", "What this build can do on this machine");
  const auto plan = std::make_shared<std::vector<int>>();
  command->add_flag("--json", *json, "One JSON object on one line");
  command
      ->add_option(
          "--plan", *plan,
          "How a GPU of compute capability 9.0 would take problems of N variables and M rows "
          "(double)")
      ->expected(2)
      ->type_name("N M")
      ->check(CLI::Range(0, 100000))
      ->excludes("--json");
  command->footer("\nExamples:\n  bpqp info --json\n  bpqp info --plan 100 40");
  command->callback([json, plan, &exit_code] {
    if (!plan->empty()) {
      print_plan(std::max(1, plan->front()), plan->back());
      exit_code = 0;
      return;
    }
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
