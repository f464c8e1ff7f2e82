/// \file
/// The `qp` family of src/io/families.hpp, made by all cores: what a GPU solves in a millisecond
/// would take minutes to make.
#pragma once

#include <cstddef>
#include <vector>

#include <Eigen/Core>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include "bpqp/bpqp.hpp"
#include "io/families.hpp"
#include "io/random.hpp"

namespace bpqp::bench {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Of a problem: numbers uniform on [0, 1); P = F'F + 1e-3 I, F [n x n]; A x = b in the first `eq`
/// rows, and A x <= b with room up to 1 at one point in the others.
inline void make_problem(int eq, std::size_t b, io::ProblemBatch& out) {
  const Eigen::Index n = out.shape.n, m = out.shape.m;
  const std::size_t N = std::size_t(n), M = std::size_t(m);
  io::Random random(1, b);
  const std::vector<double> f = random.uniforms(N * N);
  const Eigen::Map<const RowMatrix> F(f.data(), n, n);
  Eigen::Map<RowMatrix> P(out.P.data() + b * N * N, n, n);
  tbb::parallel_for(
      tbb::blocked_range<Eigen::Index>(0, n, 128), [&](const tbb::blocked_range<Eigen::Index>& r) {
        const Eigen::Index rows = r.end() - r.begin();
        P.middleRows(r.begin(), rows).noalias() = F.middleCols(r.begin(), rows).transpose() * F;
      });
  // Exactly symmetric: which the products need not be.
  P.triangularView<Eigen::StrictlyLower>() = P.transpose();
  P.diagonal().array() += 1e-3;
  for (std::size_t j = 0; j < N; ++j) out.q[b * N + j] = random.uniform();
  const std::vector<double> rows = random.uniforms(M * N);
  std::copy(rows.begin(), rows.end(), out.A.begin() + std::ptrdiff_t(b * M * N));
  const std::vector<double> x0 = random.uniforms(N);
  const Eigen::VectorXd sides = Eigen::Map<const RowMatrix>(rows.data(), m, n) *
                                Eigen::Map<const Eigen::VectorXd>(x0.data(), n);
  for (int i = 0; i < int(m); ++i) {
    out.u[b * M + std::size_t(i)] = sides[i] + (i < eq ? 0 : random.uniform());
    out.l[b * M + std::size_t(i)] = i < eq ? sides[i] : -kInfinity;
  }
}

inline io::ProblemBatch make_qp_batch(int n, int eq, int ineq, int batch) {
  io::ProblemBatch out;
  out.shape.n = n, out.shape.m = eq + ineq, out.batch = batch;
  const std::size_t N = std::size_t(n), M = std::size_t(out.shape.m), count = std::size_t(batch);
  out.P.resize(count * N * N), out.q.resize(count * N), out.A.resize(count * M * N);
  out.l.resize(count * M), out.u.resize(count * M);
  tbb::parallel_for(std::size_t(0), count, [&](std::size_t b) { make_problem(eq, b, out); });
  return out;
}

}  // namespace bpqp::bench
