// Methods, cones, the time limit and the benchmark of the command.
#include <gtest/gtest.h>

#include "cli/problems.hpp"
#include "cli/run_command.hpp"

namespace bpqp::test {
namespace {

class Methods : public CommandTest {
 protected:
  void write_json(const std::string& name, const json& value) const { write(name, value.dump()); }
};

TEST_F(Methods, SolvesAndDifferentiatesCones) {
  write_json("ball.json", with(ball(), "g", {1, 0}));
  const json solved = run("solve ball.json --json").json().at(0);
  EXPECT_EQ(solved["status"], "solved");
  EXPECT_EQ(solved["method"], "interior_point");
  EXPECT_NEAR(solved["objective"].get<double>(), -5, 1e-9);
  EXPECT_NEAR(solved["x"][0].get<double>(), -0.6, 1e-9);
  // x = u_0 (-q/|q|) - (u_1, u_2): dx_0/dq = -(1 - 0.36, -0.48)/5, dx_0/du = (-0.6, -1, 0).
  const json answer = run("gradient ball.json --json").json().at(0);
  EXPECT_EQ(answer["differentiable"], true);
  const std::vector<double> dq = {-0.128, 0.096}, du = {-0.6, -1, 0};
  for (std::size_t j = 0; j < 2; ++j) EXPECT_NEAR(answer["dq"][j].get<double>(), dq[j], 1e-9);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(answer["du"][i].get<double>(), du[i], 1e-9);
    EXPECT_EQ(answer["dl"][i], 0);
  }
  const json check = run("gradcheck ball.json --json").json().at(0);
  EXPECT_EQ(check["differentiable"], true);
  EXPECT_GT(check["cosine"].get<double>(), 0.999999) << check;
  EXPECT_LT(check["max_relative_error"].get<double>(), 1e-6) << check;
}

TEST_F(Methods, SolvesByTheMethodAskedFor) {
  write_json("half.json", half());
  for (const std::string method : {"admm", "interior_point"}) {
    const json answer = run("solve half.json --json --method " + method).json().at(0);
    EXPECT_EQ(answer["status"], "solved");
    EXPECT_EQ(answer["method"], method);
    EXPECT_NEAR(answer["objective"].get<double>(), 4.25, 1e-9);
  }
}

TEST_F(Methods, DifferentiatesTheRelaxedPointWithKappa) {
  // minimise q x on 0 <= x <= 1 is relaxed to q = kappa/x - kappa/(1 - x): x = 1/4 for the q below,
  // and dx/dq = -1/(kappa/x^2 + kappa/(1 - x)^2) = -0.5625.
  write_json("line.json", with(line("line", 0, 1), "q", {0.4 - 0.1 / 0.75}));
  const json vertex = run("gradient line.json --json").json().at(0);
  EXPECT_EQ(vertex["dq"][0].get<double>(), 0);
  const json relaxed = run("gradient line.json --json --kappa 0.1").json().at(0);
  EXPECT_EQ(relaxed["kappa"], 0.1);
  EXPECT_EQ(relaxed["differentiable"], true);
  EXPECT_NEAR(relaxed["dq"][0].get<double>(), -0.5625, 1e-9);
  const auto negative = run("gradient line.json --kappa -1");
  EXPECT_EQ(negative.exit_code, 1);
  EXPECT_NE(negative.err.find("kappa"), std::string::npos) << negative.err;
}

TEST_F(Methods, EndsAtTheTimeLimit) {
  write_json("ball.json", ball());
  EXPECT_EQ(run("solve ball.json --time-limit 60").exit_code, 0);
  const auto result = run("solve ball.json --json --time-limit 1e-9");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.json().at(0)["status"], "solved");
}

TEST_F(Methods, TimesFamilies) {
  for (const std::string family : {"qp", "lp", "socp", "dense_ineq", "portfolio", "mpc", "box"}) {
    const auto result = run(
        "bench --n 10 --batch 4 --repeat 2 --threads 1 --backward --p-diagonal 1 --json --family " +
        family);
    EXPECT_EQ(result.exit_code, 0) << family << result.err;
    const json answer = result.json().at(0);
    EXPECT_EQ(answer["family"], family);
    EXPECT_EQ(answer["batch"], 4);
    EXPECT_EQ(answer["unsolved"], 0);
    EXPECT_GT(answer["forward_seconds"].get<double>(), 0);
    EXPECT_GT(answer["backward_seconds"].get<double>(), 0);
    EXPECT_GT(answer["bytes"].get<double>(), 0);
    for (const char* key : {"primal_residual", "dual_residual", "gap"}) {
      EXPECT_LE(answer[key].get<double>(), 1e-6) << family << " " << key;
    }
  }
  for (const std::string family : {"lp", "socp"}) {
    const auto result =
        run("bench --n 10 --batch 4 --repeat 2 --json --method interior_point --family " + family);
    EXPECT_EQ(result.exit_code, 0) << family << result.err;
    EXPECT_EQ(result.json().at(0)["unsolved"], 0) << family;
  }
  EXPECT_NE(
      run("bench --n 5 --batch 2 --repeat 1").out.find("not measured (--backward)"),
      std::string::npos);
}

}  // namespace
}  // namespace bpqp::test
