/// \file
/// One problem in dense arrays, as the oracle and the random problems hold it.
///
///   minimise 1/2 x'P x + q'x   subject to  l <= A x <= u,  u_k - A_k x in SOC(d_k) on the last
///   rows
///
/// Sides at or beyond +-1e30 are absent; P counts as (P + P')/2.
#pragma once

#include <vector>

namespace bpqp::test {

struct DenseProblem {
  int n = 0;
  int m = 0;
  std::vector<double> P;   ///< [n, n] row-major; empty: 0
  std::vector<double> q;   ///< [n]
  std::vector<double> A;   ///< [m, n] row-major
  std::vector<double> l;   ///< [m]
  std::vector<double> u;   ///< [m]
  std::vector<int> cones;  ///< sizes of the cones on the last rows

  bool has_lower(int i) const { return l[std::size_t(i)] > -1e30; }
  bool has_upper(int i) const { return u[std::size_t(i)] < 1e30; }
  bool is_equality(int i) const { return l[std::size_t(i)] == u[std::size_t(i)]; }
  const double* row(int i) const { return A.data() + std::size_t(i) * std::size_t(n); }
  double p(int i, int j) const {
    if (P.empty()) return 0;
    const auto a = std::size_t(i), b = std::size_t(j), k = std::size_t(n);
    return 0.5 * (P[a * k + b] + P[b * k + a]);
  }
};

}  // namespace bpqp::test
