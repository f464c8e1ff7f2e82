#include "bpqp/capabilities.hpp"

#include "bpqp/bpqp.hpp"
#include "cpu/backend.hpp"
#include "cpu/executor.hpp"
#include "gpu/cuda_runtime.hpp"

namespace bpqp {

Capabilities capabilities() {
  const auto level_name = [](const std::string& level) {
    return level == "base" ? level : "x86-64-" + level;
  };
  Capabilities c;
  c.version = std::to_string(BPQP_VERSION_MAJOR) + "." + std::to_string(BPQP_VERSION_MINOR) + "." +
              std::to_string(BPQP_VERSION_PATCH);
  c.cpu_level = level_name(cpu::backend().level);
  int count = 0;
  const char* const* levels = cpu::backend_levels(count);
  for (int i = 0; i < count; ++i) c.cpu_levels.push_back(level_name(levels[i]));
  c.threads = cpu::default_threads();
  c.methods = {"admm", "interior_point"};
  c.cones = true;
  c.precisions = {"double"};
  c.cuda_built = gpu::cuda_built();
  c.cuda_devices = gpu::cuda_device_names();
  return c;
}

}  // namespace bpqp
