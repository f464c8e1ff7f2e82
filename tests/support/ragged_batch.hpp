/// \file
/// Ragged batches for the tests: problems of several shapes in concatenated arrays, what a
/// RaggedSolver gives for them, and what Solvers of one problem give.
#pragma once

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {

/// Problems of one family.
inline std::vector<DenseProblem> problems_of(
    io::Family family, io::FamilyOptions options, int count, std::uint64_t seed) {
  options.batch = count, options.seed = seed;
  const io::ProblemBatch made = io::generate(family, io::complete(family, options));
  std::vector<DenseProblem> problems;
  for (int b = 0; b < count; ++b) problems.push_back(problem_of(made, b));
  return problems;
}

template <class R>
struct RaggedBatch {
  explicit RaggedBatch(const std::vector<DenseProblem>& of) {
    for (const DenseProblem& p : of)
      singles.emplace_back(p), shapes.push_back(singles.back().shape);
    places = ragged_places(shapes);
    const RaggedPlace& end = places.back();
    P.resize(std::size_t(end.P)), A.resize(std::size_t(end.A)), q.resize(std::size_t(end.x));
    l.resize(std::size_t(end.y)), u = l;
    for (std::size_t i = 0; i < singles.size(); ++i) {
      const Batch<R>& one = singles[i];
      std::copy(one.P.begin(), one.P.end(), P.begin() + places[i].P);
      std::copy(one.A.begin(), one.A.end(), A.begin() + places[i].A);
      std::copy(one.q.begin(), one.q.end(), q.begin() + places[i].x);
      std::copy(one.l.begin(), one.l.end(), l.begin() + places[i].y);
      std::copy(one.u.begin(), one.u.end(), u.begin() + places[i].y);
    }
    std::mt19937_64 engine(1);
    const auto numbers = [&](std::size_t count) {
      const auto v = normals(count, engine);
      return std::vector<R>(v.begin(), v.end());
    };
    g_x = numbers(q.size()), g_y = numbers(l.size());
  }
  RaggedProblem<R> view() const { return {P.data(), q.data(), A.data(), l.data(), u.data()}; }

  std::vector<Batch<R>> singles;  ///< in the caller's order
  std::vector<Shape> shapes;
  std::vector<RaggedPlace> places;
  std::vector<R> P, q, A, l, u, g_x, g_y;
};

/// What the calls of a ragged batch write.
template <class R>
struct RaggedResults {
  explicit RaggedResults(const RaggedBatch<R>& of)
      : x(of.q.size(), R(7)),
        y(of.l.size(), R(7)),
        again(x),
        dP(of.P.size(), R(7)),
        dq(x),
        dA(of.A.size(), R(7)),
        dl(y),
        du(y),
        w(x),
        d(y),
        dx(x),
        dy(y),
        active(y.size(), 7),
        reports(of.shapes.size()) {}
  std::vector<R> x, y, again, dP, dq, dA, dl, du, w, d, dx, dy;
  std::vector<std::int8_t> active;
  std::vector<Report> reports;
};

/// Every call of a RaggedSolver, or of a Ragged, with at(array) as the place of an array.
template <class R, class Solver, class At>
void call_all(Solver& solver, RaggedBatch<R>& batch, RaggedResults<R>& r, const At& at) {
  const RaggedProblem<R> problem{at(batch.P), at(batch.q), at(batch.A), at(batch.l), at(batch.u)};
  solver.solve(problem, {at(r.x), at(r.y), at(r.active), at(r.reports)}, Changed::everything);
  solver.backward(
      {at(batch.g_x), at(batch.g_y)}, {at(r.dP), at(r.dq), at(r.dA), at(r.dl), at(r.du)});
  solver.adjoint_solve(at(batch.g_x), nullptr, at(r.w), at(r.d));
  solver.jvp({nullptr, at(batch.g_x), nullptr, nullptr, at(batch.g_y)}, {at(r.dx), at(r.dy)});
  solver.warm_start(at(r.x), at(r.y));
  solver.solve(problem, {at(r.again), nullptr, nullptr, nullptr}, Changed::vectors);
}

/// The same of each problem alone, by an engine or Solver that make(shape) gives: the same bits.
template <class R, class Make>
void expect_as_alone(const RaggedBatch<R>& batch, const RaggedResults<R>& r, const Make& make) {
  for (std::size_t i = 0; i < batch.shapes.size(); ++i) {
    const Shape& shape = batch.shapes[i];
    const RaggedPlace& o = batch.places[i];
    SCOPED_TRACE(
        "problem " + std::to_string(i) + " with n " + std::to_string(shape.n) + ", m " +
        std::to_string(shape.m));
    auto solver = make(shape);
    const Problem<R> problem = batch.singles[i].view();
    const int n = shape.n, m = shape.m;
    const R *gx = batch.g_x.data() + o.x, *gy = batch.g_y.data() + o.y;
    Answers<R> answers(shape, 1), again(shape, 1);
    Gradients<R> gradients(shape, 1);
    std::vector<R> w(answers.x), d(answers.y), dx(answers.x), dy(answers.y);
    solver.solve(problem, answers.view(), Changed::everything);
    solver.backward({{gx, n, n}, {gy, m, m}}, gradients.view());
    solver.adjoint_solve(1, gx, nullptr, w.data(), d.data());
    ProblemTangent<R> tangent;
    tangent.q = {gx, n, n}, tangent.u = {gy, m, m};
    solver.jvp(tangent, {dx.data(), dy.data()});
    solver.warm_start(1, {answers.x.data(), n, n}, {answers.y.data(), m, m});
    solver.solve(problem, again.view(), Changed::vectors);
    const auto expect_same = [](const auto& all, std::int64_t place, const auto& one,
                                const char* what) {
      EXPECT_TRUE(same_bits(all.data() + place, one.data(), std::int64_t(one.size()))) << what;
    };
    expect_same(r.x, o.x, answers.x, "x");
    expect_same(r.y, o.y, answers.y, "y");
    expect_same(r.active, o.y, answers.active, "active");
    expect_same(r.dP, o.P, gradients.P, "dP");
    expect_same(r.dq, o.x, gradients.q, "dq");
    expect_same(r.dA, o.A, gradients.A, "dA");
    expect_same(r.dl, o.y, gradients.l, "dl");
    expect_same(r.du, o.y, gradients.u, "du");
    expect_same(r.w, o.x, w, "w");
    expect_same(r.d, o.y, d, "d");
    expect_same(r.dx, o.x, dx, "dx");
    expect_same(r.dy, o.y, dy, "dy");
    expect_same(r.again, o.x, again.x, "x again");
    const Report &have = r.reports[std::size_t(o.index)], &want = answers.report[0];
    EXPECT_EQ(have.status, want.status);
    EXPECT_EQ(have.active, want.active);
    EXPECT_TRUE(same_bits(&have.objective, &want.objective, 1));
  }
}

}  // namespace bpqp::test
