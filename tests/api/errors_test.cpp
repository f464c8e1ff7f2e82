// Wrong calls throw before any work, naming the argument; the Solver stays usable.
#include <functional>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The call throws InvalidArgument with every one of the words in its one-line message.
void expect_invalid(const std::function<void()>& call, const std::vector<std::string>& words) {
  try {
    call();
  } catch (const InvalidArgument& e) {
    const std::string message = e.what();
    for (const auto& word : words)
      EXPECT_NE(message.find(word), std::string::npos) << "'" << word << "' not in: " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return;
  } catch (const std::exception& e) {
    ADD_FAILURE() << "another exception (" << words[0] << "): " << e.what();
    return;
  }
  ADD_FAILURE() << "no exception (" << words[0] << ")";
}

void expect_invalid_setting(
    const std::function<void(Settings&)>& change, const std::vector<std::string>& words) {
  Settings settings;
  change(settings);
  expect_invalid([&] { Solver<double>({.n = 2, .m = 1}, 1, settings); }, words);
  expect_invalid([&] { Solver<float>({.n = 2, .m = 1}, 1, settings); }, words);
}

TEST(Errors, NameTheShapeOrCapacity) {
  expect_invalid([] { Solver<double>({.n = 0, .m = 1}, 1); }, {"n", "0"});
  expect_invalid([] { Solver<double>({.n = -3, .m = 1}, 1); }, {"n", "-3"});
  expect_invalid([] { Solver<double>({.n = 2, .m = -1}, 1); }, {"m", "-1"});
  expect_invalid([] { Solver<double>({.n = 2, .m = 1}, 0); }, {"capacity", "0"});
  expect_invalid([] { Solver<double>({.n = 2, .m = 1}, -5); }, {"capacity", "-5"});
  expect_invalid([] { Solver<double>({.n = 2, .m = 4, .cones = {0}}, 1); }, {"cones"});
  expect_invalid([] { Solver<double>({.n = 2, .m = 4, .cones = {3, 2}}, 1); }, {"cones", "5"});
  expect_invalid([] { Solver<double>({.n = 2, .m = 4, .cones = {2, -1}}, 1); }, {"cones", "-1"});
  expect_invalid([] { Solver<double>({.n = 2, .m = 0, .cones = {1}}, 1); }, {"cones", "m = 0"});
  const int most = std::numeric_limits<int>::max();
  expect_invalid([&] { Solver<double>({.n = 2, .m = 4, .cones = {most, most, 6}}, 1); }, {"cones"});
  EXPECT_NO_THROW(Solver<double>({.n = 2, .m = 4, .cones = {3}}, 1));
}

TEST(Errors, NameTheSettingOutOfRange) {
  for (double bad : {-1e-9, kNaN, std::numeric_limits<double>::infinity()}) {
    expect_invalid_setting([&](Settings& s) { s.eps_abs = bad; }, {"eps_abs"});
    expect_invalid_setting([&](Settings& s) { s.eps_rel = bad; }, {"eps_rel"});
    expect_invalid_setting([&](Settings& s) { s.time_limit = bad; }, {"time_limit"});
    expect_invalid_setting([&](Settings& s) { s.rho = bad; }, {"rho"});
    expect_invalid_setting([&](Settings& s) { s.kappa = bad; }, {"kappa"});
  }
  expect_invalid_setting(
      [](Settings& s) { s.eps_abs = s.eps_rel = 0; }, {"eps_abs", "eps_rel", "0"});
  for (double bad : {0.0, 2.0, -1.0, kNaN})
    expect_invalid_setting([&](Settings& s) { s.alpha = bad; }, {"alpha", "(0, 2)"});
  expect_invalid_setting([](Settings& s) { s.max_iter = 0; }, {"max_iter", "0"});
  expect_invalid_setting([](Settings& s) { s.max_exchanges = -1; }, {"max_exchanges", "-1"});
  expect_invalid_setting([](Settings& s) { s.scaling = -1; }, {"scaling", "-1"});
  expect_invalid_setting([](Settings& s) { s.threads = -2; }, {"threads", "-2"});
  expect_invalid_setting([](Settings& s) { s.method = Method(99); }, {"method"});
  expect_invalid_setting(
      [](Settings& s) { s.backward_method = BackwardMethod(99); }, {"backward_method"});
  expect_invalid_setting([](Settings& s) { s.device = Device(99); }, {"device"});
  expect_invalid_setting([](Settings& s) { s.precision = Precision(99); }, {"precision"});
}

TEST(Errors, ADeviceThatIsNotThereIsADeviceError) {
  if (!capabilities().cuda_devices.empty()) GTEST_SKIP() << "there is a device";
  Settings settings;
  settings.device = Device::cuda;
  try {
    Solver<double>({.n = 2, .m = 1}, 1, settings);
    ADD_FAILURE() << "no exception";
  } catch (const DeviceError& e) {
    EXPECT_NE(std::string(e.what()).find("cuda"), std::string::npos) << e.what();
  }
}

/// A good problem to spoil, and the Solver for it.
class SolveErrors : public testing::Test {
 protected:
  SolveErrors()
      : batch_({random_known({.n = 5}, 1).problem, random_known({.n = 5}, 2).problem}),
        good_(batch_.view()),
        n_(batch_.shape.n),
        m_(batch_.shape.m),
        solver_(batch_.shape, 2),
        answers_(batch_.shape, 2) {}

  void TearDown() override {  // after every refused call the Solver still solves
    solver_.solve(good_, answers_.view());
    EXPECT_EQ(answers_.report[0].status, Status::solved);
    EXPECT_EQ(answers_.report[1].status, Status::solved);
  }

  void expect(
      const std::function<void(Problem<double>&)>& spoil, const std::vector<std::string>& words) {
    Problem<double> p = good_;
    spoil(p);
    const auto before = answers_.x;
    expect_invalid([&] { solver_.solve(p, answers_.view()); }, words);
    EXPECT_EQ(answers_.x, before);
  }

  Batch<double> batch_;
  Problem<double> good_;
  int n_, m_;
  Solver<double> solver_;
  Answers<double> answers_;
};

TEST_F(SolveErrors, NameTheBatchSize) {
  expect([](auto& p) { p.batch = 0; }, {"batch", "0"});
  expect([](auto& p) { p.batch = -1; }, {"batch", "-1"});
  expect([](auto& p) { p.batch = 3; }, {"batch", "3", "2"});
}

TEST_F(SolveErrors, NameTheNullPointer) {
  expect([](auto& p) { p.q.data = nullptr; }, {"q", "null"});
  expect([](auto& p) { p.A.data = nullptr; }, {"A", "null"});
  expect([](auto& p) { p.l.data = nullptr; }, {"l", "null"});
  expect([](auto& p) { p.u.data = nullptr; }, {"u", "null"});
}

TEST_F(SolveErrors, NameTheWrongShape) {
  expect([](auto& p) { p.P.rows = 4; }, {"P", "5 x 5", "4 x 5"});
  expect([](auto& p) { p.P.cols = 6; }, {"P", "5 x 5", "5 x 6"});
  expect([](auto& p) { p.q.size = 4; }, {"q", "5", "4"});
  expect([&](auto& p) { std::swap(p.A.rows, p.A.cols); }, {"A", "x 5"});
  expect([](auto& p) { p.l.size += 1; }, {"l"});
  expect([](auto& p) { p.u.size -= 1; }, {"u"});
  expect([](auto& p) { p.P.structure = Structure(7); }, {"P", "structure"});
}

TEST_F(SolveErrors, NameTheWrongStride) {
  expect([](auto& p) { p.P.stride = 24; }, {"P", "stride", "25", "24"});
  expect([](auto& p) { p.q.stride = 4; }, {"q", "stride", "5", "4"});
  expect([](auto& p) { p.A.stride = 1; }, {"A", "stride"});
  expect([](auto& p) { p.l.stride = 1; }, {"l", "stride"});
  expect([](auto& p) { p.u.stride = -1; }, {"u", "stride", "-1"});
}

TEST_F(SolveErrors, VectorsOnlyNeedsTheBatchOfTheLastSolve) {
  expect_invalid([&] { solver_.solve(good_, {}, Changed::vectors); }, {"changed"});
  solver_.solve(good_, {});
  Problem<double> one = good_;
  one.batch = 1;
  expect_invalid([&] { solver_.solve(one, {}, Changed::vectors); }, {"batch", "2", "1"});
  expect_invalid([&] { solver_.solve(good_, {}, Changed(9)); }, {"changed"});
}

TEST_F(SolveErrors, WarmStartChecksItsArguments) {
  const std::vector<double> x(20), y(50);
  expect_invalid([&] { solver_.warm_start(0, {x.data(), n_, 0}, {}); }, {"batch", "0"});
  expect_invalid([&] { solver_.warm_start(3, {x.data(), n_, 0}, {}); }, {"batch", "3"});
  expect_invalid([&] { solver_.warm_start(1, {x.data(), n_ + 1, 0}, {}); }, {"x", "5", "6"});
  expect_invalid([&] { solver_.warm_start(1, {}, {y.data(), m_ - 1, 0}); }, {"y"});
  expect_invalid([&] { solver_.warm_start(2, {x.data(), n_, 2}, {}); }, {"x", "stride"});
}

TEST_F(SolveErrors, DerivativesNeedASolveFirst) {
  std::vector<double> x(10), y(std::size_t(2 * m_));
  expect_invalid([&] { solver_.backward({}, {}); }, {"backward", "solve"});
  expect_invalid(
      [&] { solver_.adjoint_solve(1, x.data(), nullptr, x.data(), nullptr); },
      {"adjoint_solve", "solve"});
  expect_invalid([&] { solver_.jvp({}, {x.data(), y.data()}); }, {"jvp", "solve"});
}

TEST_F(SolveErrors, DerivativesNeedTheirSetting) {
  for (bool polish : {true, false}) {
    Settings settings;
    settings.gradients = polish ? false : true;
    settings.polish = polish;
    const std::string name = polish ? "gradients" : "polish";
    Solver<double> without(batch_.shape, 2, settings);
    without.solve(good_, {});
    std::vector<double> x(10);
    expect_invalid([&] { without.backward({}, {}); }, {"backward", name});
    expect_invalid([&] { without.adjoint_solve(1, x.data(), nullptr, x.data(), nullptr); }, {name});
    expect_invalid([&] { without.jvp({}, {}); }, {"jvp", name});
  }
}

TEST_F(SolveErrors, DerivativesCheckTheirArguments) {
  solver_.solve(good_, {});
  std::vector<double> v(1000);
  const double* in = v.data();
  double* out = v.data() + 500;
  expect_invalid([&] { solver_.backward({{in, n_ - 1, 0}, {}}, {}); }, {"x", "5", "4"});
  expect_invalid([&] { solver_.backward({{}, {in, m_ + 1, 0}}, {}); }, {"y"});
  expect_invalid([&] { solver_.backward({{in, n_, 3}, {}}, {}); }, {"x", "stride"});
  const auto target = [&](auto member, std::int64_t stride) {
    ProblemGradient<double> g;
    (g.*member) = {out, stride};
    return g;
  };
  using G = ProblemGradient<double>;
  expect_invalid([&] { solver_.backward({}, target(&G::P, 24)); }, {"P", "stride", "25"});
  expect_invalid([&] { solver_.backward({}, target(&G::q, 4)); }, {"q", "stride", "5"});
  expect_invalid([&] { solver_.backward({}, target(&G::A, 4)); }, {"A", "stride"});
  expect_invalid([&] { solver_.backward({}, target(&G::l, -1)); }, {"l", "stride"});
  expect_invalid([&] { solver_.backward({}, target(&G::u, 1)); }, {"u", "stride"});
  expect_invalid([&] { solver_.adjoint_solve(0, in, nullptr, out, nullptr); }, {"k", "0"});
  ProblemTangent<double> t;
  t.P = {in, 4, 5, 0};
  expect_invalid([&] { solver_.jvp(t, {out, nullptr}); }, {"P", "5 x 5", "4 x 5"});
  t = {};
  t.q = {in, 6, 0};
  expect_invalid([&] { solver_.jvp(t, {out, nullptr}); }, {"q", "5", "6"});
}

TEST_F(SolveErrors, KktPointsAreChecked) {
  const std::vector<double> v(500);
  const KktPoint<double> good{2,
                              {v.data(), n_, n_, 0},
                              {v.data(), m_, n_, 0},
                              {v.data(), n_, 0},
                              {v.data(), m_, 0},
                              nullptr,
                              {},
                              {}};
  const auto check = [&](auto spoil, const std::vector<std::string>& words) {
    KktPoint<double> p = good;
    spoil(p);
    expect_invalid([&] { solver_.differentiate(p, nullptr); }, words);
  };
  check([](auto& p) { p.batch = 3; }, {"batch", "3"});
  check([](auto& p) { p.x.data = nullptr; }, {"x", "null"});
  check([](auto& p) { p.A.data = nullptr; }, {"A", "null"});
  check([](auto& p) { p.y.data = nullptr; }, {"y", "null"});
  check([](auto& p) { p.P.rows = 1; }, {"P", "5 x 5"});
  check([](auto& p) { p.x.size = 1; }, {"x", "5", "1"});
  check([&](auto& p) { p.gradient = {v.data(), 4, 0}; }, {"gradient", "5", "4"});
  check([&](auto& p) { p.violation = {v.data(), 1, 0}; }, {"violation"});
}

TEST(Errors, ASolverSaysWhatItWasMadeFor) {
  Settings settings;
  settings.eps_abs = 1e-4;
  Solver<double> solver({.n = 3, .m = 2}, 7, settings);
  EXPECT_EQ(solver.shape().n, 3);
  EXPECT_EQ(solver.shape().m, 2);
  EXPECT_EQ(solver.capacity(), 7);
  EXPECT_EQ(solver.settings().eps_abs, 1e-4);
  EXPECT_GT(solver.bytes(), 0u);
  Solver<double> moved = std::move(solver);
  EXPECT_EQ(moved.capacity(), 7);
}

}  // namespace
}  // namespace bpqp::test
