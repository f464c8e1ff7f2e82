// A solve and the derivatives of its solution, as calls that share nothing but arrays (what
// compiled programs have): the Solver with the factors is in the SolverCache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "blocks.hpp"
#include "callers.hpp"

namespace bpqp::python {

/// Words of a problem's state: the number of its solve (two), and its place there.
constexpr std::size_t kStateWords = 3;

/// P, q, A, l and u of a call, and the start.
template <class R>
struct Inputs {
  Blocks<R> P, q, A, l, u, x0, y0;

  int n() const { return int(q.size); }
  int m() const { return int(A.size / q.size); }
  bool has_start() const { return x0.size > 0 || y0.size > 0; }
};

/// What is fixed when a call is compiled: cones as "3,2,", settings as settings_text writes them.
struct CallConfig {
  std::string_view cones, settings;
};

/// Where solve_call writes, for a batch of dimensions `lead`; Report's whole numbers and the others
/// are in two tables, in the order of each_field.
template <class R>
struct SolveOutputs {
  Dimensions lead;
  R *x, *y;
  std::int8_t* active;
  std::int32_t* whole;
  R* real;
  std::uint32_t* state;  ///< [kStateWords]
};

/// Without `keep` nothing can be differentiated, and the states are 0.
template <class R, class Caller>
void solve_call(
    const Caller& caller,
    const Inputs<R>& in,
    const SolveOutputs<R>& out,
    const CallConfig& config,
    bool keep);

/// (w, d) of Lambda (g, h) (docs/math.md M52) for every index of `full`: that of the problem with
/// its state, which has dimension 1 where there are more right-hand sides than problems. Where the
/// factors are gone the problems are solved again. On a device this waits for the states.
template <class R, class Caller>
void adjoint_call(
    const Caller& caller,
    const Blocks<R>& g,
    const Blocks<R>& h,
    const Blocks<std::uint32_t>& state,
    const Inputs<R>& in,
    const Dimensions& full,
    R* w,
    R* d,
    const CallConfig& config);

}  // namespace bpqp::python

// In namespace bpqp::python, after the calls' definitions.
#define BPQP_INSTANTIATE_CALLS(R, Caller)                                                \
  template void solve_call(                                                              \
      const Caller&, const Inputs<R>&, const SolveOutputs<R>&, const CallConfig&, bool); \
  template void adjoint_call(                                                            \
      const Caller&, const Blocks<R>&, const Blocks<R>&, const Blocks<std::uint32_t>&,   \
      const Inputs<R>&, const Dimensions&, R*, R*, const CallConfig&)
