#include "bpqp/settings.hpp"
#include "bpqp/status.hpp"

namespace bpqp {

const char* to_string(Status status) {
  switch (status) {
    case Status::solved:
      return "solved";
    case Status::solved_inaccurate:
      return "solved_inaccurate";
    case Status::iteration_limit:
      return "iteration_limit";
    case Status::numerical_error:
      return "numerical_error";
    case Status::primal_infeasible:
      return "primal_infeasible";
    case Status::dual_infeasible:
      return "dual_infeasible";
    case Status::non_convex:
      return "non_convex";
    case Status::invalid_input:
      return "invalid_input";
  }
  return "unknown";
}

const char* to_string(Method method) {
  switch (method) {
    case Method::automatic:
      return "auto";
    case Method::admm:
      return "admm";
    case Method::interior_point:
      return "interior_point";
  }
  return "unknown";
}

const char* to_string(BackwardMethod method) {
  return method == BackwardMethod::admm ? "admm" : "direct";
}

const char* to_string(Device device) {
  switch (device) {
    case Device::automatic:
      return "auto";
    case Device::cpu:
      return "cpu";
    case Device::cuda:
      return "cuda";
  }
  return "unknown";
}

const char* to_string(Precision precision) {
  switch (precision) {
    case Precision::fp64:
      return "double";
    case Precision::mixed:
      return "mixed";
    case Precision::fp32:
      return "float";
  }
  return "unknown";
}

}  // namespace bpqp
