/// \file
/// The gradient of g'x of a solved batch, problem by problem.
#pragma once

#include "cli/batch.hpp"
#include "cli/gradient_weights.hpp"

namespace bpqp::cli {

/// One problem's gradient, in the shapes of the problem.
struct Gradient {
  std::vector<double> dP, dq, dA, dl, du;
};

/// Of the batch that `solver` solved last, with g of each file.
template <class R>
std::vector<Gradient> gradients(Solver<R>& solver, const Batch<R>& batch) {
  const int n = solver.shape().n, m = solver.shape().m;
  const std::size_t count = batch.files.size();
  const std::int64_t nn = std::int64_t(n) * n, mn = std::int64_t(m) * n;
  std::vector<R> g, dP(count * nn), dq(count * n), dA(count * mn), dl(count * m), du(count * m);
  for (const auto& file : batch.files) append(gradient_weights(file), g);
  SolutionGradient<R> weights;
  weights.x = {g.data(), n, n};
  solver.backward(
      weights, {{dP.data(), nn}, {dq.data(), n}, {dA.data(), mn}, {dl.data(), m}, {du.data(), m}});
  std::vector<Gradient> result;
  for (int b = 0; b < int(count); ++b) {
    result.push_back(
        {slice(dP, b, nn), slice(dq, b, n), slice(dA, b, mn), slice(dl, b, m), slice(du, b, m)});
  }
  return result;
}

}  // namespace bpqp::cli
