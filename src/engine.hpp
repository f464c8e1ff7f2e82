/// \file
/// Engine: what computes for a Solver, on the CPU (cpu_engine.hpp) or on a GPU
/// (gpu/gpu_engine.hpp). Its calls are those of Solver; their arguments have been checked
/// (solver.cpp). InvalidArgument is thrown before anything has changed.
#pragma once

#include "bpqp/solver.hpp"

namespace bpqp {

/// What of a batch the factors of its problems depend on, beside P and A.
struct Kept {
  int batch = 0;  ///< 0: no factors are kept
  bool shares_P = false, shares_A = false;
};

template <class R>
Kept kept_of(const Problem<R>& p) {
  return {p.batch, p.batch > 1 && p.P.stride == 0, p.batch > 1 && p.A.stride == 0};
}

template <class R>
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void solve(const Problem<R>&, const Solution<R>&, Changed) = 0;
  virtual void warm_start(int batch, const VectorBatch<R>& x, const VectorBatch<R>& y) = 0;
  virtual void backward(const SolutionGradient<R>&, const ProblemGradient<R>&) = 0;
  virtual void adjoint_solve(int k, const R* g_x, const R* g_y, R* w, R* d) = 0;
  virtual void jvp(const ProblemTangent<R>&, const SolutionTangent<R>&) = 0;
  virtual void differentiate(const KktPoint<R>&, Report*) = 0;
  virtual const Report* reports() = 0;
  /// Of the last solve (or differentiate) that was not refused; 0: there was none.
  virtual int batch() const = 0;
  virtual std::size_t bytes() const = 0;  ///< allocated when it was made
};

}  // namespace bpqp
