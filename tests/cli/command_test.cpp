#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "cli/problems.hpp"
#include "cli/run_command.hpp"

namespace bpqp::test {
namespace {

class Command : public CommandTest {
 protected:
  void write_json(const std::string& name, const json& value) const { write(name, value.dump()); }

  // Bad usage or input: exit 1, nothing on stdout, one line on stderr that holds all of `words`.
  void expect_refusal(const std::string& arguments, const std::vector<std::string>& words) const {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_LT(result.err.size(), 300u) << result.err;
    for (const auto& word : words) {
      EXPECT_NE(result.err.find(word), std::string::npos)
          << "no '" << word << "' in " << result.err;
    }
  }
};

TEST_F(Command, SolvesAndSaysSoInJson) {
  write_json("half.json", half());
  const auto result = run("solve half.json --json");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  const auto lines = result.json();
  ASSERT_EQ(lines.size(), 1u);
  const json& answer = lines[0];
  std::vector<std::string> keys;
  for (const auto& [key, value] : answer.items()) keys.push_back(key);
  std::vector<std::string> expected = {
      "name",
      "n",
      "m",
      "status",
      "objective",
      "primal_residual",
      "dual_residual",
      "gap",
      "primal_residual_relative",
      "dual_residual_relative",
      "gap_relative",
      "iterations",
      "exchanges",
      "method",
      "x",
      "y",
      "certificate",
      "seconds"};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(keys, expected);
  EXPECT_EQ(answer["status"], "solved");
  EXPECT_NEAR(answer["objective"].get<double>(), 4.25, 1e-9);
  EXPECT_NEAR(answer["x"][0].get<double>(), 0.5, 1e-9);
  EXPECT_NEAR(answer["y"][0].get<double>(), 0.5, 1e-9);
  EXPECT_TRUE(answer["certificate"].is_null());
  EXPECT_LE(answer["gap_relative"].get<double>(), 1e-6);
}

TEST_F(Command, NamesNoMethodWhereNoneWasNeeded) {
  write_json("half.json", half());
  EXPECT_TRUE(run("solve half.json --json").json().at(0)["method"].is_string());
  write_json("crossed.json", with(half(), "l", {2, 0}));
  EXPECT_TRUE(run("solve crossed.json --json").json().at(0)["method"].is_null());
  json free = half();
  free["m"] = 0;
  free["A"] = entries(0, 2, {}, {}, {});
  free["l"] = free["u"] = json::array();
  write_json("free.json", free);
  EXPECT_TRUE(run("solve free.json --json").json().at(0)["method"].is_null());
}

TEST_F(Command, PrintsNothingElseWithManyThreads) {
  write_json("half.json", half());
  const auto result = run("solve half.json --json --threads 64");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
}

TEST_F(Command, PrintsATableForPeople) {
  write_json("half.json", half());
  const auto result = run("solve half.json");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_NE(result.out.find("half"), std::string::npos);
  EXPECT_NE(result.out.find("4.25"), std::string::npos);
  EXPECT_NE(result.out.find("x: 0.5, 0.5"), std::string::npos);
}

TEST_F(Command, AnswersInTheOrderOfTheFilesWhateverTheirShapes) {
  write_json("a.json", with(half(), "name", "a"));
  write_json("b.json", line("b", 2, 3));
  write_json("c.json", with(half(), "name", "c"));
  const auto lines = run("solve . --json").json();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["name"], "a");
  EXPECT_EQ(lines[1]["name"], "b");
  EXPECT_EQ(lines[2]["name"], "c");
  EXPECT_NEAR(lines[1]["objective"].get<double>(), 2, 1e-6);
}

TEST_F(Command, CountsInfeasibleAndUnboundedAsAnswers) {
  write_json(
      "infeasible.json",
      with(with(half(), "l", {-1e30, 2}), "A", entries(2, 2, {0, 1}, {0, 0}, {1, 1})));
  write_json("unbounded.json", line("unbounded", -1e30, 3));
  const auto result = run("solve infeasible.json unbounded.json --json");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto lines = result.json();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["status"], "primal_infeasible");
  EXPECT_TRUE(lines[0]["x"][0].is_null()) << "NaN is null";
  EXPECT_TRUE(lines[0]["objective"].is_null());
  EXPECT_EQ(lines[0]["certificate"].size(), 2u);
  EXPECT_EQ(lines[1]["status"], "dual_infeasible");
  EXPECT_NEAR(lines[1]["certificate"][0].get<double>(), -1, 1e-9);
}

TEST_F(Command, GivesGradients) {
  // x = (1 - u0, ...): along u0, dx = (1/2, 1/2); g = (1, 0), so du0 = 1/2.
  write_json("half.json", with(half(), "g", {1, 0}));
  const auto result = run("gradient half.json --json");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const json answer = result.json().at(0);
  EXPECT_EQ(answer["differentiable"], true);
  EXPECT_NEAR(answer["du"][0].get<double>(), 0.5, 1e-9);
  EXPECT_EQ(answer["dl"][0], 0);
  EXPECT_EQ(answer["dl"][1], 0);
  EXPECT_NEAR(answer["dq"][0].get<double>(), -0.5, 1e-9);
  EXPECT_NEAR(answer["dq"][1].get<double>(), 0.5, 1e-9);
  EXPECT_NEAR(answer["dP"][0][0].get<double>(), -0.25, 1e-9);
  EXPECT_NEAR(answer["dP"][0][1].get<double>(), 0, 1e-9);
  EXPECT_NEAR(answer["dA"][0][0].get<double>(), -0.5, 1e-9);  // -(d x0 + y w0) = -1/4 - 1/4
  EXPECT_NEAR(answer["dA"][0][1].get<double>(), 0, 1e-9);
  EXPECT_NE(run("gradient half.json").out.find("half  solved, differentiable"), std::string::npos);
}

TEST_F(Command, ChecksGradients) {
  write_json("half.json", half());
  // The second equality is twice the first: their right-hand sides must move together.
  json dependent = with(with(half(), "l", {1, 2}), "u", {1, 2});
  dependent["A"] = entries(2, 2, {0, 0, 1, 1}, {0, 1, 0, 1}, {1, 1, 2, 2});
  write_json("dependent.json", with(with(dependent, "g", {1, 3}), "name", "dependent"));
  const auto lines = run("gradcheck half.json dependent.json --json --seed 3").json();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["differentiable"], true);
  for (const auto& answer : lines) {
    EXPECT_GT(answer["cosine"].get<double>(), 0.999999) << answer;
    EXPECT_LT(answer["max_relative_error"].get<double>(), 1e-6) << answer;
  }
}

TEST_F(Command, RoundsDataToFloat) {
  write_json("half.json", with(half(), "q", {-1, -1.1}));
  const auto answer = run("solve half.json --json --precision float").json().at(0);
  EXPECT_EQ(answer["status"], "solved");
  EXPECT_NEAR(answer["x"][1].get<double>(), 0.55, 1e-6);
  EXPECT_NE(answer["x"][1].get<double>(), 0.55);
  EXPECT_EQ(run("gradient half.json --precision float").exit_code, 0);
}

TEST_F(Command, TeachesItsUse) {
  for (const std::string arguments :
       {"--help", "solve --help", "gradient --help", "gradcheck --help", "bench --help",
        "info --help"}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments;
    EXPECT_EQ(result.err, "") << arguments;
    EXPECT_NE(result.out.find("Example"), std::string::npos) << arguments;
  }
  EXPECT_EQ(run("--version").out.find("bpqp "), 0u);
  const auto info = run("info --json").json().at(0);
  EXPECT_GT(info["threads"], 0);
  EXPECT_FALSE(info["version"].get<std::string>().empty());
  EXPECT_NE(run("info").out.find("CPU level"), std::string::npos);
}

TEST_F(Command, RefusesBadUsage) {
  write_json("half.json", half());
  expect_refusal("", {"no command given", "gradcheck", "bpqp --help"});
  expect_refusal("--frobnicate", {"--frobnicate", "bpqp --help"});
  expect_refusal("frobnicate", {"frobnicate", "--help"});
  expect_refusal("solve", {"FILE", "bpqp solve --help"});
  expect_refusal("solve half.json --frobnicate", {"--frobnicate", "bpqp solve --help"});
  expect_refusal("solve half.json --method simplex", {"--method", "simplex", "interior_point"});
  expect_refusal("solve half.json --backward-method x", {"--backward-method", "direct"});
  expect_refusal("solve half.json --device tpu", {"--device", "tpu", "cuda"});
  expect_refusal("solve half.json --precision half", {"--precision", "half", "float"});
  for (const std::string eps : {"small", "-1", "0", "inf", "nan", "1e-6x"}) {
    expect_refusal("solve half.json --eps " + eps, {"--eps", "given " + eps, "number > 0"});
  }
  for (const std::string threads : {"-2", "99999", "1.5", "two"}) {
    expect_refusal(
        "solve half.json --threads " + threads,
        {"--threads", "given " + threads, "whole number from 0 to 4096"});
  }
  for (const std::string limit : {"0", "-1", "soon"}) {
    expect_refusal(
        "solve half.json --time-limit " + limit, {"--time-limit", "given " + limit, "number > 0"});
  }
  expect_refusal("bench --batch 0", {"--batch", "given 0", "whole number from 1"});
  expect_refusal("bench --repeat x", {"--repeat", "given x", "whole number from 1"});
  expect_refusal("bench --eq -3", {"--eq", "given -3", "whole number from 0"});
  expect_refusal("bench --family lp --p-diagonal -1", {"p_diagonal", "given -1,", "at least 0"});
  expect_refusal("gradcheck half.json --directions 2", {"--directions", "2"});
  expect_refusal("bench --family milp", {"--family", "milp", "dense_ineq"});
  expect_refusal("bench --n 0", {"n", "0"});
  expect_refusal("bench --n 4 --eq 5", {"eq", "5", "at most n = 4"});
  expect_refusal("info half.json", {"half.json"});
}

TEST_F(Command, RefusesWhatIsNotThere) {
  std::filesystem::create_directories(folder_ / "in/empty");
  expect_refusal("solve none.json", {"none.json: no such file"});
  expect_refusal("solve empty", {"empty: no problem files in this folder"});
  expect_refusal("gradient empty", {"empty: no problem files in this folder"});
}

// In the words of the command, not of the library behind it.
TEST_F(Command, RefusesWhatThisBuildCannotDo) {
  write_json("half.json", half());
  write_json("cone.json", with(half(), "cones", {2}));
  const auto can = run("info --json").json().at(0);
  const auto lacks = [&](const char* what, const char* name) {
    const auto& all = can[what];
    return std::find(all.begin(), all.end(), name) == all.end();
  };
  if (lacks("methods", "interior_point")) {
    expect_refusal(
        "solve half.json --method interior_point", {"--method", "interior_point", "auto or admm"});
  }
  if (lacks("precisions", "mixed")) {
    expect_refusal(
        "solve half.json --precision mixed", {"--precision", "mixed", "double or float"});
  }
  if (!can["cones"]) {
    for (const std::string command : {"solve", "gradient", "gradcheck"}) {
      expect_refusal(command + " cone.json", {"cone.json: cones: given 1", "expected none"});
    }
  }
}

TEST_F(Command, ShowsHowAGpuWouldTakeAShape) {
  const CommandResult small = run("info --plan 10 20"), large = run("info --plan 500 100");
  EXPECT_EQ(small.exit_code, 0);
  EXPECT_NE(small.out.find("a warp"), std::string::npos) << small.out;
  EXPECT_NE(large.out.find("a block"), std::string::npos) << large.out;
  const std::string shared = "Where the batch shares P and A, a block keeps copies";
  EXPECT_NE(small.out.find(shared), std::string::npos) << small.out;
  EXPECT_NE(small.out.find("D, E, S, L, Y, A, P"), std::string::npos) << small.out;
  EXPECT_EQ(large.out.find("D, E, S"), std::string::npos) << large.out;
  expect_refusal("info --plan 10", {"--plan"});
  expect_refusal("info --plan 10 -3", {"--plan", "-3"});
}

TEST_F(Command, RefusesADeviceThatIsNotThere) {
  if (!run("info --json").json().at(0)["cuda_devices"].empty()) GTEST_SKIP() << "there is one";
  write_json("half.json", half());
  expect_refusal("solve half.json --device cuda", {"cuda"});
  expect_refusal("bench --device cuda", {"cuda"});
}

TEST_F(Command, NamesFileAndFieldOfBadInput) {
  write("text.json", "n = 2");
  expect_refusal("solve text.json", {"text.json: not JSON"});
  write("nan.json", R"({"n": 1, "q": [NaN]})");
  expect_refusal("solve nan.json", {"nan.json: not JSON", "JSON has no NaN"});
  write("cut.json.gz", "\x1f\x8b\x08\x0c");
  expect_refusal("solve cut.json.gz", {"cut.json.gz", "end too early"});
  write_json("length.json", with(half(), "q", {1}));
  expect_refusal("gradient length.json", {"length.json: q: given", "expected 2 (n)"});
  write_json("index.json", with(half(), "P", entries(2, 2, {0, 2}, {0, 1}, {1, 1})));
  expect_refusal("solve index.json", {"index.json: P.i[1]: given 2"});
  write_json("null.json", with(half(), "u", {1, nullptr}));
  expect_refusal("solve null.json", {"null.json: u[1]: given null"});
  write_json("asymmetric.json", with(half(), "P", entries(2, 2, {0, 0, 1}, {0, 1, 1}, {1, 1, 1})));
  expect_refusal("solve asymmetric.json", {"asymmetric.json: P: given P[0][1] = 1", "symmetric"});
  write_json("cone.json", with(half(), "cones", {3}));
  expect_refusal("solve cone.json", {"cone.json: cones: given", "at most m = 2"});
}

// Values that JSON can hold and the library cannot use are found there, and named here.
TEST_F(Command, NamesFileAndEntryOfInvalidInput) {
  const auto expect_complaint = [this](const std::string& arguments, const std::string& words) {
    const auto result = run(arguments + " --json");
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_EQ(result.json().at(0)["status"], "invalid_input") << arguments;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  };
  write_json("l.json", with(half(), "l", {-1e30, 1e30}));
  expect_complaint("solve l.json", "l.json: l[1]: given 1e+30, expected");
  write_json("u.json", with(half(), "u", {-1e31, 1}));
  expect_complaint("gradient u.json", "u.json: u[0]: given -1e+31, expected");
  write_json("P.json", with(half(), "P", entries(2, 2, {0, 1, 1}, {0, 1, 1}, {1, 1e308, 1e308})));
  expect_complaint("gradcheck P.json", "P.json: P[1][1]: given inf, expected");
  write_json("q.json", with(half(), "q", {-1, 1e200}));
  expect_complaint("solve q.json --precision float", "q.json: q[1]: given inf, expected");
}

TEST_F(Command, AnswersTheOthersBesideABadFile) {
  write_json("a.json", half());
  write("b.json", "{");
  write_json("c.json", with(half(), "name", "third"));
  for (const std::string what : {"solve", "gradient", "gradcheck"}) {
    const auto result = run(what + " . --json");
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.json().size(), 2u) << what;
    EXPECT_NE(result.err.find("b.json: not JSON"), std::string::npos);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

TEST_F(Command, SaysThatSomeWereNotAnswered) {
  // Accuracy beyond doubles' on a problem whose solution is no round number.
  write_json("half.json", with(half(), "q", {-0.3, -1.7}));
  write_json("c.json", line("c", 2, 3));
  const auto result = run("solve . --json --eps 1e-300");
  const auto lines = result.json();
  ASSERT_EQ(lines.size(), 2u);
  bool all_solved = true;
  for (const auto& answer : lines) all_solved = all_solved && answer["status"] == "solved";
  EXPECT_EQ(result.exit_code, all_solved ? 0 : 2);
}

}  // namespace
}  // namespace bpqp::test
