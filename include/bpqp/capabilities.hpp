/// \file
/// What this build can do on this machine.
#pragma once

#include <string>
#include <vector>

#include "bpqp/export.hpp"

namespace bpqp {

struct Capabilities {
  std::string version;                    ///< "0.1.0"
  std::string cpu_level;                  ///< instruction level in use: x86-64-v2, -v3 or -v4
  std::vector<std::string> cpu_levels;    ///< levels in this build
  int threads = 0;                        ///< cores that `threads = 0` uses
  bool cuda_built = false;                ///< built with BPQP_CUDA
  std::vector<std::string> cuda_devices;  ///< names of the devices found
  std::vector<std::string> methods;       ///< forward methods in this build
  std::vector<std::string> precisions;    ///< precisions in this build
  bool cones = false;                     ///< second-order cones can be solved
};

BPQP_API Capabilities capabilities();

}  // namespace bpqp
