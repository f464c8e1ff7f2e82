/// \file
/// Settings::kappa on emulated blocks: the derivatives of the relaxed points are the CPU's.
#include "support/random_cones.hpp"
#include "twins.hpp"

namespace bpqp::test {
namespace {

class KappaOnBlocks : public testing::TestWithParam<Mapping> {};
INSTANTIATE_TEST_SUITE_P(Gpu, KappaOnBlocks, testing::ValuesIn(kMappings), mapping_name);

/// Both find the relaxed point to 1e-10 of what it is made of, which a condition of a few hundred
/// makes 1e-7 of a derivative.
constexpr double kAgreeRelaxed = 1e-7;

/// Linear programs over boxes, which have a gradient in q only where they are relaxed.
Batch<double> boxes() {
  std::vector<DenseProblem> problems;
  for (std::uint64_t b = 0; b < 3; ++b) {
    DenseProblem p = random_known({.n = 6}, 40 + b).problem;
    p.P.assign(p.P.size(), 0);
    p.m = 6;
    p.A.assign(36, 0);
    for (std::size_t i = 0; i < 6; ++i) p.A[7 * i] = 1;
    p.l.assign(6, -1), p.u.assign(6, 2);
    problems.push_back(p);
  }
  return Batch<double>(problems);
}

TEST_P(KappaOnBlocks, QuadraticProgramsWithABadOneAmongThem) {
  auto batch = known_batch(9, 4, 61);
  batch.u[2] = batch.l[2] - 1;  // problem 0 has no solution
  Twins<> t(batch, GetParam(), {.kappa = 0.2});
  t.solve();
  EXPECT_FALSE(t.have.report[0].differentiable);
  EXPECT_TRUE(t.have.report[1].differentiable);
  t.backward(kAgreeRelaxed);
}

TEST_P(KappaOnBlocks, LinearProgramsHaveGradientsInQ) {
  Twins<> t(boxes(), GetParam(), {.kappa = 0.3});
  t.solve();
  t.backward(kAgreeRelaxed);
  Gradients<double> g(t.batch.shape, t.batch.batch);
  t.gpu.backward(t.loss(), g.view());
  for (double v : g.q) EXPECT_GT(std::fabs(v), 1e-4);
}

TEST_P(KappaOnBlocks, ConesAndForwardDerivatives) {
  std::vector<DenseProblem> problems;
  for (std::uint64_t seed = 1; seed <= 2; ++seed)
    problems.push_back(
        random_cones({.places = {ConePlace::boundary, ConePlace::inside}, .sizes = {3, 4}}, seed)
            .problem);
  Twins<> t(Batch<double>(problems), GetParam(), {.kappa = 0.2});
  t.solve();
  t.backward(kAgreeRelaxed);
  const auto n = std::size_t(t.batch.shape.n), m = std::size_t(t.batch.shape.m);
  const auto tq = random_vector(2 * n, 7), tu = random_vector(2 * m, 8);
  std::vector<double> want_x(2 * n), have_x(2 * n), want_y(2 * m), have_y(2 * m);
  ProblemTangent<double> tangent;
  tangent.q = {tq.data(), t.batch.shape.n}, tangent.u = {tu.data(), t.batch.shape.m};
  const auto out = [&](auto& x, auto& y) {
    SolutionTangent<double> s;
    s.x = x.data(), s.y = y.data();
    return s;
  };
  t.cpu.jvp(tangent, out(want_x, want_y));
  t.gpu.jvp(tangent, out(have_x, have_y));
  expect_close(have_x, want_x, kAgreeRelaxed, "dx");
  expect_close(have_y, want_y, kAgreeRelaxed, "dy");
}

/// Points from elsewhere are not relaxed, and the solve after them is.
TEST_P(KappaOnBlocks, PointsFromElsewhereAreTakenAsTheyAre) {
  Twins<> t(known_batch(9, 3, 71), GetParam(), {.kappa = 0.2});
  t.solve();
  KktPoint<double> point;
  point.batch = t.batch.batch;
  point.P = t.batch.view().P, point.A = t.batch.view().A;
  point.x = {t.want.x.data(), t.batch.shape.n}, point.y = {t.want.y.data(), t.batch.shape.m};
  t.cpu.differentiate(point, t.want.report.data());
  t.gpu.differentiate(point, t.have.report.data());
  t.backward();
  t.solve();
  t.backward(kAgreeRelaxed);
}

}  // namespace
}  // namespace bpqp::test
