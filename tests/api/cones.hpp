/// \file
/// Solved problems with cones and their derivatives, for the tests of the public API.
#pragma once

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/random_cones.hpp"

namespace bpqp::test {

inline std::vector<double> random_vector(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  return normals(size, engine);
}

/// One problem solved, with the gradient of the loss g_x'x + g_y'y.
struct ConeSolve {
  Batch<double> batch;
  std::vector<double> gx, gy;
  Solver<double> solver;
  Answers<double> answers;
  Gradients<double> gradients;

  ConeSolve(
      const DenseProblem& p, std::uint64_t seed, bool through_y = true, Settings settings = {})
      : batch(p),
        gx(random_vector(std::size_t(p.n), seed)),
        gy(std::size_t(p.m), 0),
        solver(batch.shape, 1, settings),
        answers(batch.shape, 1),
        gradients(batch.shape, 1) {
    if (through_y) gy = random_vector(std::size_t(p.m), seed + 1);
    solver.solve(batch.view(), answers.view());
    solver.backward(loss(), gradients.view());
  }
  SolutionGradient<double> loss() const {
    return {{gx.data(), batch.shape.n, 0}, {gy.data(), batch.shape.m, 0}};
  }
  const Report& report() const { return answers.report[0]; }
};

inline double largest(const std::vector<double>& v) {
  double most = 0;
  for (double e : v) most = (std::fabs(e) > most || e != e) ? std::fabs(e) : most;
  return most;
}

/// dq = -w, du = d in cones, dl + du = d elsewhere, dP = -(w x' + x w')/2, dA = -(d x' + y w'),
/// each to `tolerance` of the largest entry of all.
template <class V>
void expect_gradient_of(
    const ConeSolve& s,
    const V& w,
    const V& d,
    const std::vector<double>& x,
    const std::vector<double>& y,
    double tolerance) {
  const auto n = x.size(), m = y.size();
  const Gradients<double>& g = s.gradients;
  double scale = 1;
  for (auto e : w) scale = std::fmax(scale, double(std::fabs(e)));
  for (auto e : d) scale = std::fmax(scale, double(std::fabs(e)));
  const double matrices = tolerance * scale * std::fmax(1, std::fmax(largest(x), largest(y)));
  for (std::size_t j = 0; j < n; ++j) {
    ASSERT_NEAR(g.q[j], -double(w[j]), tolerance * scale) << "dq " << j;
    for (std::size_t i = 0; i < n; ++i)
      ASSERT_NEAR(g.P[n * j + i], -double(w[j] * x[i] + x[j] * w[i]) / 2, matrices) << "dP";
  }
  for (std::size_t i = 0; i < m; ++i) {
    ASSERT_NEAR(g.l[i] + g.u[i], double(d[i]), tolerance * scale) << "dl + du " << i;
    for (std::size_t j = 0; j < n; ++j)
      ASSERT_NEAR(g.A[n * i + j], -double(d[i] * x[j] + y[i] * w[j]), matrices) << "dA " << i;
  }
}

/// min q'x, |x| <= radius: x = -radius q/|q|, y = (|q|, q), and every gradient by its closed form
/// (du of the cone's tail moves the ball's centre), to 1e-8.
inline void expect_ball(int n, double radius, std::uint64_t seed, const Settings& settings = {}) {
  SCOPED_TRACE("n " + std::to_string(n) + ", seed " + std::to_string(seed));
  const DenseProblem p = ball_problem(n, 0, radius, seed);
  const ConeSolve s(p, seed + 5, false, settings);
  ASSERT_EQ(s.report().status, Status::solved) << to_string(s.report().status);
  double q = 0, gq = 0;
  for (std::size_t j = 0; j < p.q.size(); ++j) q += p.q[j] * p.q[j], gq += s.gx[j] * p.q[j];
  q = std::sqrt(q);
  std::vector<double> x, y{q}, w, d{-gq / q};
  for (std::size_t j = 0; j < p.q.size(); ++j) {
    x.push_back(-radius * p.q[j] / q);
    y.push_back(p.q[j]);
    w.push_back(radius / q * (s.gx[j] - gq * p.q[j] / (q * q)));
    d.push_back(-s.gx[j]);
  }
  for (std::size_t j = 0; j < x.size(); ++j)
    ASSERT_NEAR(s.answers.x[j], x[j], 1e-8 * std::fmax(1, radius));
  for (std::size_t i = 0; i < y.size(); ++i)
    ASSERT_NEAR(s.answers.y[i], y[i], 1e-8 * std::fmax(1, largest(y)));
  if (n > 1) {  // n = 1: the ball's boundary has no curvature
    EXPECT_TRUE(s.report().differentiable);
  }
  expect_gradient_of(s, w, d, x, y, 1e-8);
}

/// (loss(t) - loss(-t))/2t of tight solves along random directions of all data at once, against the
/// gradient. l and u of an equality move together; P only where it is positive definite.
inline void expect_differences(
    const DenseProblem& p, std::uint64_t seed, double tolerance, bool moves_P) {
  const ConeSolve s(p, seed);
  ASSERT_EQ(s.report().status, Status::solved);
  ASSERT_TRUE(s.report().differentiable);
  const double t = 1e-6;
  const int linear = linear_rows(p);
  for (std::uint64_t direction = 0; direction < 4; ++direction) {
    const std::uint64_t base = 100 * seed + 10 * direction;
    const auto vP = random_vector(s.batch.P.size(), base + 2),
               vq = random_vector(p.q.size(), base + 3), vA = random_vector(p.A.size(), base + 4),
               vl = random_vector(p.l.size(), base + 5), vu = random_vector(p.u.size(), base + 6);
    const auto l_moves = [&](std::size_t i) { return p.is_equality(int(i)) ? vu[i] : vl[i]; };
    const auto loss = [&](double step) {
      DenseProblem moved = p;
      for (std::size_t k = 0; k < moved.P.size() && moves_P; ++k) moved.P[k] += step * vP[k];
      for (std::size_t j = 0; j < moved.q.size(); ++j) moved.q[j] += step * vq[j];
      for (std::size_t k = 0; k < moved.A.size(); ++k) moved.A[k] += step * vA[k];
      for (std::size_t i = 0; i < moved.u.size(); ++i) {
        if (std::fabs(p.l[i]) < 1e30) moved.l[i] += step * l_moves(i);
        if (std::fabs(p.u[i]) < 1e30) moved.u[i] += step * vu[i];
      }
      const auto a = solve(Batch<double>(moved), {.eps_abs = 1e-11, .eps_rel = 1e-11});
      EXPECT_EQ(a.report[0].status, Status::solved);
      double sum = 0;
      for (std::size_t j = 0; j < a.x.size(); ++j) sum += s.gx[j] * a.x[j];
      for (std::size_t i = 0; i < a.y.size(); ++i) sum += s.gy[i] * a.y[i];
      return sum;
    };
    double predicted = 0, size = 1;
    const auto add = [&](double a, double b) { predicted += a * b, size += std::fabs(a * b); };
    const auto& g = s.gradients;
    for (std::size_t k = 0; k < g.P.size() && moves_P; ++k) add(g.P[k], vP[k]);
    for (std::size_t j = 0; j < g.q.size(); ++j) add(g.q[j], vq[j]);
    for (std::size_t k = 0; k < g.A.size(); ++k) add(g.A[k], vA[k]);
    for (std::size_t i = 0; i < g.u.size(); ++i) {
      if (int(i) < linear) add(g.l[i], l_moves(i));
      add(g.u[i], vu[i]);
    }
    EXPECT_NEAR((loss(t) - loss(-t)) / (2 * t), predicted, tolerance * size)
        << "direction " << direction;
  }
}

}  // namespace bpqp::test
