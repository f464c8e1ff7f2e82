#include "support/random_cones.hpp"

#include <cmath>

#include "support/elimination.hpp"

namespace bpqp::test {
namespace {

double uniform(double a, double b, std::mt19937_64& engine) {
  return std::uniform_real_distribution<double>(a, b)(engine);
}

std::vector<double> unit(std::size_t size, std::mt19937_64& engine) {
  std::vector<double> v = normals(size, engine);
  double squares = 0;
  for (double e : v) squares += e * e;
  for (double& e : v) e /= std::sqrt(squares);
  return v;
}

/// (t, r a) for a unit vector a.
std::vector<double> cone_point(double t, double r, const std::vector<double>& a) {
  std::vector<double> v{t};
  for (double e : a) v.push_back(r * e);
  return v;
}

/// Slack and multiplier of one cone. A cone of one row has no boundary but its apex.
void choose(
    ConePlace place,
    int d,
    std::mt19937_64& engine,
    std::vector<double>& s,
    std::vector<double>& y) {
  if (d == 1 && place == ConePlace::boundary) place = ConePlace::apex;
  const auto a = unit(std::size_t(d - 1), engine), b = unit(std::size_t(d - 1), engine);
  const double size = uniform(0.5, 1.5, engine), room = uniform(0.5, 1, engine);
  const std::vector<double> zero(std::size_t(d), 0), inner = cone_point(size + room, size, b);
  s = place == ConePlace::inside     ? inner
      : place == ConePlace::boundary ? cone_point(size, size, a)
                                     : zero;
  y = place == ConePlace::inside     ? zero
      : place == ConePlace::boundary ? cone_point(room, -room, a)
                                     : inner;
}

/// Jacobian of the projection at v, into `out` [d, d].
Dense<Long> projection_jacobian(const LongVector& v) {
  const int d = int(v.size());
  Dense<Long> J(d, d);
  Long r = 0;
  for (int i = 1; i < d; ++i) r += v[std::size_t(i)] * v[std::size_t(i)];
  r = std::sqrt(r);
  const Long t = v[0];
  if (r <= -t) return J;
  for (int i = 0; i < d; ++i) J(i, i) = 1;
  if (r <= t) return J;
  const auto a = [&](int i) { return v[std::size_t(i)] / r; };
  J(0, 0) = Long(0.5);
  for (int i = 1; i < d; ++i) {
    J(0, i) = J(i, 0) = a(i) / 2;
    for (int k = 1; k < d; ++k)
      J(i, k) = ((i == k ? 1 + t / r : Long(0)) - t / r * a(i) * a(k)) / 2;
  }
  return J;
}

/// The Jacobian J of the projection of all rows, at s - y.
Dense<Long> all_jacobians(
    const DenseProblem& p, const std::vector<double>& x, const std::vector<double>& y) {
  Dense<Long> J(p.m, p.m);
  const int linear = linear_rows(p);
  for (int i = 0; i < linear; ++i) J(i, i) = p.is_equality(i) || y[std::size_t(i)] != 0 ? 0 : 1;
  int first = linear;
  for (int d : p.cones) {
    LongVector v;
    for (int i = first; i < first + d; ++i) {
      Long s = p.u[std::size_t(i)];
      for (int j = 0; j < p.n; ++j) s -= Long(p.row(i)[j]) * x[std::size_t(j)];
      v.push_back(s - y[std::size_t(i)]);
    }
    const Dense<Long> block = projection_jacobian(v);
    for (int i = 0; i < d; ++i)
      for (int k = 0; k < d; ++k) J(first + i, first + k) = block(i, k);
    first += d;
  }
  return J;
}

}  // namespace

int linear_rows(const DenseProblem& p) {
  int rows = p.m;
  for (int d : p.cones) rows -= d;
  return rows;
}

KnownProblem random_cones(const ConeOptions& options, std::uint64_t seed) {
  KnownProblem known = random_known(options.linear, seed);
  DenseProblem& p = known.problem;
  std::mt19937_64 engine(seed + 1000);
  p.cones = options.sizes;
  for (std::size_t k = 0; k < options.sizes.size(); ++k) {
    const int d = options.sizes[k];
    std::vector<double> s, y;
    choose(options.places[k], d, engine, s, y);
    for (int i = 0; i < d; ++i) {
      const auto a = normals(std::size_t(p.n), engine);
      long double Ax = 0;
      for (std::size_t j = 0; j < a.size(); ++j) {
        Ax += static_cast<long double>(a[j]) * known.x[j];
        p.q[j] -= a[j] * y[std::size_t(i)];
      }
      p.A.insert(p.A.end(), a.begin(), a.end());
      p.l.push_back(std::nan(""));  // never read
      p.u.push_back(double(Ax + s[std::size_t(i)]));
      known.y.push_back(y[std::size_t(i)]);
      ++p.m;
    }
  }
  return known;
}

DenseProblem ball_problem(
    int n, int equalities, double radius, std::uint64_t seed, double curvature) {
  std::mt19937_64 engine(seed);
  const auto N = std::size_t(n);
  DenseProblem p;
  p.n = n, p.m = equalities + n + 1;
  p.cones = {n + 1};
  p.q = normals(N, engine);
  const auto x0 = unit(N, engine);
  for (int i = 0; i < equalities; ++i) {
    const auto a = normals(N, engine);
    double b = 0;
    for (std::size_t j = 0; j < N; ++j) b += a[j] * x0[j] * radius / 2;
    p.A.insert(p.A.end(), a.begin(), a.end());
    p.l.push_back(b), p.u.push_back(b);
  }
  for (int i = 0; i <= n; ++i) {  // u - A x = (radius, x)
    std::vector<double> a(N, 0);
    if (i > 0) a[std::size_t(i - 1)] = -1;
    p.A.insert(p.A.end(), a.begin(), a.end());
    p.l.push_back(-1e30), p.u.push_back(i == 0 ? radius : 0);
  }
  if (curvature != 0) {
    p.P.assign(N * N, 0);
    for (std::size_t j = 0; j < N; ++j) p.P[j * N + j] = curvature;
  }
  return p;
}

LongVector cone_adjoint(
    const DenseProblem& p,
    const std::vector<double>& x,
    const std::vector<double>& y,
    const std::vector<double>& g_x,
    const std::vector<double>& g_y) {
  const Dense<Long> J = all_jacobians(p, x, y);
  Dense<Long> K(p.n + p.m, p.n + p.m);
  LongVector b(g_x.begin(), g_x.end());
  for (int j = 0; j < p.n; ++j) {
    for (int i = 0; i < p.n; ++i) K(i, j) = p.p(i, j);
    for (int i = 0; i < p.m; ++i) K(j, p.n + i) = p.row(i)[j];
  }
  for (int i = 0; i < p.m; ++i) {
    Long right = 0;
    for (int k = 0; k < p.m; ++k) {
      const Long off = (i == k ? 1 : 0) - J(i, k);
      right += off * g_y[std::size_t(k)];
      K(p.n + i, p.n + k) = -J(i, k);
      if (off == 0) continue;
      for (int j = 0; j < p.n; ++j) K(p.n + i, j) += off * p.row(k)[j];
    }
    b.push_back(right);
  }
  const Elimination<Long> solver(K);
  if (!solver.regular()) return {};
  return solver.solve(b);
}

}  // namespace bpqp::test
