/// \file
/// Batches for the tests of the public API: data and answers in owned arrays, with their views.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <bpqp/bpqp.hpp>

#include "io/families.hpp"
#include "support/dense_problem.hpp"

namespace bpqp::test {

/// Problem b of a generated batch.
inline DenseProblem problem_of(const io::ProblemBatch& batch, int b) {
  const auto part = [b](const std::vector<double>& v, std::int64_t size) {
    return std::vector<double>(v.begin() + b * size, v.begin() + (b + 1) * size);
  };
  const std::int64_t n = batch.shape.n, m = batch.shape.m;
  return {int(n),
          int(m),
          part(batch.P, n * n),
          part(batch.q, n),
          part(batch.A, m * n),
          part(batch.l, m),
          part(batch.u, m),
          batch.shape.cones};
}

/// Problems of one shape, one after the other.
template <class R>
struct Batch {
  Shape shape;
  int batch = 0;
  std::vector<R> P, q, A, l, u;

  Batch() = default;
  explicit Batch(const std::vector<DenseProblem>& problems)
      : shape{problems.front().n, problems.front().m, problems.front().cones} {
    for (const auto& p : problems) add(p);
  }
  explicit Batch(const DenseProblem& problem) : Batch(std::vector<DenseProblem>{problem}) {}

  void add(const DenseProblem& p) {
    const std::vector<double> zeros(std::size_t(p.n) * std::size_t(p.n), 0);
    const auto append = [](std::vector<R>& to, const std::vector<double>& from) {
      for (double v : from) to.push_back(R(v));
    };
    append(P, p.P.empty() ? zeros : p.P);
    append(q, p.q);
    append(A, p.A);
    append(l, p.l);
    append(u, p.u);
    ++batch;
  }

  Problem<R> view() const {
    return contiguous<R>(shape, batch, P.data(), q.data(), A.data(), l.data(), u.data());
  }
};

/// What solve wrote.
template <class R>
struct Answers {
  int n = 0, m = 0;
  std::vector<R> x, y;
  std::vector<std::int8_t> active;
  std::vector<Report> report;

  Answers(const Shape& s, int batch)
      : n(s.n),
        m(s.m),
        x(std::size_t(batch) * std::size_t(n), R(7)),
        y(std::size_t(batch) * std::size_t(m), R(7)),
        active(y.size(), 7),
        report(std::size_t(batch)) {}

  Solution<R> view() { return {x.data(), y.data(), active.data(), report.data()}; }
  const R* x_of(int b) const { return x.data() + std::int64_t(b) * n; }
  const R* y_of(int b) const { return y.data() + std::int64_t(b) * m; }
  std::vector<int> active_of(int b) const {
    const auto first = active.begin() + std::int64_t(b) * m;
    return {first, first + m};
  }
};

/// What backward wrote; with `shared`, stride 0: one sum for the batch.
template <class R>
struct Gradients {
  int n = 0, m = 0;
  bool shared = false;
  std::vector<R> P, q, A, l, u;

  Gradients(const Shape& s, int batch, bool sum = false) : n(s.n), m(s.m), shared(sum) {
    const auto N = std::size_t(n), M = std::size_t(m), B = std::size_t(sum ? 1 : batch);
    P.assign(B * N * N, R(7));
    q.assign(B * N, R(7));
    A.assign(B * M * N, R(7));
    l.assign(B * M, R(7));
    u.assign(B * M, R(7));
  }

  ProblemGradient<R> view() {
    const auto stride = [this](std::int64_t size) { return shared ? 0 : size; };
    const std::int64_t N = n, M = m;
    return {
        {P.data(), stride(N * N)},
        {q.data(), stride(N)},
        {A.data(), stride(M * N)},
        {l.data(), stride(M)},
        {u.data(), stride(M)}};
  }
};

/// Whether two arrays hold the same bits, NaN included. Empty ones may be null.
template <class T>
bool same_bits(const T* a, const T* b, std::int64_t count) {
  return count == 0 || std::memcmp(a, b, std::size_t(count) * sizeof(T)) == 0;
}
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), std::int64_t(a.size()));
}

/// The batch solved by a Solver of its own.
template <class R>
Answers<R> solve(const Batch<R>& batch, Settings settings = {}) {
  Solver<R> solver(batch.shape, batch.batch, settings);
  Answers<R> answers(batch.shape, batch.batch);
  solver.solve(batch.view(), answers.view());
  return answers;
}

}  // namespace bpqp::test
