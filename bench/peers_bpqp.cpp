/// \file
/// SolverRun for bench/peers.py, which loads this by ctypes: the peers get the very arrays that
/// bpqp solves, and both are timed in one process.
#include <exception>
#include <string>

#include "solver_run.hpp"

namespace {

using bpqp::bench::SolverRun;

std::string error;

std::vector<double>* array(SolverRun& run, const std::string& name) {
  return name == "P"    ? &run.problems.P
         : name == "q"  ? &run.problems.q
         : name == "A"  ? &run.problems.A
         : name == "l"  ? &run.problems.l
         : name == "u"  ? &run.problems.u
         : name == "x"  ? &run.x
         : name == "y"  ? &run.y
         : name == "g"  ? &run.g
         : name == "dP" ? &run.dP
         : name == "dq" ? &run.dq
         : name == "dA" ? &run.dA
         : name == "dl" ? &run.dl
         : name == "du" ? &run.du
                        : nullptr;
}

}  // namespace

#define BPQP_BENCH_EXPORT extern "C" __attribute__((visibility("default")))

/// Null on failure; bench_error() says why.
BPQP_BENCH_EXPORT void* bench_make(
    const char* family, int n, int eq, int ineq, int batch, double eps, int threads) try {
  bpqp::io::FamilyOptions options;
  options.n = n, options.eq = eq, options.ineq = ineq, options.batch = batch;
  bpqp::Settings settings = bpqp::bench::tight_settings(threads);
  settings.eps_abs = settings.eps_rel = eps;
  return new SolverRun(bpqp::io::family_from(family), options, settings);
} catch (const std::exception& e) {
  error = e.what();
  return nullptr;
}

BPQP_BENCH_EXPORT void bench_free(void* run) {
  delete static_cast<SolverRun*>(run);
}

BPQP_BENCH_EXPORT const char* bench_error() {
  return error.c_str();
}

BPQP_BENCH_EXPORT const char* bench_level() {
  static const std::string level = bpqp::capabilities().cpu_level;
  return level.c_str();
}

/// Rows of the problems; the last `cone` of them are one second-order cone, t first.
BPQP_BENCH_EXPORT int bench_rows(void* run, int* cone) {
  const bpqp::Shape& shape = static_cast<SolverRun*>(run)->problems.shape;
  *cone = shape.cones.empty() ? 0 : shape.cones[0];
  return shape.m;
}

/// The array of that name, owned by the run, and its length.
BPQP_BENCH_EXPORT double* bench_array(void* run, const char* name, long long* size) {
  std::vector<double>* found = array(*static_cast<SolverRun*>(run), name);
  *size = found ? (long long)(found->size()) : 0;
  return found ? found->data() : nullptr;
}

BPQP_BENCH_EXPORT void bench_repeat_matrices(void* run, int shared) {
  static_cast<SolverRun*>(run)->repeat_matrices();
  static_cast<SolverRun*>(run)->shared = shared != 0;
}

BPQP_BENCH_EXPORT void bench_forward(void* run, int vectors_only) {
  static_cast<SolverRun*>(run)->forward(
      vectors_only ? bpqp::Changed::vectors : bpqp::Changed::everything);
}

BPQP_BENCH_EXPORT void bench_start_warm(void* run) {
  static_cast<SolverRun*>(run)->start_warm();
}

BPQP_BENCH_EXPORT void bench_backward(void* run) {
  static_cast<SolverRun*>(run)->backward();
}
