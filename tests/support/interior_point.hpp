/// \file
/// The oracle's interior point method, in any real type. Only a means to guess the active set: the
/// proof of a solution is oracle_solve.cpp's.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "support/dense_problem.hpp"
#include "support/elimination.hpp"

namespace bpqp::test {

/// Rows as equalities E x = b and one-sided inequalities G x + s = h.
template <class F>
struct StandardForm {
  int n = 0;
  Dense<F> P, E, G;
  std::vector<F> q, b, h;
  std::vector<int> equality_row, inequality_row, inequality_sign;
};

template <class F>
StandardForm<F> standard_form(const DenseProblem& p) {
  StandardForm<F> f;
  f.n = p.n;
  f.P = Dense<F>(p.n, p.n);
  for (int i = 0; i < p.n; ++i)
    for (int j = 0; j < p.n; ++j) f.P(i, j) = F(p.p(i, j));
  f.q.assign(p.q.begin(), p.q.end());
  for (int i = 0; i < p.m; ++i) {
    const auto k = std::size_t(i);
    if (p.is_equality(i)) {
      f.equality_row.push_back(i);
      f.b.push_back(F(p.u[k]));
      continue;
    }
    for (int sign : {1, -1})
      if (sign > 0 ? p.has_upper(i) : p.has_lower(i)) {
        f.inequality_row.push_back(i);
        f.inequality_sign.push_back(sign);
        f.h.push_back(F(sign > 0 ? p.u[k] : -p.l[k]));
      }
  }
  f.E = Dense<F>(int(f.b.size()), p.n);
  f.G = Dense<F>(int(f.h.size()), p.n);
  for (int j = 0; j < p.n; ++j) {
    for (int r = 0; r < f.E.rows; ++r) f.E(r, j) = F(p.row(f.equality_row[std::size_t(r)])[j]);
    for (int r = 0; r < f.G.rows; ++r)
      f.G(r, j) = F(f.inequality_sign[std::size_t(r)] * p.row(f.inequality_row[std::size_t(r)])[j]);
  }
  return f;
}

template <class F>
std::vector<F> times(const Dense<F>& a, const std::vector<F>& x) {
  std::vector<F> out(std::size_t(a.rows), F(0));
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < a.cols; ++j) out[std::size_t(i)] += a(i, j) * x[std::size_t(j)];
  return out;
}

template <class F>
void add_transposed(const Dense<F>& a, const std::vector<F>& y, std::vector<F>& out) {
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < a.cols; ++j) out[std::size_t(j)] += a(i, j) * y[std::size_t(i)];
}

template <class F>
F largest(const std::vector<F>& v) {
  F most = 0;
  for (F e : v) most = (std::fabs(e) > most || e != e) ? std::fabs(e) : most;
  return most;
}

/// Mehrotra's predictor-corrector (Nocedal and Wright, Numerical Optimization, algorithm 16.4), one
/// step length for primal and dual, elimination of (s, z) to the system in (x, lambda).
template <class F>
class InteriorPoint {
 public:
  explicit InteriorPoint(const DenseProblem& p) : f_(standard_form<F>(p)) {
    x.assign(std::size_t(f_.n), F(0));
    lambda.assign(f_.b.size(), F(0));
    s.assign(f_.h.size(), F(1));
    z.assign(f_.h.size(), F(1));
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = std::max(F(1), std::fabs(f_.h[i]));
  }

  void run(F tolerance) {
    for (int iteration = 0; iteration < 200; ++iteration) {
      residuals();
      const F scale = 1 + std::max({largest(f_.q), largest(f_.b), largest(f_.h)});
      const F error = std::max({largest(rd_), largest(rp_), largest(re_), mu_}) / scale;
      if (error < best_error_) best_error_ = error, best_ = {x, lambda, s, z};
      if (!(error > tolerance) || !iterate()) break;
    }
    // Where strict complementarity fails, rounding spoils the last iterates.
    if (best_error_ < std::numeric_limits<F>::max())
      x = best_.x, lambda = best_.lambda, s = best_.s, z = best_.z;
  }

  /// Multipliers of the rows of p, and the side that each row seems active at.
  void read(const DenseProblem& p, std::vector<long double>& y, std::vector<int>& side) const {
    y.assign(std::size_t(p.m), 0);
    side.assign(std::size_t(p.m), 0);
    for (std::size_t r = 0; r < lambda.size(); ++r) {
      y[std::size_t(f_.equality_row[r])] = lambda[r];
      side[std::size_t(f_.equality_row[r])] = 1;
    }
    for (std::size_t r = 0; r < z.size(); ++r) {
      const auto i = std::size_t(f_.inequality_row[r]);
      y[i] += static_cast<long double>(z[r]) * f_.inequality_sign[r];
      if (z[r] > s[r]) side[i] = f_.inequality_sign[r];
    }
  }

  std::vector<F> x, lambda, s, z;

 private:
  struct Step {
    std::vector<F> x, lambda, s, z;
  };

  void residuals() {
    rd_ = times(f_.P, x);
    for (std::size_t j = 0; j < rd_.size(); ++j) rd_[j] += f_.q[j];
    add_transposed(f_.E, lambda, rd_);
    add_transposed(f_.G, z, rd_);
    re_ = times(f_.E, x);
    for (std::size_t i = 0; i < re_.size(); ++i) re_[i] -= f_.b[i];
    rp_ = times(f_.G, x);
    mu_ = 0;
    for (std::size_t i = 0; i < rp_.size(); ++i) {
      rp_[i] += s[i] - f_.h[i];
      mu_ += s[i] * z[i] / F(rp_.size());
    }
  }

  /// K = [P + G'WG + delta, E'; E, -delta]; delta only keeps dependent rows from breaking the
  /// elimination, the iteration corrects what it does.
  Elimination<F> factor() const {
    const int n = f_.n, k = f_.E.rows;
    const F delta = std::numeric_limits<F>::epsilon() * 8;
    Dense<F> K(n + k, n + k);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) K(i, j) = f_.P(i, j);
      K(i, i) += delta * (1 + f_.P(i, i));
      for (int r = 0; r < k; ++r) K(i, n + r) = K(n + r, i) = f_.E(r, i);
    }
    for (int r = 0; r < k; ++r) K(n + r, n + r) = -delta;
    for (int r = 0; r < f_.G.rows; ++r)
      for (int i = 0; i < n; ++i) {
        const F v = f_.G(r, i) * z[std::size_t(r)] / s[std::size_t(r)];
        if (v == 0) continue;
        for (int j = 0; j < n; ++j) K(i, j) += v * f_.G(r, j);
      }
    return Elimination<F>(std::move(K), F(0), Elimination<F>::Pivots::partial);
  }

  /// Newton's step for complementarity residuals rc = s z - target.
  Step newton(const Elimination<F>& K, const std::vector<F>& rc) const {
    const std::size_t n = x.size();
    std::vector<F> t(s.size()), top(n, F(0)), rhs;
    for (std::size_t i = 0; i < s.size(); ++i) t[i] = (z[i] * rp_[i] - rc[i]) / s[i];
    add_transposed(f_.G, t, top);
    for (std::size_t j = 0; j < n; ++j) rhs.push_back(-rd_[j] - top[j]);
    for (F e : re_) rhs.push_back(-e);
    const std::vector<F> v = K.solve(rhs);
    Step d;
    d.x.assign(v.begin(), v.begin() + long(n));
    d.lambda.assign(v.begin() + long(n), v.end());
    d.s = times(f_.G, d.x);
    d.z.resize(s.size());
    for (std::size_t i = 0; i < s.size(); ++i) {
      d.s[i] = -rp_[i] - d.s[i];
      d.z[i] = -(rc[i] + z[i] * d.s[i]) / s[i];
    }
    return d;
  }

  F longest(const Step& d) const {
    F alpha = 1;
    for (std::size_t i = 0; i < s.size(); ++i) {
      if (d.s[i] < 0) alpha = std::min(alpha, -s[i] / d.s[i]);
      if (d.z[i] < 0) alpha = std::min(alpha, -z[i] / d.z[i]);
    }
    return alpha;
  }

  bool iterate() {
    const Elimination<F> K = factor();
    if (!K.regular()) return false;
    std::vector<F> rc(s.size());
    for (std::size_t i = 0; i < s.size(); ++i) rc[i] = s[i] * z[i];
    Step d = newton(K, rc);
    const F affine = longest(d);
    F mu_affine = 0;
    for (std::size_t i = 0; i < s.size(); ++i)
      mu_affine += (s[i] + affine * d.s[i]) * (z[i] + affine * d.z[i]) / F(s.size());
    const F ratio = mu_ > 0 ? mu_affine / mu_ : 0;
    for (std::size_t i = 0; i < s.size(); ++i)
      rc[i] += d.s[i] * d.z[i] - ratio * ratio * ratio * mu_;
    d = newton(K, rc);
    const F alpha = s.empty() ? F(1) : std::min(F(1), F(0.995) * longest(d));
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += alpha * d.x[j];
    for (std::size_t i = 0; i < lambda.size(); ++i) lambda[i] += alpha * d.lambda[i];
    for (std::size_t i = 0; i < s.size(); ++i) s[i] += alpha * d.s[i], z[i] += alpha * d.z[i];
    return largest(x) < std::numeric_limits<F>::max() && alpha > F(1e-12);
  }

  StandardForm<F> f_;
  std::vector<F> rd_, rp_, re_;
  F mu_ = 0;
  F best_error_ = std::numeric_limits<F>::max();
  Step best_;
};

}  // namespace bpqp::test
