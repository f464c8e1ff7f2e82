/// \file
/// Settings of a Solver. Names are OSQP's where OSQP has the same thing.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "bpqp/allocator.hpp"
#include "bpqp/export.hpp"

namespace bpqp {

/// The forward method. `automatic` chooses per problem.
enum class Method : int { automatic = 0, admm, interior_point };

/// How the equality-constrained QP of the gradient is solved.
enum class BackwardMethod : int {
  direct = 0,  ///< by the factor that verified the active set, with refinement
  admm         ///< by ADMM on the active rows, as in the BPQP paper
};

enum class Device : int {
  automatic = 0,  ///< the CPU
  cpu,
  cuda  ///< the CUDA device that is current in the thread that makes the Solver (docs/gpu.md);
        ///< refuses time_limit, progress and log
};

/// What the arithmetic inside is done in; the data's type is the Solver's template argument.
enum class Precision : int { fp64 = 0, mixed, fp32 };

BPQP_API const char* to_string(Method method);
BPQP_API const char* to_string(BackwardMethod method);
BPQP_API const char* to_string(Device device);
BPQP_API const char* to_string(Precision precision);

/// Out of range values throw InvalidArgument when the Solver is made.
struct Settings {
  Method method = Method::automatic;
  BackwardMethod backward_method = BackwardMethod::direct;
  Device device = Device::automatic;
  Precision precision = Precision::fp64;

  double eps_abs = 1e-6;  ///< absolute tolerance on the KKT residuals in the user's units; >= 0
  double eps_rel = 1e-6;  ///< relative tolerance; >= 0; not both tolerances 0
  int max_iter = 4000;    ///< ADMM iterations per problem, >= 1; the interior point
                          ///< method stops at this too, and at 100 for each of its two forms
  int max_exchanges = 0;  ///< rows exchanged per problem before it is given up; 0: 100 + 20 (n +
                          ///< m). Where the interior point method can take over, at most 100 + (n +
                          ///< m)/2, and after it 50 + (n + m)/10
  double time_limit = 0;  ///< seconds for one call of solve; problems over it end as
                          ///< iteration_limit; 0: none

  double rho = 0;            ///< ADMM step size in scaled units; 0: chosen per problem
  double alpha = 1.6;        ///< over-relaxation of ADMM, in (0, 2). Source: OSQP 1.x default
  bool adaptive_rho = true;  ///< rho follows the ratio of the residuals
  int scaling = 4;           ///< passes of Ruiz equilibration; 0: none
  bool polish = true;        ///< verify the active set and solve on it; false: plain ADMM to eps,
                             ///< no gradients
  bool gradients = true;     ///< keep the factors of every problem for backward, adjoint_solve and
                             ///< jvp; false: less memory, those calls throw
  double kappa = 0;          ///< > 0, in the objective's units: derivatives are those of the
                             ///< barrier-relaxed point, the minimiser of the objective minus kappa
                             ///< times the sum of log(slack) over all sides of inequalities (and
                             ///< of log(t^2 - |r|^2)/2 over cones); x and y stay the solution.
                             ///< For linear programs, whose own dx/dq is 0: start with a tenth of
                             ///< the differences in cost that should matter (too small, and it is
                             ///< 0 again away from ties, 1/kappa at them). >= 0; needs gradients
                             ///< and polish (docs/math.md section 12)
  bool last_point = false;   ///< give the last point instead of NaN where a problem has no solution
                             ///< (the table of solution.hpp says where)

  /// With Device::cuda, a cudaStream_t: every call puts its work there and returns; null is the
  /// default stream. Calls wait for the device only where an array is not in its memory, and
  /// reports() does; all others may be captured in a CUDA graph (docs/gpu.md).
  void* stream = nullptr;

  /// Where the Solver's memory comes from; null: the device's own (cudaMalloc), or the host's heap.
  /// The Solver keeps it alive.
  std::shared_ptr<Allocator> allocator = {};

  int threads = 0;  ///< CPU threads; 0: one per core, which is also the most that are used

  /// Called with one line of text (no newline) at the end of every call of solve: how many problems
  /// are solved, the most iterations, the seconds.
  std::function<void(const std::string&)> log = {};
  /// Called now and then during `solve` with (problems finished, problems in all), from any thread
  /// but never from two at once.
  std::function<void(int, int)> progress = {};
};

}  // namespace bpqp
