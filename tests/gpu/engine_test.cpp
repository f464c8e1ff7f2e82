/// \file
/// The calls of a GpuEngine on emulated blocks give what the CPU's Solver gives: derivatives,
/// points from elsewhere, warm starts and kept factors.
#include <limits>

#include "twins.hpp"

namespace bpqp::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
using Vector = std::vector<double>;

class Engines : public testing::TestWithParam<Mapping> {};
INSTANTIATE_TEST_SUITE_P(Gpu, Engines, testing::ValuesIn(kMappings), mapping_name);

int total_work(const Answers<double>& a) {
  int total = 0;
  for (const Report& r : a.report) total += r.iterations + r.exchanges;
  return total;
}

TEST_P(Engines, AdjointSolveTakesManyRightHandSidesAndNulls) {
  constexpr int k = 3, count = 3;
  auto data = known_batch(9, count, 1);
  data.q[9] = kNaN;  // of problem 1: zeros
  Twins<> t(data, GetParam());
  t.solve();
  const auto nx = std::size_t(count * k * 9), ny = std::size_t(count * k * data.shape.m);
  const Vector gx = random_vector(nx, 3), gy = random_vector(ny, 4);
  for (const double* x : {gx.data(), static_cast<const double*>(nullptr)})
    for (const double* y : {gy.data(), static_cast<const double*>(nullptr)}) {
      Vector w(nx, 7), d(ny, 7), w_want(w), d_want(d), w_only(w), d_only(d);
      t.cpu.adjoint_solve(k, x, y, w_want.data(), d_want.data());
      t.gpu.adjoint_solve(k, x, y, w.data(), d.data());
      expect_close(w, w_want, 1e-9, "w");
      expect_close(d, d_want, 1e-9, "d");
      t.gpu.adjoint_solve(k, x, y, w_only.data(), nullptr);
      t.gpu.adjoint_solve(k, x, y, nullptr, d_only.data());
      EXPECT_TRUE(same_bits(w, w_only) && same_bits(d, d_only));
    }
  for (int b = 0; b < count; ++b)
    EXPECT_LT(t.gpu.reports()[b].backward_residual, 1e-10) << "problem " << b;
}

TEST_P(Engines, JvpIsTheCpus) {
  auto data = known_batch(9, 3, 11);
  data.A[2 * std::size_t(data.shape.m) * 9] = kNaN;  // of problem 2: zeros
  const int n = 9, m = data.shape.m;
  for (const auto method : {BackwardMethod::direct, BackwardMethod::admm}) {
    Twins<> t(data, GetParam(), {.backward_method = method});
    t.solve();
    const Vector P = random_vector(81 * 3, 1), q = random_vector(9, 2),
                 A = random_vector(t.batch.A.size(), 3), u = random_vector(t.want.y.size(), 4);
    ProblemTangent<double> all{
        {P.data(), n, n, n * n}, {q.data(), n, 0}, {A.data(), m, n, m * n}, {}, {u.data(), m, m}};
    ProblemTangent<double> some;
    some.q = all.q, some.l = all.u;
    // By ADMM to its eps on the system's residual, times the norm of K's inverse.
    const double tolerance = method == BackwardMethod::direct ? 1e-9 : 1e-4;
    for (const auto& tangent : {all, some}) {
      Vector x(t.want.x.size(), 7), y(t.want.y.size(), 7), x_want(x), y_want(y);
      t.cpu.jvp(tangent, {x_want.data(), y_want.data()});
      t.gpu.jvp(tangent, {x.data(), y.data()});
      expect_close(x, x_want, tolerance, "dx");
      expect_close(y, y_want, tolerance, "dy");
    }
  }
}

TEST_P(Engines, BackwardByAdmmIsTheDirectOneToItsTolerance) {
  Twins<> t(known_batch(8, 3, 21), GetParam(), {.backward_method = BackwardMethod::admm});
  t.solve();
  t.backward(1e-4);  // eps 1e-6 on the system's residual, times the norm of K's inverse
}

TEST_P(Engines, ANaNInTheLossIsItsProblemsAlone) {
  Twins<> t(known_batch(8, 3, 31), GetParam());
  t.solve();
  t.gx[8] = kNaN;
  t.backward();
  for (int b = 0; b < 3; ++b)
    EXPECT_EQ(std::isinf(t.gpu.reports()[b].backward_residual), b == 1) << "problem " << b;
}

TEST_P(Engines, SharedMatricesGiveTheCpusAnswersAndSums) {
  for (const auto& family : {std::pair(io::Family::qp, 12), {io::Family::dense_ineq, 7}}) {
    Batch<double> data;
    const auto made = io::generate(family.first, {.n = family.second, .batch = 5, .seed = 9});
    data.shape = made.shape;
    for (int b = 0; b < 5; ++b) data.add(problem_of(made, b));
    Problem<double> p = data.view();
    p.P.stride = p.A.stride = p.l.stride = p.u.stride = 0;
    Twins<> t(data, GetParam());
    t.solve(p);
    t.backward();
    for (double& q : t.batch.q) q = 0.5 * q + 0.25;
    p.q.data = t.batch.q.data();
    t.solve(p, Changed::vectors);
    t.backward();
    // P alone, or A alone, is no shared factor.
    for (const bool P : {false, true}) {
      Problem<double> one = p;
      (P ? one.A : one.P) = P ? data.view().A : data.view().P;
      one.l = data.view().l, one.u = data.view().u;
      t.solve(one);
    }
  }
}

TEST_P(Engines, VectorsOnlyIsAFullSolve) {
  auto data = known_batch(10, 4, 41);
  Twins<> t(data, GetParam());
  t.solve();
  const Vector q = t.batch.q;
  for (double& v : t.batch.q) v *= -0.5;
  t.solve(t.batch.view(), Changed::vectors);
  t.backward();
  Twins<> fresh(t.batch, GetParam());
  fresh.solve();
  expect_close(t.have.x, fresh.have.x, 1e-9, "x");
  t.batch.q = q;
  t.batch.q[0] = kNaN;  // a bad vector spoils nothing that is kept
  t.solve(t.batch.view(), Changed::vectors);
  EXPECT_EQ(t.have.report[0].status, Status::invalid_input);
  t.batch.q[0] = q[0];
  t.solve(t.batch.view(), Changed::vectors);
  t.backward();
  EXPECT_EQ(t.have.report[0].status, Status::solved);
}

/// The factors that `vectors` refers to are those of the last solve, whatever came in between.
TEST_P(Engines, VectorsOnlyAfterPointsFromElsewhere) {
  for (const bool share : {false, true})
    for (const int points : {1, 3}) {
      SCOPED_TRACE(testing::Message() << (share ? "shared, " : "own, ") << points << " points");
      const auto data = known_batch(10, 3, 51);
      const int n = 10, m = data.shape.m;
      Twins<> t(data, GetParam());
      Problem<double> p = data.view();
      if (share) p.P.stride = p.A.stride = p.l.stride = p.u.stride = 0;
      t.solve(p);
      const Answers<double> first = t.have;
      Vector identity(100, 0);
      for (std::size_t j = 0; j < 10; ++j) identity[j * 11] = 1 + double(j);
      KktPoint<double> point;
      point.batch = points;
      point.P = {identity.data(), n, n, 0};
      point.A = {data.A.data(), m, n, 0};
      point.x = {first.x.data(), n, 0};
      point.y = {first.y.data(), m, 0};
      t.gpu.differentiate(point, nullptr);
      for (int again = 0; again < 2; ++again) {
        t.solve(p, Changed::vectors);
        EXPECT_TRUE(same_bits(t.have.x, first.x) && same_bits(t.have.y, first.y));
        EXPECT_EQ(total_work(t.have), total_work(first));
        t.backward();
      }
    }
}

/// Good, with a NaN, with dependent active rows (1 is a copy of 0), and not convex on its rows.
TEST_P(Engines, PointsFromElsewhereHaveTheCpusReportsAndDerivatives) {
  constexpr int n = 6, m = 3, count = 4;
  const Shape shape{.n = n, .m = m};
  Batch<double> data;
  data.shape = shape, data.batch = count;
  for (int b = 0; b < count; ++b) {
    for (int i = 0; i < n * n; ++i) data.P.push_back(i % (n + 1) ? 0.1 : 1 + b);
    const Vector A = random_vector(n * m, std::uint64_t(b + 1));
    data.A.insert(data.A.end(), A.begin(), A.end());
  }
  std::copy_n(data.A.begin() + 2 * n * m, n, data.A.begin() + 2 * n * m + n);
  for (int j = 0; j < n; ++j) data.P[std::size_t(3 * n * n + j * (n + 1))] = -1;
  Vector x = random_vector(n * count, 5), y = random_vector(m * count, 6);
  const Vector f = random_vector(n * count, 7), off = random_vector(m * count, 8);
  x[n + 2] = kNaN;
  y[2] = 0;
  std::vector<std::int8_t> active(m * count, 1);
  active[2] = 0;
  Twins<> t(data, GetParam());
  KktPoint<double> point{
      count,
      {data.P.data(), n, n, n * n},
      {data.A.data(), m, n, n * m},
      {x.data(), n, n},
      {y.data(), m, m},
      active.data(),
      {f.data(), n, n},
      {off.data(), m, m}};
  for (const bool whole : {true, false}) {
    if (!whole) point.active = nullptr, point.gradient = {}, point.violation = {};
    std::vector<Report> want(count), have(count);
    t.cpu.differentiate(point, want.data());
    t.gpu.differentiate(point, have.data());
    for (std::size_t b = 0; b < count; ++b) {
      SCOPED_TRACE("problem " + std::to_string(b));
      expect_same(have[b], want[b]);
      EXPECT_EQ(std::isnan(have[b].dual_residual), std::isnan(want[b].dual_residual));
      if (whole && !std::isnan(want[b].dual_residual)) {
        EXPECT_NEAR(have[b].dual_residual, want[b].dual_residual, 1e-13);
        EXPECT_EQ(have[b].primal_residual, want[b].primal_residual);
      }
    }
    EXPECT_EQ(have[0].status, Status::solved);
    EXPECT_EQ(have[1].status, Status::invalid_input);
    EXPECT_EQ(have[2].status, Status::numerical_error);
    EXPECT_EQ(have[3].status, Status::non_convex);
    t.backward();
  }
}

TEST_P(Engines, WarmStartsAreUsedOnceAndForTheProblemsGiven) {
  constexpr int count = 5;
  const auto made = io::generate(io::Family::dense_ineq, {.n = 10, .batch = count, .seed = 3});
  Batch<double> data;
  data.shape = made.shape;
  for (int b = 0; b < count; ++b) data.add(problem_of(made, b));
  const int n = data.shape.n, m = data.shape.m;
  Twins<> t(data, GetParam());
  t.solve();
  const Answers<double> cold = t.have;
  Vector x = cold.x;
  x[std::size_t(n)] = kNaN;  // of problem 1, which starts cold
  const auto warm_start = [&](int starts, const VectorBatch<double>& at,
                              const VectorBatch<double>& multipliers) {
    t.cpu.warm_start(starts, at, multipliers);
    t.gpu.warm_start(starts, at, multipliers);
  };
  const auto expect_cold = [&](int b) {
    EXPECT_TRUE(same_bits(cold.x_of(b), t.have.x_of(b), n)) << "problem " << b;
    EXPECT_EQ(cold.report[std::size_t(b)].exchanges, t.have.report[std::size_t(b)].exchanges);
  };
  warm_start(4, {x.data(), n, n}, {cold.y.data(), m, m});
  t.backward();  // derivatives are still those of the solve
  t.solve();
  EXPECT_LT(total_work(t.have), total_work(cold));
  for (int b : {1, 4}) expect_cold(b);
  for (int b : {0, 2, 3}) EXPECT_EQ(t.have.report[std::size_t(b)].exchanges, 0) << b;
  t.solve();  // they are used up
  for (int b = 0; b < count; ++b) expect_cold(b);
  // Of x or y alone; far off; one for all, with kept factors.
  warm_start(count, {cold.x.data(), n, n}, {});
  t.solve(t.batch.view(), Changed::vectors);
  warm_start(count, {}, {cold.y.data(), m, m});
  t.solve();
  const Vector far = random_vector(std::size_t(n + m), 6);
  Vector large(far);
  for (double& v : large) v *= 1000;
  warm_start(count, {large.data(), n, 0}, {large.data() + n, m, 0});
  t.solve(t.batch.view(), Changed::vectors, 1e-7);
  warm_start(count, {cold.x.data(), n, n}, {cold.y.data(), m, m});
  warm_start(1, {cold.x.data(), n, n}, {cold.y.data(), m, m});  // replaces all
  t.solve();
  for (int b = 1; b < count; ++b) expect_cold(b);
}

}  // namespace
}  // namespace bpqp::test
