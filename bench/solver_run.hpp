/// \file
/// A generated batch, a Solver for it, and arrays for all that it writes; one thread, eps 1e-8,
/// unless the settings say otherwise.
#pragma once

#include <algorithm>
#include <vector>

#include "bpqp/bpqp.hpp"
#include "io/families.hpp"

namespace bpqp::bench {

inline Settings tight_settings(int threads = 1) {
  Settings settings;
  settings.eps_abs = settings.eps_rel = 1e-8;
  settings.threads = threads;
  return settings;
}

class SolverRun {
 public:
  SolverRun(io::Family family, const io::FamilyOptions& options, const Settings& settings)
      : problems(io::generate(family, options)),
        solver(problems.shape, problems.batch, settings),
        x(problems.q.size()),
        y(problems.l.size()),
        g(problems.q.size(), 1.0),
        dP(problems.P.size()),
        dq(problems.q.size()),
        dA(problems.A.size()),
        dl(problems.l.size()),
        du(problems.u.size()) {}

  void forward(Changed changed = Changed::everything) {
    Problem<double> problem = problems.view();
    if (shared) problem.P.stride = problem.A.stride = 0;
    solver.solve(problem, {x.data(), y.data(), nullptr, nullptr}, changed);
  }

  /// The next forward() starts from the last one's solutions.
  void start_warm() {
    const int n = problems.shape.n, m = problems.shape.m;
    solver.warm_start(problems.batch, {x.data(), n, n}, {y.data(), m, m});
  }

  /// All gradients of the sum of x; those of what is shared are summed.
  void backward() {
    const std::int64_t n = problems.shape.n, m = problems.shape.m, own = shared ? 0 : 1;
    solver.backward(
        {{g.data(), int(n), n}, {}}, {{dP.data(), own * n * n},
                                      {dq.data(), n},
                                      {dA.data(), own * m * n},
                                      {dl.data(), m},
                                      {du.data(), m}});
  }

  /// Every problem gets the first one's P and A.
  void repeat_matrices() {
    for (std::vector<double>* all : {&problems.P, &problems.A}) {
      const std::size_t size = all->size() / std::size_t(problems.batch);
      for (std::size_t b = 1; b < std::size_t(problems.batch); ++b)
        std::copy_n(all->begin(), size, all->begin() + std::ptrdiff_t(b * size));
    }
  }

  int unsolved() const {
    int count = 0;
    for (int b = 0; b < problems.batch; ++b) count += solver.reports()[b].status != Status::solved;
    return count;
  }

  double worst_residual() const {
    double worst = 0;
    for (int b = 0; b < problems.batch; ++b) {
      const Report& r = solver.reports()[b];
      worst =
          std::max({worst, r.primal_residual_relative, r.dual_residual_relative, r.gap_relative});
    }
    return worst;
  }

  io::ProblemBatch problems;
  bool shared = false;  ///< after repeat_matrices(): say so to the Solver
  Solver<double> solver;
  std::vector<double> x, y, g, dP, dq, dA, dl, du;
};

}  // namespace bpqp::bench
