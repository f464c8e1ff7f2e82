/// \file
/// One problem with all the memory that the core's stages need, for tests of single stages. Memory
/// starts as NaN (and -1), so that a stage that reads what nobody wrote is seen.
#pragma once

#include <limits>
#include <memory>
#include <utility>

#include "core/cone_kkt.hpp"
#include "core/differentiate.hpp"
#include "core/gradient.hpp"
#include "core/solve_one.hpp"
#include "support/dense_problem.hpp"
#include "teams.hpp"

namespace bpqp::test {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// Memory for lay_out functions.
class Memory {
 public:
  template <class LayOut>
  auto lay_out(const LayOut& f) {
    core::Arena count(nullptr);
    f(count);
    bytes_.assign(count.bytes() + core::Arena::kAlign, char(0xff));
    void* base = bytes_.data();
    std::size_t space = bytes_.size();
    core::Arena arena(std::align(core::Arena::kAlign, count.bytes(), base, space));
    return f(arena);
  }

 private:
  std::vector<char> bytes_;
};

/// The first row of every cone, and the end.
inline std::vector<int> cone_starts(const DenseProblem& p) {
  std::vector<int> starts{p.m};
  for (auto d = p.cones.rbegin(); d != p.cones.rend(); ++d)
    starts.insert(starts.begin(), starts.front() - *d);
  return starts;
}

/// Factors are made without scaling unless a test asks for it, so that scaled units are the user's.
struct Workbench {
  explicit Workbench(DenseProblem problem, bool z_form_always = false)
      : dense(std::move(problem)), n(dense.n), m(dense.m) {
    view = {
        n,
        m,
        dense.P.empty() ? nullptr : dense.P.data(),
        dense.q.data(),
        dense.A.data(),
        dense.l.data(),
        dense.u.data()};
    starts = cone_starts(dense);
    if (!dense.cones.empty()) view.cones = {int(dense.cones.size()), starts.data()};
    c = memory[0].lay_out([&](core::Arena& a) {
      auto made = core::Condensed<double>::lay_out(a, n, m);
      if (z_form_always && !made.S) made.S = a.take<double>(std::size_t(m) * std::size_t(m));
      return made;
    });
    set = memory[1].lay_out(
        [&](core::Arena& a) { return core::WorkingSet<double>::lay_out(a, n, m); });
    work = memory[2].lay_out(
        [&](core::Arena& a) { return core::ForwardWork<double>::lay_out(a, n, m); });
    cones =
        memory[3].lay_out([&](core::Arena& a) { return core::ConeKkt<double>::lay_out(a, n, m); });
    structure =
        memory[4].lay_out([&](core::Arena& a) { return core::StructureMemory::lay_out(a, n, m); });
    const auto N = std::size_t(n), M = std::size_t(m);
    x.assign(N, kNaN), y.assign(M, kNaN), w.assign(N, kNaN), d.assign(M, kNaN);
  }
  Workbench(const Workbench&) = delete;

  template <core::Team T>
  core::CondenseReport condense(const T& team, int scaling_passes = 0) {
    const core::CondenseReport report =
        core::condense(team, view, scaling_passes, c, work.v, work.h);
    keep(team, report, c.report);
    team.sync();
    return report;
  }

  /// The problem with what is known of its structure, on this lane.
  template <core::Team T>
  core::ProblemView<double> structured(const T& team) {
    core::ProblemView<double> known = view;
    known.known = core::find_structure(team, view, structure);
    return known;
  }

  /// The sides into work.l, work.u, the diagonal of S, and y = change = 0 (unscaled).
  template <core::Team T>
  core::RowSides<double> sides(const T& team) {
    for (int i : team.items(m)) {
      work.l[i] = core::has_lower(view.l[i]) ? view.l[i] : -kInfinite;
      work.u[i] = core::has_upper(view.u[i]) ? view.u[i] : kInfinite;
      const double* row = c.Y + std::size_t(i) * std::size_t(n);
      work.diagonal[i] = core::dot(row, row, n);
      set.y[i] = set.change[i] = 0;
    }
    team.sync();
    core::RowSides<double> rows{work.l, work.u, 1e-11, 0, work.lowest, work.highest, work.weight};
    core::measure_rows(
        team, work.l, work.u, work.diagonal, rows.tolerance, m, work.lowest, work.highest,
        work.weight);
    return rows;
  }

  core::Schur<double> schur() const { return {n, m, c.Y, c.S, work.diagonal, work.kkt.spare}; }

  /// work.v = -A P^-1 q: the activities at y = 0.
  template <core::Team T>
  void activities(const T& team) {
    for (int j : team.items(n)) work.h[j] = -view.q[j];
    team.sync();
    using core::solve_lower, core::transposed_product;  // or the team's own
    solve_lower(team, c.L, n, n, work.h, 1, n);
    transposed_product(team, c.Y, n, m, n, work.h, work.v);
  }

  /// side[i] given, +-1 where active: this lane's working set, factored.
  template <core::Team T>
  core::WorkingSet<double> working_set(const T& team, const std::vector<int>& side) {
    core::WorkingSet<double> mine = set;
    for (int i : team.items(m)) mine.side[i] = static_cast<signed char>(side[std::size_t(i)]);
    team.sync();
    rebuild(team, schur(), mine, work.l, work.u, work.kkt.a);
    return mine;
  }

  DenseProblem dense;
  int n, m;
  core::ProblemView<double> view;
  std::vector<int> starts;  ///< of the cones
  Memory memory[5];
  core::Condensed<double> c;
  core::WorkingSet<double> set;  ///< lanes work on copies
  core::ForwardWork<double> work;
  core::ConeKkt<double> cones;
  core::StructureMemory structure;
  std::vector<double> x, y, w, d;
};

/// The sign of each multiplier: the active set of a solution with strict complementarity.
template <class V>
std::vector<int> sides_of(const V& y) {
  std::vector<int> side;
  for (auto v : y) side.push_back(v > 0 ? 1 : v < 0 ? -1 : 0);
  return side;
}

}  // namespace bpqp::test
