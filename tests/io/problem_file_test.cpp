#include "io/problem_file.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <zlib.h>

#include <gtest/gtest.h>

#include "io/text_file.hpp"

namespace bpqp::io {
namespace {

// minimise x0^2 + x0 x1 + x1^2 ... with one row, every optional field given.
const std::string kComplete = R"({"name": "two", "n": 2, "m": 2,
  "P": {"rows": 2, "cols": 2, "i": [0, 0, 1, 1], "j": [0, 1, 0, 1], "v": [2, 1, 1, 2]},
  "q": [-1, 0.5], "A": {"rows": 2, "cols": 2, "i": [0, 1, 0], "j": [0, 1, 0], "v": [1, 3, 0.5]},
  "l": [-1e30, 0], "u": [1, 1e30], "r": 4, "g": [1, 2],
  "expect": {"status": "solved", "objective": 3.5, "tolerance": 1e-6, "x": [0, 1],
             "adjoint": {"g": [3, 4], "dq": [0, 0], "dlu": [1, 0], "dP": [[1, 2], [2, 4]],
                         "dA": [[1, 2], [3, 4]]}}})";

// The text above with one piece replaced.
std::string with(const std::string& piece, const std::string& replacement) {
  std::string text = kComplete;
  const auto at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  return text.replace(at, piece.size(), replacement);
}

std::string error_of(const std::string& text) {
  try {
    parse_problem(text, "two.json");
  } catch (const FileError& error) {
    return error.what();
  }
  return "no error";
}

class TemporaryFolder : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("bpqp_") + test->test_suite_name() + "_" + test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  std::filesystem::path write_gzip(const std::string& name, const std::string& text) const {
    const auto path = folder_ / name;
    const gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, text.data(), unsigned(text.size()));
    gzclose(file);
    return path;
  }
  std::string read_error(const std::filesystem::path& path) const {
    try {
      read_problem_file(path);
    } catch (const FileError& error) {
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

using ProblemFiles = TemporaryFolder;

TEST(ProblemText, ReadsEveryField) {
  const ProblemFile p = parse_problem(kComplete, "two.json");
  EXPECT_EQ(p.name, "two");
  EXPECT_EQ(p.shape.n, 2);
  EXPECT_EQ(p.shape.m, 2);
  EXPECT_EQ(p.P, (std::vector<double>{2, 1, 1, 2}));
  EXPECT_EQ(p.q, (std::vector<double>{-1, 0.5}));
  EXPECT_EQ(p.A, (std::vector<double>{1.5, 0, 0, 3})) << "entries given twice add up";
  EXPECT_EQ(p.l, (std::vector<double>{-1e30, 0}));
  EXPECT_EQ(p.u, (std::vector<double>{1, 1e30}));
  EXPECT_EQ(p.r, 4);
  EXPECT_EQ(p.g, (std::vector<double>{1, 2}));
  ASSERT_TRUE(p.expect && p.expect->adjoint);
  EXPECT_EQ(p.expect->status, "solved");
  EXPECT_EQ(p.expect->objective, 3.5);
  EXPECT_EQ(p.expect->tolerance, 1e-6);
  EXPECT_EQ(p.expect->x, (std::vector<double>{0, 1}));
  EXPECT_EQ(p.expect->adjoint->g, (std::vector<double>{3, 4}));
  EXPECT_EQ(p.expect->adjoint->dP, (std::vector<double>{1, 2, 2, 4}));
  EXPECT_EQ(p.expect->adjoint->dA, (std::vector<double>{1, 2, 3, 4}));
}

TEST(ProblemText, NeedsOnlyTheProblem) {
  const ProblemFile p = parse_problem(
      R"({"n": 1, "m": 0, "P": {"i": [], "j": [], "v": []}, "q": [1],
          "A": {"i": [], "j": [], "v": []}, "l": [], "u": []})",
      "folder/free.json.gz");
  EXPECT_EQ(p.name, "free");
  EXPECT_EQ(p.P, std::vector<double>{0});
  EXPECT_TRUE(p.A.empty() && p.g.empty() && p.shape.cones.empty() && !p.expect);
  EXPECT_EQ(p.r, 0);
}

TEST(ProblemText, ReadsConesWithoutLowerSides) {
  const auto p = parse_problem(with("\"r\": 4", "\"cones\": [1]"), "two.json");
  EXPECT_EQ(p.shape.cones, std::vector<int>{1});
  EXPECT_EQ(p.l, (std::vector<double>{-1e30, -kInfinity})) << "given: -1e30, 0";
}

TEST(ProblemText, AcceptsRoundingInP) {
  EXPECT_EQ(error_of(with("[2, 1, 1, 2]", "[2, 1, 1.000000001, 2]")), "no error");
}

struct Fault {
  const char* name;
  std::string piece, replacement, message;
};

class FaultyText : public testing::TestWithParam<Fault> {};

TEST_P(FaultyText, NamesFileFieldGivenAndExpected) {
  const auto& fault = GetParam();
  const std::string message = error_of(with(fault.piece, fault.replacement));
  EXPECT_NE(message.find(fault.message), std::string::npos) << message;
  EXPECT_EQ(message.find("two.json: "), 0u) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    ProblemText,
    FaultyText,
    testing::Values(
        Fault{"not_json", "\"n\": 2", "n: 2", "not JSON: parse error at line 1"},
        Fault{"cut_short", "[[1, 2], [3, 4]]}}}", "[[1, 2", "not JSON: parse error"},
        Fault{"more_behind", "[3, 4]]}}}", "[3, 4]]}}} 7", "not JSON: parse error"},
        Fault{"nan", "[-1, 0.5]", "[-1, NaN]", "JSON has no NaN"},
        Fault{"small_nan", "[-1, 0.5]", "[nan, 1]", "JSON has no NaN"},
        Fault{"infinity", "[1, 1e30]", "[1, Infinity]", "JSON has no NaN and no infinity"},
        Fault{"minus_infinity", "[-1e30, 0]", "[-Infinity, 0]", "JSON has no NaN and no infinity"},
        Fault{"overflow", "[1, 1e30]", "[1, 1e400]", "numbers that a double can hold"},
        Fault{"null_entry", "[-1, 0.5]", "[-1, null]", "q[1]: given null; expected a number"},
        Fault{
            "text_entry", "[1, 1e30]", "[\"inf\", 1]",
            "u[0]: given \"inf\" (text); expected a number"},
        Fault{
            "truth_entry", "[2, 1, 1, 2]", "[2, 1, 1, true]",
            "P.v[3]: given true; expected a number"},
        Fault{"short_q", "[-1, 0.5]", "[-1]", "q: given an array of 1 numbers; expected 2 (n)"},
        Fault{"long_u", "[1, 1e30]", "[1, 1, 1]", "u: given an array of 3 numbers; expected 2 (m)"},
        Fault{"scalar_l", "[-1e30, 0]", "0", "l: given 0; expected an array"},
        Fault{"missing_q", "\"q\": [-1, 0.5],", "", "q: missing"},
        Fault{"missing_v", ", \"v\": [2, 1, 1, 2]", "", "P.v: missing"},
        Fault{"missing_n", "\"n\": 2,", "", "n: missing"},
        Fault{"negative_n", "\"n\": 2", "\"n\": -2", "n: given -2; expected a whole number from 1"},
        Fault{"zero_n", "\"n\": 2", "\"n\": 0", "n: given 0; expected a whole number from 1"},
        Fault{"broken_n", "\"n\": 2", "\"n\": 2.5", "n: given 2.5; expected a whole number"},
        Fault{
            "text_n", "\"n\": 2", "\"n\": \"2\"", "n: given \"2\" (text); expected a whole number"},
        Fault{"huge_n", "\"n\": 2", "\"n\": 2000000000", "GB as dense matrices; expected at most"},
        Fault{
            "huge_m", "\"m\": 2", "\"m\": 99999999999999999999",
            "m: given 1e+20; expected a whole"},
        Fault{
            "wrapping_m", "\"m\": 2", "\"m\": 18446744073709551615",
            "m: given 18446744073709551615"},
        Fault{"negative_m", "\"m\": 2", "\"m\": -1", "m: given -1; expected a whole number from 0"},
        Fault{
            "index_beyond", "\"j\": [0, 1, 0, 1]", "\"j\": [0, 1, 0, 2]",
            "P.j[3]: given 2; expected a whole number from 0 to 1"},
        Fault{
            "index_below", "\"i\": [0, 1, 0]", "\"i\": [-1, 1, 0]",
            "A.i[0]: given -1; expected a whole number from 0 to 1"},
        Fault{
            "fewer_indices", "\"i\": [0, 1, 0]", "\"i\": [0, 1]",
            "A.i: given 2 indices; expected 3, as many as v has"},
        Fault{
            "wrong_rows", "\"A\": {\"rows\": 2", "\"A\": {\"rows\": 3",
            "A.rows: given 3; expected 2"},
        Fault{
            "P_is_list",
            "{\"rows\": 2, \"cols\": 2, \"i\": [0, 0, 1, 1], \"j\": [0, 1, 0, 1], \"v\": [2, 1, 1, "
            "2]}",
            "[[2, 1], [1, 2]]", "P: given an array of 2; expected an object"},
        Fault{
            "asymmetric", "[2, 1, 1, 2]", "[2, 1, 1.00001, 2]",
            "P: given P[0][1] = 1 and P[1][0] = 1.00001"},
        Fault{
            "one_triangle", "[2, 1, 1, 2]", "[2, 1, 0, 2]",
            "expected a symmetric matrix, both triangles"},
        Fault{
            "cones_beyond_m", "\"r\": 4", "\"cones\": [2, 1]",
            "cones: given sizes that add up to 3; expected at most m = 2"},
        Fault{
            "empty_cone", "\"r\": 4", "\"cones\": [0]",
            "cones[0]: given 0; expected a whole number from 1"},
        Fault{"text_r", "\"r\": 4", "\"r\": \"4\"", "r: given \"4\" (text); expected a number"},
        Fault{
            "short_g", "\"g\": [1, 2]", "\"g\": [1]",
            "g: given an array of 1 numbers; expected 2 (n)"},
        Fault{
            "text_expect", "\"objective\": 3.5", "\"objective\": \"x\"",
            "expect.objective: given \"x\" (text)"},
        Fault{
            "short_adjoint", "\"g\": [3, 4]", "\"g\": [3]",
            "expect.adjoint.g: given an array of 1"},
        Fault{
            "short_dA", "[[1, 2], [3, 4]]", "[[1, 2]]",
            "expect.adjoint.dA: given an array of 1 rows; expected 2"},
        Fault{
            "short_dP_row", "[[1, 2], [2, 4]]", "[[1, 2], [2]]",
            "expect.adjoint.dP[1]: given an array of 1"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ProblemText, RefusesAnEmptyFileAndOtherValues) {
  EXPECT_EQ(error_of(""), "two.json: not JSON: the file is empty");
  EXPECT_EQ(error_of("[]"), "two.json: given an array of 0; expected an object");
}

TEST(ProblemText, RefusesEntriesOfAMatrixWithoutRows) {
  const std::string text = R"({"n": 1, "m": 0, "P": {"i": [], "j": [], "v": []}, "q": [1],
      "A": {"i": [0], "j": [0], "v": [1]}, "l": [], "u": []})";
  EXPECT_EQ(error_of(text), "two.json: A.v: given 1 entries; expected none, because m = 0");
}

TEST_F(ProblemFiles, ReadPlainAndGzip) {
  EXPECT_EQ(read_problem_file(write("a.json", kComplete)).name, "two");
  EXPECT_EQ(
      read_problem_file(write_gzip("b.json.gz", kComplete)).P, (std::vector<double>{2, 1, 1, 2}));
  EXPECT_EQ(read_problem_file(write("plain.json.gz", kComplete)).name, "two")
      << "whatever its name";
}

TEST_F(ProblemFiles, RefuseTruncatedAndDamagedGzip) {
  const auto whole = read_text(write_gzip("a.json.gz", kComplete));
  EXPECT_EQ(whole, kComplete);
  std::ifstream stream(folder_ / "a.json.gz", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  for (const std::size_t kept :
       {bytes.size() - 1, bytes.size() - 9, bytes.size() / 2, std::size_t(12)}) {
    EXPECT_NE(
        read_error(write("cut.json.gz", bytes.substr(0, kept))).find("end too early"),
        std::string::npos)
        << kept << " of " << bytes.size();
  }
  bytes[bytes.size() / 2] = char(~bytes[bytes.size() / 2]);
  EXPECT_NE(read_error(write("bad.json.gz", bytes)).find("damaged gzip data"), std::string::npos);
}

TEST_F(ProblemFiles, RefuseWhatIsNotThere) {
  EXPECT_NE(
      read_error(folder_ / "none.json").find("cannot be opened: No such file"), std::string::npos);
  EXPECT_NE(read_error(folder_).find("is a folder"), std::string::npos);
  EXPECT_THROW(list_problem_files(folder_ / "none.json"), FileError);
  EXPECT_THROW(list_problem_files(folder_), FileError) << "an empty folder";
}

TEST_F(ProblemFiles, AreListedByNameWithoutThoseInInnerFolders) {
  write("b.json", "");
  write("a.json.gz", "");
  write("notes.txt", "");
  std::filesystem::create_directories(folder_ / "inner.json");
  write("inner.json/c.json", "");
  const auto files = list_problem_files(folder_);
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].filename(), "a.json.gz");
  EXPECT_EQ(files[1].filename(), "b.json");
  EXPECT_EQ(list_problem_files(folder_ / "notes.txt").size(), 1u)
      << "a file named is taken as it is";
}

}  // namespace
}  // namespace bpqp::io
