/// \file
/// On a real device, where there is one: the Solver with Device::cuda against the CPU's.
#include "as_on_the_cpu.hpp"

namespace bpqp::test {
namespace {

class OnDevice : public testing::Test {
 protected:
  void SetUp() override {
    const Capabilities can = capabilities();
    if (!can.cuda_built) GTEST_SKIP() << "this build has no CUDA";
    if (can.cuda_devices.empty()) GTEST_SKIP() << "there is no CUDA device";
    settings_.device = Device::cuda;
  }

  void check(const Batch<double>& data, double tolerance = 1e-9, bool share = false) {
    Solver<double> gpu(data.shape, data.batch, settings_);
    expect_as_on_the_cpu(data, gpu, tolerance, share);
  }

  Settings settings_;
};

TEST_F(OnDevice, SolvesFamiliesOfEverySizeClassAsTheCpuDoes) {
  check(family(io::Family::qp, 10, 5, 5, 300));
  check(family(io::Family::qp, 100, 20, 20, 40));
  check(family(io::Family::qp, 150, 30, 60, 10));
  check(family(io::Family::box, 40, -1, -1, 50));
  check(family(io::Family::mpc, 16, -1, -1, 50));
  check(family(io::Family::portfolio, 50, -1, -1, 20));
  check(family(io::Family::dense_ineq, 16, 0, 32, 50));
}

/// What compute-sanitizer is to see of every size class of blocks: it takes a thousand times as
/// long.
TEST_F(OnDevice, SolvesAFewOfEverySizeClassAsTheCpuDoes) {
  check(family(io::Family::qp, 10, 5, 5, 20));
  check(family(io::Family::qp, 20, 5, 10, 20), 1e-9, true);
  check(family(io::Family::qp, 40, 8, 8, 2));
  check(family(io::Family::qp, 132, 10, 10, 1));
}

TEST_F(OnDevice, SolvesWhatSharesMatricesAsTheCpuDoes) {
  check(family(io::Family::qp, 20, 5, 16, 300), 1e-9, true);
  check(family(io::Family::qp, 32, 8, 56, 100), 1e-9, true);
  check(family(io::Family::qp, 64, 12, 20, 60), 1e-9, true);
  check(family(io::Family::qp, 150, 30, 60, 10), 1e-9, true);
  check(family(io::Family::mpc, 16, -1, -1, 50), 1e-9, true);
}

TEST_F(OnDevice, GivesWhatSharesMatricesTheSameBitsAsAlone) {
  const Batch<double> many = family(io::Family::qp, 20, 5, 10, 64);
  Problem<double> p = many.view();
  p.P.stride = p.A.stride = p.l.stride = p.u.stride = 0;
  Answers<double> all(many.shape, many.batch), alone(many.shape, 1);
  Solver<double> gpu(many.shape, many.batch, settings_);
  gpu.solve(p, all.view());
  p.batch = 1;
  for (const int b : {0, 17, 63}) {
    p.q.data = many.q.data() + 20 * b;
    gpu.solve(p, alone.view());
    EXPECT_TRUE(same_bits(alone.x_of(0), all.x_of(b), 20)) << "problem " << b;
    EXPECT_TRUE(same_bits(alone.y_of(0), all.y_of(b), 15)) << "problem " << b;
  }
}

/// All blocks of the device together, in more than one part.
TEST_F(OnDevice, SolvesLargeProblemsAsTheCpuDoes) {
  check(family(io::Family::qp, 1100, 150, 150, 2));
  check(family(io::Family::box, 1030, -1, -1, 1));
}

TEST_F(OnDevice, SolvesWhatIsNotPlainAsTheCpuDoes) {
  check(family(io::Family::lp, 20, 5, 10, 20), 1e-7);
  check(family(io::Family::socp, 10, 4, -1, 20), 1e-7);
}

TEST_F(OnDevice, GivesAProblemTheSameBitsInEveryBatch) {
  const Batch<double> many = family(io::Family::qp, 20, 5, 10, 64);
  const Answers<double> all = solve(many, settings_);
  for (int b : {0, 17, 63}) {
    const Answers<double> one = solve(family(io::Family::qp, 20, 5, 10, b + 1), settings_);
    EXPECT_TRUE(same_bits(one.x_of(b), all.x_of(b), 20)) << "problem " << b;
    EXPECT_TRUE(same_bits(one.y_of(b), all.y_of(b), 15)) << "problem " << b;
  }
}

}  // namespace
}  // namespace bpqp::test
