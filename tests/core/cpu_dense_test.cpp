// The CPU's dense algebra against the portable one, at every size that leaves another rest of its
// vectors, strips and tiles. Compiled once more for each instruction level, since the width of a
// vector is theirs. Tolerance: the largest values are about 1e3, their sums have up to 300 terms.
#include "cpu/cpu_dense.hpp"

#include "support/instruction_level.hpp"
#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using Values = std::vector<double>;

class CpuDense : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_instructions()) GTEST_SKIP() << "this processor lacks the instructions";
  }
};

/// Factor, solution, Y'Y and Y Y' from a random A [n x m]; what lies above the diagonal of a lower
/// triangle is 5 before and after.
template <class T>
Values dense_results(const T& team, int n, int m) {
  std::mt19937_64 engine(17);
  const std::size_t rows = std::size_t(n), columns = std::size_t(m);
  Values A = test::normals(rows * columns, engine);
  Values L(rows * rows, 5), S(columns * columns, 0);
  for (std::size_t j = 0; j < rows; ++j)
    for (std::size_t i = j; i < rows; ++i) L[j * rows + i] = i == j ? 1 : 0;
  add_outer(team, A.data(), n, m, n, L.data(), n);
  const Pivots pivots = cholesky(team, L.data(), n, n);
  EXPECT_TRUE(pivots.positive);
  solve_lower(team, L.data(), n, n, A.data(), m, n);
  gram(team, A.data(), n, m, n, S.data(), m);
  S.insert(S.end(), A.begin(), A.end());
  S.insert(S.end(), L.begin(), L.end());
  S.push_back(pivots.smallest);
  return S;
}

void expect_same_results(int n, int m) {
  const Values portable = dense_results(SerialTeam(), n, m);
  const Values cpu = dense_results(cpu::CpuTeam(), n, m);
  for (std::size_t i = 0; i < portable.size(); ++i)
    ASSERT_NEAR(portable[i], cpu[i], 1e-11) << n << " x " << m;
}

TEST_F(CpuDense, AgreesWithThePortableVersionOnEverySmallSize) {
  for (int n = 1; n <= 40; ++n)
    for (const int m : {1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 17, 24, 25, 29}) expect_same_results(n, m);
}

/// Above 2 * 128 rows it works in tiles, the last of which may be small.
TEST_F(CpuDense, AgreesWithThePortableVersionOnSeveralTiles) {
  for (const auto& [n, m] : {std::pair(255, 40), {256, 3}, {258, 257}, {265, 300}, {300, 270}})
    expect_same_results(n, m);
}

/// Every seventh row is the sum of two before it.
TEST_F(CpuDense, LeavesOutTheRowsThatThePortableVersionLeavesOut) {
  for (const int n : {3, 9, 50, 255, 256, 300, 400}) {
    const std::size_t rows = std::size_t(n);
    std::mt19937_64 engine(18);
    Values Y = test::normals(rows * rows, engine), least(rows);
    for (std::size_t i = 6; i < rows; i += 7)
      for (std::size_t j = 0; j < rows; ++j)
        Y[i * rows + j] = Y[(i - 3) * rows + j] + Y[(i - 5) * rows + j];
    Values portable(rows * rows);
    gram(SerialTeam(), Y.data(), n, n, n, portable.data(), n);
    for (std::size_t i = 0; i < rows; ++i) least[i] = 1e-12 * portable[i * rows + i];
    Values cpu = portable;
    cholesky_of_independent(SerialTeam(), portable.data(), n, n, least.data());
    cholesky_of_independent(cpu::CpuTeam(), cpu.data(), n, n, least.data());
    for (std::size_t i = 0; i < rows; ++i) {
      ASSERT_EQ(std::isinf(portable[i * rows + i]), i % 7 == 6);
      ASSERT_EQ(std::isinf(cpu[i * rows + i]), i % 7 == 6) << n << ", row " << i;
      for (std::size_t j = 0; j < i; ++j)
        ASSERT_NEAR(portable[j * rows + i], cpu[j * rows + i], 1e-11)
            << n << ": " << i << ", " << j;
    }
  }
}

TEST_F(CpuDense, StopsAtAPivotThatIsNotPositiveWhereverItIs) {
  for (const int n : {3, 4, 9, 50, 300})
    for (const int bad : {0, n / 2, n - 1}) {
      Values A(std::size_t(n) * std::size_t(n), 0);
      for (int j = 0; j < n; ++j) A[std::size_t(j) * std::size_t(n + 1)] = j == bad ? -2 : 1 + j;
      const Pivots pivots = cholesky(cpu::CpuTeam(), A.data(), n, n);
      EXPECT_FALSE(pivots.positive);
      EXPECT_EQ(pivots.smallest, -2) << n << " at " << bad;
    }
}

}  // namespace
}  // namespace bpqp::core
