#include "io/families.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "bpqp/status.hpp"
#include "io/random.hpp"

namespace bpqp::io {
namespace {

constexpr std::array<const char*, 7> kNames = {"qp",        "lp",  "socp", "dense_ineq",
                                               "portfolio", "mpc", "box"};

// One problem in place: its arrays inside the batch, zero at the start.
struct View {
  int n, eq, ineq, m;
  double *P, *q, *A, *l, *u;
};

void multiply_add(const double* A, int rows, int n, const double* x, double* out) {
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < n; ++j) out[i] += A[std::size_t(i) * n + j] * x[j];
  }
}

void transposed_multiply_add(
    const double* A, int rows, int n, double c, const double* y, double* out) {
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < n; ++j) out[j] += c * y[i] * A[std::size_t(i) * n + j];
  }
}

// P += scale F'F for F [rows x n].
void add_gram(const std::vector<double>& F, int rows, int n, double scale, double* P) {
  for (int k = 0; k < rows; ++k) {
    const double* f = F.data() + std::size_t(k) * n;
    for (int i = 0; i < n; ++i) {
      for (int j = i; j < n; ++j) P[std::size_t(i) * n + j] += scale * f[i] * f[j];
    }
  }
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < i; ++j) P[std::size_t(i) * n + j] = P[std::size_t(j) * n + i];
  }
}

void add_diagonal(int n, double value, double* P) {
  for (int i = 0; i < n; ++i) P[std::size_t(i) * n + i] += value;
}

// x_i >= lower, x_i <= upper as the rows from `first` on.
void set_bounds(const View& v, int first, double lower, double upper) {
  for (int i = 0; i < v.n; ++i) {
    v.A[std::size_t(first + i) * v.n + i] = 1;
    v.l[first + i] = lower;
    v.u[first + i] = upper;
  }
}

// The rows of A are there: equalities through x0, inequalities up to 1 away from it.
void set_sides(const View& v, const std::vector<double>& x0, Random& random) {
  multiply_add(v.A, v.eq + v.ineq, v.n, x0.data(), v.u);
  for (int i = 0; i < v.eq; ++i) v.l[i] = v.u[i];
  for (int i = v.eq; i < v.eq + v.ineq; ++i) {
    v.u[i] += random.uniform();
    v.l[i] = -kInfinity;
  }
}

void fill_uniform_rows(const View& v, Random& random) {
  const auto rows = random.uniforms(std::size_t(v.eq + v.ineq) * v.n);
  std::copy(rows.begin(), rows.end(), v.A);
  set_sides(v, random.uniforms(v.n), random);
}

void make_qp(const View& v, Random& random) {
  add_gram(random.uniforms(std::size_t(v.n) * v.n), v.n, v.n, 1, v.P);
  add_diagonal(v.n, 1e-3, v.P);
  for (int j = 0; j < v.n; ++j) v.q[j] = random.uniform();
  fill_uniform_rows(v, random);
}

void make_lp(const View& v, double p_diagonal, Random& random) {
  add_diagonal(v.n, p_diagonal, v.P);
  fill_uniform_rows(v, random);
  auto y = random.normals(v.eq + v.ineq);  // multipliers, so the dual problem has a point
  for (int i = v.eq; i < v.eq + v.ineq; ++i) y[i] = std::max(y[i], 0.0);
  transposed_multiply_add(v.A, v.eq + v.ineq, v.n, -1, y.data(), v.q);
}

void make_socp(const View& v, Random& random) {
  for (int j = 0; j < v.n; ++j) v.q[j] = random.normal();
  const auto rows = random.normals(std::size_t(v.eq) * v.n);
  std::copy(rows.begin(), rows.end(), v.A);
  auto x0 = random.normals(v.n);
  double norm = 0;
  for (const double x : x0) norm += x * x;
  for (double& x : x0) x *= 0.5 / std::sqrt(norm);
  set_sides(v, x0, random);
  // u - A x = (1, x): t first.
  v.u[v.eq] = 1;
  for (int i = 0; i < v.n; ++i) v.A[std::size_t(v.eq + 1 + i) * v.n + i] = -1;
  for (int i = v.eq; i < v.m; ++i) v.l[i] = -kInfinity;
}

void fill_random_quadratic(const View& v, Random& random) {
  add_gram(random.normals(std::size_t(v.n) * v.n), v.n, v.n, 1.0 / v.n, v.P);
  add_diagonal(v.n, 0.1, v.P);
  for (int j = 0; j < v.n; ++j) v.q[j] = 3 * random.normal();
}

void make_dense_ineq(const View& v, Random& random) {
  fill_random_quadratic(v, random);
  const auto rows = random.normals(std::size_t(v.ineq) * v.n);
  std::copy(rows.begin(), rows.end(), v.A);
  set_sides(v, random.normals(v.n), random);
}

void make_portfolio(const View& v, Random& random) {
  const int factors = std::max(1, v.n / 10);
  add_gram(random.normals(std::size_t(factors) * v.n), factors, v.n, 1.0 / v.n, v.P);
  for (int j = 0; j < v.n; ++j) v.P[std::size_t(j) * v.n + j] += 0.1 + random.uniform();
  for (int j = 0; j < v.n; ++j) v.q[j] = -0.1 * random.normal();
  std::fill(v.A, v.A + v.n, 1.0);
  v.l[0] = v.u[0] = 1;
  set_bounds(v, 1, 0, std::max(0.1, 2.0 / v.n));
}

// Position and speed after k + 1 steps are those without inputs plus M x, with
// M_kj = h^2 (k - j + 1/2) and h for j <= k. Cost: sum of position^2 + speed^2/10 + x^2/10, over 2.
void make_mpc(const View& v, Random& random) {
  const double h = 10.0 / v.n, sign = random.uniform() < 0.5 ? -1 : 1;
  const double position = sign * (4 + 8 * random.uniform()), speed = 2 * random.uniform() - 1;
  std::vector<double> reached(2 * std::size_t(v.n) * v.n, 0.0);  // sqrt of weights times M
  const double speed_weight = std::sqrt(0.1);
  for (int k = 0; k < v.n; ++k) {
    double* at_position = reached.data() + 2 * std::size_t(k) * v.n;
    double* at_speed = at_position + v.n;
    for (int j = 0; j <= k; ++j) {
      at_position[j] = h * h * (k - j + 0.5);
      at_speed[j] = speed_weight * h;
    }
    const double free_position = position + (k + 1) * h * speed;
    for (int j = 0; j <= k; ++j) {
      v.q[j] += at_position[j] * free_position + at_speed[j] * speed_weight * speed;
    }
  }
  add_gram(reached, 2 * v.n, v.n, 1, v.P);
  add_diagonal(v.n, 0.1, v.P);
  set_bounds(v, 0, -1, 1);
}

void make_box(const View& v, Random& random) {
  fill_random_quadratic(v, random);
  set_bounds(v, 0, -1, 1);
}

void make(Family family, const FamilyOptions& options, const View& view, Random& random) {
  switch (family) {
    case Family::qp:
      return make_qp(view, random);
    case Family::lp:
      return make_lp(view, options.p_diagonal, random);
    case Family::socp:
      return make_socp(view, random);
    case Family::dense_ineq:
      return make_dense_ineq(view, random);
    case Family::portfolio:
      return make_portfolio(view, random);
    case Family::mpc:
      return make_mpc(view, random);
    case Family::box:
      return make_box(view, random);
  }
}

std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void expect_at_least(const char* name, double given, double least) {
  if (given >= least) return;
  throw InvalidArgument(
      std::string(name) + ": given " + digits(given) + ", expected at least " +
      std::to_string(int(least)));
}

// -1 becomes `fixed`; anything else must be it.
void fix(Family family, const char* name, int fixed, int& value) {
  if (value < 0) value = fixed;
  if (value == fixed) return;
  throw InvalidArgument(
      std::string(name) + ": given " + std::to_string(value) + ", expected " +
      std::to_string(fixed) + " in the family " + to_string(family));
}

}  // namespace

const char* to_string(Family family) {
  return kNames.at(std::size_t(family));
}

std::vector<std::string> family_names() {
  return {kNames.begin(), kNames.end()};
}

Family family_from(const std::string& name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) return Family(found - kNames.begin());
  std::string all;
  for (const char* known : kNames) all += (all.empty() ? "" : ", ") + std::string(known);
  throw InvalidArgument("family: given \"" + name + "\", expected one of " + all);
}

Problem<double> ProblemBatch::view() const {
  return contiguous(shape, batch, P.data(), q.data(), A.data(), l.data(), u.data());
}

FamilyOptions complete(Family family, FamilyOptions o) {
  expect_at_least("n", o.n, 1);
  expect_at_least("batch", o.batch, 1);
  expect_at_least("p_diagonal", o.p_diagonal, 0);
  switch (family) {
    case Family::qp:
    case Family::lp:
    case Family::socp:
      if (o.eq < 0) o.eq = (o.n + 1) / 2;
      if (o.eq > o.n) {
        throw InvalidArgument(
            "eq: given " + std::to_string(o.eq) + ", expected at most n = " + std::to_string(o.n));
      }
      if (family == Family::socp) fix(family, "ineq", 0, o.ineq);
      if (o.ineq < 0) o.ineq = o.n / 2;
      return o;
    case Family::dense_ineq:
      fix(family, "eq", 0, o.eq);
      if (o.ineq < 0) o.ineq = 2 * o.n;
      return o;
    case Family::portfolio:
    case Family::mpc:
    case Family::box:
      fix(family, "eq", family == Family::portfolio ? 1 : 0, o.eq);
      fix(family, "ineq", o.n, o.ineq);
      return o;
  }
  throw InvalidArgument("family: not one of the enumeration");
}

Shape shape_of(Family family, const FamilyOptions& o) {
  Shape shape;
  shape.n = o.n;
  shape.m = o.eq + o.ineq;
  if (family == Family::socp) {
    shape.cones = {o.n + 1};
    shape.m += o.n + 1;
  }
  return shape;
}

ProblemBatch generate(Family family, const FamilyOptions& options) {
  const FamilyOptions o = complete(family, options);
  ProblemBatch batch;
  const Shape& s = batch.shape = shape_of(family, o);
  batch.batch = o.batch;
  const std::size_t count = o.batch, n = s.n, m = s.m;
  batch.P.assign(count * n * n, 0.0);
  batch.q.assign(count * n, 0.0);
  batch.A.assign(count * m * n, 0.0);
  batch.l.assign(count * m, 0.0);
  batch.u.assign(count * m, 0.0);
  for (std::size_t b = 0; b < count; ++b) {
    Random random(o.seed, b);
    make(
        family, o,
        {s.n, o.eq, o.ineq, s.m, batch.P.data() + b * n * n, batch.q.data() + b * n,
         batch.A.data() + b * m * n, batch.l.data() + b * m, batch.u.data() + b * m},
        random);
  }
  return batch;
}

}  // namespace bpqp::io
