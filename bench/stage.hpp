/// \file
/// A few problems of a family with the memory of the core's stages, for the benchmarks of single
/// steps. Each problem has a slot of its own, as in a Solver; the scratch is shared.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cpu/cpu_data.hpp"
#include "cpu/cpu_dense.hpp"
// After the team's own dense algebra.
#include "core/gradient.hpp"
#include "core/solve_one.hpp"
#include "cpu/backend.hpp"
#include "floor_table.hpp"
#include "io/families.hpp"

namespace bpqp::bench {

inline const cpu::CpuTeam kTeam;

/// Family qp with n variables, `rows` equalities and as many inequalities (BPQP's table 1).
struct StageCase {
  int n, rows;
  std::string label(const char* step) const {
    return std::string(step) + "/n:" + std::to_string(n) + "/rows:" + std::to_string(rows) + "+" +
           std::to_string(rows);
  }
};
inline constexpr StageCase kStageCases[] = {{10, 5}, {50, 10}, {100, 20}, {500, 100}, {1000, 200}};

class Stage {
 public:
  explicit Stage(const StageCase& c) : n(c.n), m(2 * c.rows) {
    io::FamilyOptions options;
    options.n = n, options.eq = c.rows, options.ineq = c.rows;
    options.batch = count = round_of(4.0 * n * (n + m));
    batch_ = io::generate(io::Family::qp, options);
    core::Arena counting(nullptr);
    lay_out(counting);
    memory_.resize(counting.bytes() + core::Arena::kAlign);
    void* base = memory_.data();
    std::size_t space = memory_.size();
    core::Arena arena(std::align(core::Arena::kAlign, counting.bytes(), base, space));
    lay_out(arena);
  }

  core::ProblemView<double> view(int b) const {
    const auto B = std::size_t(b), N = std::size_t(n), M = std::size_t(m);
    return {
        n,
        m,
        batch_.P.data() + B * N * N,
        batch_.q.data() + B * N,
        batch_.A.data() + B * M * N,
        batch_.l.data() + B * M,
        batch_.u.data() + B * M};
  }

  /// `passes` of equilibration; 0 leaves the user's units.
  void condense(int b, int passes = 4) {
    auto& slot = slots[std::size_t(b)];
    slot.own.report =
        core::condense(kTeam, view(b), passes, slot.own, work.forward.v, work.forward.h);
    slot.used = slot.own;
  }

  /// Sides into work.forward.l and .u, activities at y = 0 into .c and .v, -L^-1 q into .h, for a
  /// problem condensed in the user's units.
  void linearise(int b) {
    const auto p = view(b);
    const auto& s = work.forward;
    const auto& own = slots[std::size_t(b)].own;
    for (int i = 0; i < m; ++i) {
      s.l[i] = core::has_lower(p.l[i]) ? p.l[i] : -INFINITY;
      s.u[i] = core::has_upper(p.u[i]) ? p.u[i] : INFINITY;
    }
    for (int j = 0; j < n; ++j) s.h[j] = -p.q[j];
    solve_lower(kTeam, own.L, n, n, s.h, 1, n);
    transposed_product(kTeam, own.Y, n, m, n, s.h, s.c);
    core::schur_diagonal(kTeam, own.Y, own.S, n, m, s.diagonal);
    for (int i = 0; i < m; ++i) s.v[i] = s.c[i];
  }

  /// x, y and the working set.
  core::ForwardReport solve(int b, bool warm = false) {
    core::ForwardOptions o;
    o.eps_abs = o.eps_rel = 1e-8;
    auto& slot = slots[std::size_t(b)];
    return slot.report = core::solve_one(
               kTeam, view(b), o, slot.used, slot.set, work.forward, warm, slot.x, slot.y);
  }

  /// Mean number of rows in the working sets.
  double active() const {
    double sum = 0;
    for (const auto& slot : slots) sum += slot.set.size;
    return sum / count;
  }

  /// Bytes of the problems' data and factors: what a round goes through.
  double bytes() const { return double(memory_.size()) + kWord * count * double(n) * (n + m); }

  int n, m, count;
  std::vector<cpu::Slot> slots;
  cpu::Work work;

 private:
  void lay_out(core::Arena& arena) {
    slots.clear();
    for (int b = 0; b < count; ++b) slots.push_back(cpu::Slot::lay_out(arena, n, m, m, false));
    work = cpu::Work::lay_out(arena, n, m, true);
  }

  io::ProblemBatch batch_;
  std::vector<char> memory_;
};

}  // namespace bpqp::bench
