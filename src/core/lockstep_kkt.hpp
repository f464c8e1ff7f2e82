/// \file
/// kkt_solve() of kkt.hpp for a pack of problems in step (lockstep.hpp): a lane that has ended has
/// a residual of zero from then on, so that its steps are zero.
#pragma once

#include "core/kkt.hpp"

namespace bpqp::core {

/// A lane that has not ended after so many passes is left to kkt_solve().
constexpr int kLockstepKktPasses = 3;

template <class R>
struct LockstepKktReport {
  Mask<R> ended;
  R residual;  ///< relative to the right-hand side
};

/// Solves for (w [n], d [m]) from zero in the lanes of `plain`. g_x, g_y as in kkt_solve().
template <class D, class R, Team T>
BPQP_STAGE LockstepKktReport<R> kkt_solve_lanes(
    const T& team,
    const ProblemView<D>& p,
    const Condensed<R>& c,
    const WorkingSet<R>& set,
    Mask<R> plain,
    const R* g_x,
    const R* g_y,
    R* scratch_m,
    R* w,
    R* d,
    const KktScratch<R>& s) {
  const DirectKkt<R> solve{&c, &set, p.n, p.m, scratch_m};
  const R norm = kkt_start(team, p, set, g_x, g_y, w, d, s);
  const R scale = select(norm > R(0), norm, R(1));
  R ended_at = 0;
  Mask<R> going = plain & !(norm == R(0));
  for (int pass = 1; pass <= kLockstepKktPasses && any(going); ++pass) {
    for (int j : team.items(p.n)) s.r_x[j] = select(going, s.r_x[j], R(0));
    for (int i : team.items(p.m)) s.r_y[i] = select(going, s.r_y[i], R(0));
    team.sync();
    kkt_correct(team, p, c, set, solve, w, d, s);
    const R residual = kkt_residual(team, p, true, set, g_x, g_y, w, d, s) / scale;
    Mask<R> ends = residual <= R(kKktTarget);
    if (pass > 1)
      ends = ends |
             (residual <= R(kKktRounding) * kkt_rounding(team, c.scaling, set, p.n, w, d) / scale);
    ended_at = select(going & ends, residual, ended_at);
    going = going & !ends;
  }
  return {plain & !going, ended_at};
}

}  // namespace bpqp::core
