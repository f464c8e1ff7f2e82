// The barrier-relaxed point (docs/math.md section 12): it minimises the barrier's objective, judged
// by that objective's own gradient, and its adjoint is the central difference of such points.
#include "core/relaxed.hpp"

#include "support/random_cones.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::Workbench;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(Relaxed);

struct Point {
  bool found = false, regular = false;
  Values x, y, upper;
};

/// The point of a problem; with g_x [n], g_y [m] the adjoint in s.w, s.d besides.
Point relax(
    Workbench& s, double kappa, const auto& run, const Values& g_x = {}, const Values& g_y = {}) {
  test::Memory memory;
  const auto k =
      memory.lay_out([&](Arena& a) { return RelaxedPoint<double>::lay_out(a, s.n, s.m); });
  Point out;
  bool found = false, all_regular = false;
  run([&](const auto& team) {
    using Team = std::remove_cvref_t<decltype(team)>;
    core::Relaxed<double, double, Team> relaxed(team, s.view, s.work.barrier, k);
    bool regular = false;
    bool done = relaxed.find(kappa, regular);
    keep(team, regular, all_regular);
    BarrierForm form;
    if (done && !g_x.empty()) {
      done = relaxed.factor(form);
      const double residual = relaxed.solve(form, g_x.data(), g_y.data(), s.w.data(), s.d.data());
      done = done && residual < 1e-9;
    }
    keep(team, done, found);
  });
  out.found = found;
  out.regular = all_regular;
  out.x.assign(k.x, k.x + s.n);
  out.y.assign(k.y, k.y + s.m);
  out.upper.assign(k.upper, k.upper + s.m);
  return out;
}

/// The largest entry of P x + q + A'y over its terms, where y is given on equalities and is the
/// barrier's gradient on the rest; and how far equalities are off. All by long double.
double barrier_error(const test::DenseProblem& p, const Point& at, double kappa) {
  std::vector<long double> y(at.y.begin(), at.y.end());
  long double worst = 0, size = 1;
  const auto slack = [&](int i) {
    long double sum = 0;
    for (int j = 0; j < p.n; ++j) sum += (long double)(p.row(i)[j]) * at.x[std::size_t(j)];
    return sum;
  };
  const int linear = test::linear_rows(p);
  for (int i = 0; i < linear; ++i) {
    const auto I = std::size_t(i);
    if (p.is_equality(i)) {
      worst = std::fmax(worst, std::fabs(slack(i) - p.u[I]));
      continue;
    }
    y[I] = 0;
    if (p.has_upper(i)) y[I] += kappa / (p.u[I] - slack(i));
    if (p.has_lower(i)) y[I] -= kappa / (slack(i) - p.l[I]);
    if (p.has_upper(i) && !(p.u[I] > slack(i))) worst = INFINITY;
    if (p.has_lower(i) && !(slack(i) > p.l[I])) worst = INFINITY;
  }
  int first = linear;
  for (int d : p.cones) {  // kappa/2 log(t^2 - r^2)
    std::vector<long double> s;
    long double det = 0;
    for (int i = first; i < first + d; ++i) s.push_back(p.u[std::size_t(i)] - slack(i));
    for (int i = 0; i < d; ++i) det += (i == 0 ? 1 : -1) * s[std::size_t(i)] * s[std::size_t(i)];
    if (!(s[0] > 0 && det > 0)) worst = INFINITY;
    for (int i = 0; i < d; ++i)
      y[std::size_t(first + i)] = (i == 0 ? 1 : -1) * kappa * s[std::size_t(i)] / det;
    first += d;
  }
  for (int j = 0; j < p.n; ++j) {
    long double sum = p.q[std::size_t(j)];
    size = std::fmax(size, std::fabs(sum));
    for (int i = 0; i < p.n; ++i) sum += (long double)(p.p(j, i)) * at.x[std::size_t(i)];
    for (int i = 0; i < p.m; ++i) {
      const long double term = (long double)(p.row(i)[j]) * y[std::size_t(i)];
      sum += term;
      size = std::fmax(size, std::fabs(term));
    }
    worst = std::fmax(worst, std::fabs(sum) / size);
  }
  for (std::size_t i = 0; i < y.size(); ++i)
    worst = std::fmax(worst, std::fabs(y[i] - at.y[i]) / (1 + std::fabs(y[i])));
  return double(worst);
}

/// Newton's method ends at 1e-10 of scaled terms; a slack of kappa has the largest derivative.
constexpr double kFound = 1e-7;

/// g'x + g_y'y by central differences of one number in the problem's data, the points checked.
double difference(
    const test::DenseProblem& p,
    double kappa,
    const Values& g_x,
    const Values& g_y,
    const auto& run,
    const auto& entry) {
  const double h = 1e-5;
  double value[2];
  for (int side = 0; side < 2; ++side) {
    test::DenseProblem moved = p;
    entry(moved, side == 0 ? h : -h);
    Workbench s(moved);
    const Point at = relax(s, kappa, run);
    EXPECT_TRUE(at.found);
    EXPECT_LT(barrier_error(moved, at, kappa), kFound);
    value[side] = 0;
    for (std::size_t j = 0; j < at.x.size(); ++j) value[side] += g_x[j] * at.x[j];
    for (std::size_t i = 0; i < at.y.size(); ++i) value[side] += g_y[i] * at.y[i];
  }
  return (value[0] - value[1]) / (2 * h);
}

/// The adjoint's gradients of some entries of every input against differences.
void expect_differences(
    const test::DenseProblem& p, double kappa, std::uint64_t seed, const auto& run) {
  std::mt19937_64 engine(seed);
  const Values g_x = test::normals(std::size_t(p.n), engine);
  const Values g_y = test::normals(std::size_t(p.m), engine);
  Workbench s(p);
  const Point at = relax(s, kappa, run, g_x, g_y);
  ASSERT_TRUE(at.found);
  ASSERT_LT(barrier_error(p, at, kappa), kFound);
  const int linear = test::linear_rows(p);
  const auto near = [&](const char* what, int i, double gradient, const auto& entry) {
    const double measured = difference(p, kappa, g_x, g_y, run, entry);
    EXPECT_NEAR(gradient, measured, 1e-5 * (1 + std::fabs(measured))) << what << " " << i;
  };
  using P = test::DenseProblem;
  const auto N = std::size_t(p.n);
  for (int j = 0; j < p.n; j += 2) {
    const auto J = std::size_t(j);
    near("q", j, -s.w[J], [J](P& m, double h) { m.q[J] += h; });
    if (!p.P.empty()) near("P", j, -s.w[J] * at.x[J], [=](P& m, double h) { m.P[J * N + J] += h; });
  }
  for (int i = 0; i < p.m; i += 2) {
    const auto I = std::size_t(i);
    near("A", i, -(s.d[I] * at.x[0] + at.y[I] * s.w[0]), [=](P& m, double h) { m.A[I * N] += h; });
    if (i < linear && p.is_equality(i)) {
      near("b", i, s.d[I], [I](P& m, double h) { m.l[I] += h, m.u[I] += h; });
      continue;
    }
    if (i >= linear || p.has_upper(i))
      near("u", i, at.upper[I] * s.d[I], [I](P& m, double h) { m.u[I] += h; });
    if (i < linear && p.has_lower(i))
      near("l", i, (1 - at.upper[I]) * s.d[I], [I](P& m, double h) { m.l[I] += h; });
  }
}

/// q x on [0, 1]: kappa (1/x - 1/(1 - x)) = q, and dx/dq = -1/(kappa (1/x^2 + 1/(1 - x)^2)).
TEST_P(Relaxed, ReachesTheClosedFormOfAnInterval) {
  for (double kappa : {1.0, 1e-2, 1e-6}) {
    Workbench s({1, 1, {}, {1}, {1}, {0}, {1}, {}});
    const Point at = relax(s, kappa, *this, {1}, {0});
    ASSERT_TRUE(at.found);
    const double x = 2 * kappa / (1 + 2 * kappa + std::sqrt(1 + 4 * kappa * kappa));
    EXPECT_NEAR(at.x[0] / x, 1, 1e-8);
    const double curvature = kappa / (x * x) + kappa / ((1 - x) * (1 - x));
    EXPECT_NEAR(s.w[0] * curvature, 1, 1e-7);
    EXPECT_NEAR(at.upper[0] * s.d[0] * curvature, kappa / ((1 - x) * (1 - x)), 1e-7);
  }
}

TEST_P(Relaxed, HasTheDerivativesOfQuadraticPrograms) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const test::KnownOptions options = {
        .n = 5, .equalities = 1, .active = 2, .inactive = 2, .free_rows = 1};
    expect_differences(test::random_known(options, seed).problem, 0.1, seed, *this);
  }
}

TEST_P(Relaxed, HasTheDerivativesOfLinearPrograms) {
  const test::KnownOptions options = {
      .n = 4, .equalities = 1, .active = 3, .inactive = 3, .rank_P = 0};
  expect_differences(test::random_known(options, 3).problem, 0.1, 3, *this);
}

TEST_P(Relaxed, HasTheDerivativesOfCones) {
  for (auto place : {test::ConePlace::boundary, test::ConePlace::apex, test::ConePlace::inside}) {
    const auto known = test::random_cones(
        {.linear = {.n = 6, .equalities = 1, .active = 1, .inactive = 1}, .places = {place}}, 4);
    expect_differences(known.problem, 0.1, 4, *this);
  }
}

TEST_P(Relaxed, TendsToTheSolution) {
  const auto known = test::random_known({.n = 6, .equalities = 1, .active = 3, .inactive = 3}, 5);
  double last = INFINITY;
  for (double kappa : {1e-1, 1e-3, 1e-5, 1e-7}) {
    Workbench s(known.problem);
    const Point at = relax(s, kappa, *this);
    ASSERT_TRUE(at.found);
    double off = 0;
    for (std::size_t j = 0; j < at.x.size(); ++j)
      off = std::fmax(off, std::fabs(at.x[j] - known.x[j]));
    EXPECT_LT(off, last / 20);
    last = off;
  }
  EXPECT_LT(last, 1e-5);
}

/// x1 + x2 <= 0 and x >= 0 hold only at 0: nothing lies inside.
TEST_P(Relaxed, IsNotFoundWhereNothingLiesInside) {
  Workbench s({2, 3, {}, {1, 2}, {1, 1, 1, 0, 0, 1}, {-1e30, 0, 0}, {0, 1e30, 1e30}, {}});
  EXPECT_FALSE(relax(s, 0.1, *this).found);
}

/// min x1, x1 >= 0, x2 >= 0: the barrier drives x2 off to infinity.
TEST_P(Relaxed, IsNotFoundWhereTheSolutionsAreUnbounded) {
  Workbench s({2, 2, {}, {1, 0}, {1, 0, 0, 1}, {0, 0}, {1e30, 1e30}, {}});
  EXPECT_FALSE(relax(s, 0.1, *this).found);
}

/// x2 appears nowhere.
TEST_P(Relaxed, IsNotFoundWhereXIsNotUnique) {
  Workbench s({2, 1, {}, {1, 0}, {1, 0}, {0}, {1}, {}});
  EXPECT_FALSE(relax(s, 0.1, *this).found);
  Workbench along({2, 1, {}, {3, 2}, {3, 2}, {0}, {5}, {}});
  EXPECT_FALSE(relax(along, 0.1, *this).found);
}

/// An equality twice: x is unique, y is not, and a loss in y has no answer.
TEST_P(Relaxed, IsNotRegularWithDependentEqualities) {
  const test::DenseProblem p{
      2, 4, {1, 0, 0, 1}, {1, 0}, {1, 1, 1, 1, 1, 0, 0, 1}, {1, 1, -2, -2}, {1, 1, 2, 2}, {}};
  Workbench s(p), in_y(p);
  const Point at = relax(s, 0.1, *this, {1, 2}, {0, 0, 0, 0});
  EXPECT_TRUE(at.found);
  EXPECT_FALSE(at.regular);
  EXPECT_FALSE(relax(in_y, 0.1, *this, {0, 0}, {1, 2, 0, 0}).found);
}

TEST_P(Relaxed, WithoutInequalitiesIsTheSolution) {
  Workbench s({2, 1, {1, 0, 0, 1}, {0, 0}, {1, 1}, {2}, {2}, {}});
  const Point at = relax(s, 0.1, *this, {1, 0}, {0});
  ASSERT_TRUE(at.found);
  EXPECT_NEAR(at.x[0], 1, 1e-9);
  EXPECT_NEAR(s.d[0], 0.5, 1e-9);
  EXPECT_NEAR(s.w[0], 0.5, 1e-9);
}

}  // namespace
}  // namespace bpqp::core
