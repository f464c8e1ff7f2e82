/// \file
/// Options, scratch memory and report of the forward pass of one problem (solve_one.hpp), and all
/// that it works on.
#pragma once

#include "bpqp/settings.hpp"
#include "bpqp/status.hpp"
#include "core/interior_point.hpp"

namespace bpqp::core {

struct ForwardOptions {
  Method method = Method::automatic;
  double eps_abs = 1e-6, eps_rel = 1e-6;
  int max_iter = 4000;
  int max_exchanges = 1000;
  double rho = 0;  ///< 0: from the trace of S
  double alpha = 1.6;
  bool adaptive_rho = true;
  int scaling = 4;
  bool polish = true;
  bool (*expired)(const void*) = nullptr;  ///< time limit; null: none (always so on a GPU)
  const void* clock = nullptr;

  BPQP_HD bool out_of_time() const {
#ifdef __CUDA_ARCH__
    return false;
#else
    return expired && expired(clock);
#endif
  }
};

struct ForwardReport {
  Status status = Status::numerical_error;
  Method method = Method::automatic;  ///< the one that finished; automatic: none was needed
  int iterations = 0;
  int exchanges = 0;
  bool verified = false;        ///< KKT holds on the working set
  bool differentiable = false;  ///< and it is strictly complementary, independent, K regular
  bool certified = false;       ///< an infeasible status has its certificate
  Residuals residuals;
};

/// The status of a point with these residuals.
BPQP_HD inline Status status_of(const Residuals& r, double eps_abs, double eps_rel) {
  const double over = r.over(eps_abs, eps_rel);
  return !(over < INFINITY) ? Status::numerical_error
         : over <= 1        ? Status::solved
         : over <= 100      ? Status::solved_inaccurate
                            : Status::iteration_limit;
}

/// Scratch of one problem; a thread (or block) has one and uses it for problem after problem.
template <class R>
struct ForwardWork {
  R *l = nullptr, *u = nullptr;  ///< [m] scaled bounds
  R *c = nullptr, *v = nullptr;  ///< [m] linear term of ADMM, activities
  int* list = nullptr;           ///< [m]
  R* diagonal = nullptr;         ///< [m] of S
  R *lowest = nullptr, *highest = nullptr, *weight = nullptr;  ///< [m] of RowSides
  R* price = nullptr;                                          ///< [m] of dual_active_set.hpp
  R *h = nullptr, *t = nullptr;                                ///< [n]
  R* x_best = nullptr;                                         ///< [n]
  R* polish_step = nullptr;  ///< [n] of a cone problem's Newton step
  R* y_best = nullptr;       ///< [m]
  KktVectors<R> products;
  KktScratch<R> kkt;
  AdmmState<R> admm;
  BarrierWork<R> barrier;
  R* admm_factor = nullptr;    ///< [m x m] or [n x n]
  R* admm_operator = nullptr;  ///< [2 m x m], [m], or [n x m]

  /// `interior`, `iterates`: with the memory of the interior point method, of ADMM.
  BPQP_HD static ForwardWork lay_out(
      Arena& arena, int n, int m, bool interior = true, bool iterates = true) {
    ForwardWork s;
    for (R** vector :
         {&s.l, &s.u, &s.c, &s.v, &s.diagonal, &s.lowest, &s.highest, &s.weight, &s.price,
          &s.y_best})
      *vector = arena.take<R>(m);
    for (R** vector : {&s.h, &s.t, &s.x_best, &s.polish_step}) *vector = arena.take<R>(n);
    s.list = arena.take<int>(m);
    s.products = KktVectors<R>::lay_out(arena, n, m);
    s.kkt = KktScratch<R>::lay_out(arena, n, m);
    s.admm = AdmmState<R>::lay_out(arena, m);
    if (interior) s.lay_out_interior(arena, n, m);
    if (!iterates) return s;
    const std::size_t nn = n, mm = m;
    const bool z_form = wants_z_form(n, m);
    s.admm_factor = arena.take<R>(z_form ? mm * mm : nn * nn);
    s.admm_operator = arena.take<R>(!z_form ? nn * mm : m <= kExplicitInverse ? 2 * mm * mm : 1);
    return s;
  }

 private:
  /// A stage, so that a kernel does not hold all these pointers in registers at once.
  BPQP_STAGE void lay_out_interior(Arena& arena, int n, int m) {
    barrier = BarrierWork<R>::lay_out(arena, n, m);
  }
};

/// What a forward pass is of: the problem, its factors, and where the answer goes. By reference, so
/// that the outer stages hand on one pointer.
template <class D, class R, Team T>
struct ForwardTask {
  const T& team;
  const ProblemView<D>& p;
  const ForwardOptions& options;
  const Condensed<R>& c;
  WorkingSet<R>& set;
  const ForwardWork<R>& s;
  R *x, *y;
};

}  // namespace bpqp::core
