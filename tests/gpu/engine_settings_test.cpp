/// \file
/// A GpuEngine on emulated blocks with every method, shapes at the ends of what there is, cones and
/// float data, against the CPU's Solver.
#include <limits>

#include "support/random_cones.hpp"
#include "twins.hpp"

namespace bpqp::test {
namespace {

class SettingsOnBlocks : public testing::TestWithParam<Mapping> {};
INSTANTIATE_TEST_SUITE_P(Gpu, SettingsOnBlocks, testing::ValuesIn(kMappings), mapping_name);

TEST_P(SettingsOnBlocks, EveryMethodGivesTheCpusAnswers) {
  for (const auto method : {Method::admm, Method::interior_point}) {
    Twins<> t(known_batch(9, 3, 1), GetParam(), {.method = method});
    t.solve();
    t.backward();
    for (const Report& r : t.have.report) EXPECT_EQ(r.method, method);
    t.solve(t.batch.view(), Changed::vectors);
    t.backward();
  }
}

/// Two iterates that are within eps of the solution, with conditions up to 1e3.
TEST_P(SettingsOnBlocks, WithoutPolishIterationsEndWhereTheCpusDo) {
  for (const auto method : {Method::automatic, Method::admm}) {
    Twins<> t(known_batch(9, 3, 11), GetParam(), {.method = method, .polish = false});
    t.cpu.solve(t.batch.view(), t.want.view());
    t.gpu.solve(t.batch.view(), t.have.view(), Changed::everything);
    expect_close(t.have.x, t.want.x, 1e-3, "x");
    expect_close(t.have.y, t.want.y, 1e-3, "y");
    for (std::size_t b = 0; b < 3; ++b) {
      const Report &have = t.have.report[b], &want = t.want.report[b];
      EXPECT_EQ(have.status, want.status);
      EXPECT_NEAR(have.iterations, want.iterations, 0.1 * want.iterations) << b;
      EXPECT_FALSE(have.differentiable);
    }
  }
}

TEST_P(SettingsOnBlocks, TooFewIterationsEndAsOnTheCpu) {
  Twins<> t(
      known_batch(9, 2, 21), GetParam(), {.method = Method::admm, .max_iter = 3, .polish = false});
  t.solve(t.batch.view(), Changed::everything, 1e-9);
  EXPECT_EQ(t.have.report[0].status, Status::iteration_limit);
  Twins<> exchanges(known_batch(9, 2, 31), GetParam(), {.max_exchanges = 1});
  exchanges.solve(exchanges.batch.view(), Changed::everything, 1e-6);
}

TEST_P(SettingsOnBlocks, ConesGiveTheCpusAnswersAndDerivatives) {
  for (const auto place : {ConePlace::inside, ConePlace::boundary, ConePlace::apex}) {
    std::vector<DenseProblem> problems;
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      ConeOptions o;
      o.places = {place, ConePlace::boundary}, o.sizes = {3, 4};
      problems.push_back(random_cones(o, seed).problem);
    }
    problems[1].q[0] = std::numeric_limits<double>::quiet_NaN();
    Twins<> t(Batch<double>(problems), GetParam());
    t.solve(t.batch.view(), Changed::everything, 1e-7);
    t.backward(1e-6);
    for (double& q : t.batch.q) q *= 1.01;
    t.batch.q[8] = 0.5;
    t.solve(t.batch.view(), Changed::vectors, 1e-7);
    t.backward(1e-6);
    if (place != ConePlace::boundary) continue;
    Problem<double> shared = t.batch.view();  // shared data, but factors of their own
    shared.P.stride = shared.A.stride = shared.l.stride = shared.u.stride = shared.q.stride = 0;
    t.solve(shared, Changed::everything, 1e-7);
  }
}

TEST_P(SettingsOnBlocks, FloatDataGiveTheCpusAnswers) {
  for (const auto method : {Method::automatic, Method::interior_point}) {
    const Batch<double> wide = known_batch(10, 3, 41);
    Batch<float> data;
    data.shape = wide.shape;
    for (int b = 0; b < 3; ++b) data.add(random_known({.n = 10}, 41 + std::uint64_t(b)).problem);
    Twins<float> t(data, GetParam(), {.method = method});
    t.solve();
    t.backward();
    constexpr int k = 2;
    const auto nx = t.want.x.size() * k, ny = t.want.y.size() * k;
    const auto gx = random_vector<float>(nx, 3), gy = random_vector<float>(ny, 4);
    std::vector<float> w(nx), d(ny), w_want(nx), d_want(ny);
    t.cpu.adjoint_solve(k, gx.data(), gy.data(), w_want.data(), d_want.data());
    t.gpu.adjoint_solve(k, gx.data(), gy.data(), w.data(), d.data());
    expect_close(w, w_want, 1e-6, "w");
    expect_close(d, d_want, 1e-6, "d");
    const auto start = random_vector<float>(t.want.x.size(), 5);
    t.cpu.warm_start(3, {start.data(), 10, 10}, {});
    t.gpu.warm_start(3, {start.data(), 10, 10}, {});
    t.solve(t.batch.view(), Changed::vectors);
    const ProblemTangent<float> tangent{{}, {start.data(), 10, 10}, {}, {}, {}};
    std::vector<float> dx(t.want.x.size()), dy(t.want.y.size()), dx_want(dx), dy_want(dy);
    t.cpu.jvp(tangent, {dx_want.data(), dy_want.data()});
    t.gpu.jvp(tangent, {dx.data(), dy.data()});
    expect_close(dx, dx_want, 1e-6, "dx");
    expect_close(dy, dy_want, 1e-6, "dy");
  }
}

TEST_P(SettingsOnBlocks, NoRowsAndOneVariableAreNoTrouble) {
  const auto spd = [](int n, std::uint64_t seed) {
    return random_known({.n = n, .equalities = 0, .active = 0, .inactive = 0}, seed).problem;
  };
  for (const int n : {1, 5}) {
    SCOPED_TRACE(std::to_string(n) + " variables, no rows");
    Twins<> t(Batch<double>({spd(n, 1), spd(n, 2), spd(n, 3)}), GetParam());
    t.solve();
    t.backward();
    for (double& q : t.batch.q) q += 1;
    t.solve(t.batch.view(), Changed::vectors);
    Problem<double> shared = t.batch.view();
    shared.P.stride = shared.A.stride = 0;
    t.solve(shared);
    t.backward();
    KktPoint<double> point;
    point.batch = 3;
    point.P = t.batch.view().P, point.x = {t.want.x.data(), n, n};
    t.cpu.differentiate(point, t.want.report.data());
    t.gpu.differentiate(point, t.have.report.data());
    EXPECT_EQ(t.have.report[2].status, Status::solved);
    t.backward();
    t.cpu.warm_start(3, {t.want.x.data(), n, n}, {});
    t.gpu.warm_start(3, {t.want.x.data(), n, n}, {});
    t.solve();
  }
  // x in [-1, 1], [0, 0], (-inf, 1], free; and linear programs, one of them unbounded.
  const double inf = 1e30;
  std::vector<DenseProblem> one{
      {1, 1, {2}, {-8}, {1}, {-1}, {1}, {}},  {1, 1, {2}, {-8}, {1}, {0}, {0}, {}},
      {1, 1, {2}, {8}, {2}, {-inf}, {1}, {}}, {1, 1, {2}, {8}, {0}, {-inf}, {inf}, {}},
      {1, 1, {0}, {1}, {1}, {-1}, {1}, {}},   {1, 1, {0}, {1}, {1}, {-inf}, {1}, {}}};
  Twins<> t{Batch<double>(one), GetParam()};
  t.solve();
  t.backward();
  EXPECT_EQ(t.have.report[5].status, Status::dual_infeasible);
  Problem<double> linear = t.batch.view();
  linear.P = {};
  t.solve(linear);
  t.backward();
}

TEST(GpuSettings, WithoutMeaningThereAreRefusedByName) {
  const auto expect_refused = [](const char* name, const Settings& settings) {
    try {
      gpu_engine({.n = 2, .m = 1}, 1, kMappings[0], settings);
      ADD_FAILURE() << name << ": no exception";
    } catch (const InvalidArgument& e) {
      EXPECT_EQ(std::string(e.what()).rfind(std::string(name) + ":", 0), 0) << e.what();
      EXPECT_NE(std::string(e.what()).find("device cuda"), std::string::npos) << e.what();
    }
  };
  expect_refused("time_limit", {.time_limit = 1});
  Settings settings;
  settings.progress = [](int, int) {};
  expect_refused("progress", settings);
  settings = {};
  settings.log = [](const std::string&) {};
  expect_refused("log", settings);
}

}  // namespace
}  // namespace bpqp::test
