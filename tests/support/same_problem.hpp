/// \file
/// The comparison, to the bit, of one problem in two batches.
#pragma once

#include <gtest/gtest.h>

#include "support/batch.hpp"

namespace bpqp::test {

/// Whether problem a of one batch has the bits of problem b of another: answer, report, gradients.
inline testing::AssertionResult same_problem(
    const Answers<double>& s,
    const Gradients<double>& g,
    int a,
    const Answers<double>& t,
    const Gradients<double>& h,
    int b) {
  const int n = s.n, m = s.m;
  const auto part = [&](const std::vector<double>& v, const std::vector<double>& w, int size) {
    return same_bits(v.data() + a * size, w.data() + b * size, size);
  };
  const Report &r = s.report[std::size_t(a)], &q = t.report[std::size_t(b)];
  if (r.status != q.status) return testing::AssertionFailure() << "status";
  if (!part(s.x, t.x, n) || !part(s.y, t.y, m)) return testing::AssertionFailure() << "x or y";
  if (s.active_of(a) != t.active_of(b)) return testing::AssertionFailure() << "active";
  if (r.iterations != q.iterations || r.exchanges != q.exchanges || r.method != q.method ||
      r.differentiable != q.differentiable || !same_bits(&r.gap, &q.gap, 1) ||
      !same_bits(&r.objective, &q.objective, 1))
    return testing::AssertionFailure() << "report";
  if (!part(g.P, h.P, n * n) || !part(g.q, h.q, n) || !part(g.A, h.A, m * n) ||
      !part(g.l, h.l, m) || !part(g.u, h.u, m))
    return testing::AssertionFailure() << "gradient";
  return testing::AssertionSuccess();
}

}  // namespace bpqp::test
