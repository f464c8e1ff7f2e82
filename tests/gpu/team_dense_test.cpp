/// \file
/// The dense algebra of a GPU's teams, on an emulated warp, emulated blocks and an emulated grid,
/// against the portable functions in double. Sizes stand on both sides of those of tiles and warps,
/// and of panels and parts for the teams that have them; what a function may not touch is poisoned,
/// and compared bit by bit.
#include "gpu/team_dense_large.hpp"
#include "team_cases.hpp"
#include "team_matrix.hpp"

namespace bpqp::test {
namespace {

constexpr core::SerialTeam kSerial;

template <class C>
class TeamDense : public OnTeam<C> {};
TYPED_TEST_SUITE(TeamDense, TeamCases, TeamCaseName);

/// Orders of the matrices.
template <class C>
std::vector<int> sizes() {
  std::vector<int> all = {1, 2, 7, 8, 9, 16, 31, 32, 33, 40, 65};
  if (C::Layout::kMayBeGrid) all.push_back(gpu::kPanel * 2 + 17);
  return all;
}

/// cholesky() by every lane, which all must tell the same.
template <class Run, class R>
core::Pivots factor(const Run& run, Matrix<R>& A) {
  std::vector<core::Pivots> told(1024);
  int lanes = 0;
  run([&](const auto& team) {
    if (team.rank() == 0) lanes = team.size();
    told[std::size_t(team.rank())] = cholesky(team, A.data(), A.rows, A.ld);
  });
  for (int i = 1; i < lanes; ++i) {
    const core::Pivots &a = told[0], &b = told[std::size_t(i)];
    EXPECT_EQ(a.positive, b.positive) << "lane " << i;
    EXPECT_EQ(std::memcmp(&a.smallest, &b.smallest, sizeof a.smallest), 0) << "lane " << i;
  }
  return told[0];
}

TYPED_TEST(TeamDense, CholeskyIsThePortableOne) {
  using R = typename TypeParam::R;
  for (int n : sizes<TypeParam>()) {
    SCOPED_TRACE(n);
    const auto run = [&](const auto& body) { this->run(body, std::uint64_t(n)); };
    const Matrix<R> before = squared(random_factor<R>(n, std::uint64_t(n)));
    Matrix<R> A = before;
    Matrix<double> want = before.wide();
    const core::Pivots expected = core::cholesky(kSerial, want.data(), n, want.ld);
    const core::Pivots pivots = factor(run, A);
    EXPECT_TRUE(pivots.positive);
    EXPECT_NEAR(pivots.smallest, expected.smallest, tolerance<R>(n));
    expect_written(A, want, before, tolerance<R>(n), kLower);
  }
}

TYPED_TEST(TeamDense, CholeskyStopsAtAPivotThatIsNotPositiveAndTellsIt) {
  using R = typename TypeParam::R;
  for (int n : sizes<TypeParam>()) {
    const auto run = [&](const auto& body) { this->run(body, std::uint64_t(n)); };
    for (int k : {0, n / 2, n - 1})
      for (double bad : {-1.0, 0.0, -kInfinite, kNaN}) {
        SCOPED_TRACE(testing::Message() << n << ", pivot " << k << ", " << bad);
        Matrix<R> before = squared(random_factor<R>(n, std::uint64_t(n)));
        before.at(k, k) = R(bad);
        Matrix<R> A = before;
        Matrix<double> want = before.wide();
        const core::Pivots expected = core::cholesky(kSerial, want.data(), n, want.ld);
        const core::Pivots pivots = factor(run, A);
        EXPECT_FALSE(pivots.positive);
        EXPECT_EQ(std::isnan(pivots.smallest), std::isnan(expected.smallest));
        if (std::isfinite(expected.smallest)) {
          EXPECT_NEAR(pivots.smallest, expected.smallest, tolerance<R>(n));
        } else if (std::isinf(expected.smallest)) {
          EXPECT_EQ(pivots.smallest, expected.smallest);
        }
        for (int j = 0; j < n; ++j)
          for (int i = j; i < n; ++i) want.at(i, j) = double(A.at(i, j));
        if (!std::isnan(bad)) expect_written(A, want, before, 0, kLower);  // nothing else
      }
  }
}

TYPED_TEST(TeamDense, ANaNBesideTheDiagonalEndsAtItsRow) {
  using R = typename TypeParam::R;
  for (int n : {2, 9, 33, 65}) {
    Matrix<R> A = squared(random_factor<R>(n, 5));
    A.at(n - 1, 0) = R(kNaN);
    const core::Pivots pivots = factor([&](const auto& body) { this->run(body, 3); }, A);
    EXPECT_FALSE(pivots.positive) << n;
    EXPECT_TRUE(std::isnan(pivots.smallest)) << n;
  }
}

TYPED_TEST(TeamDense, CholeskyOfIndependentLeavesOutWhatDependsAndNothingElse) {
  using R = typename TypeParam::R;
  for (int n : sizes<TypeParam>()) {
    SCOPED_TRACE(n);
    const Matrix<R> L = random_factor<R>(n, std::uint64_t(n), true), before = squared(L);
    // Pivots are at least 1, or roundings.
    const std::vector<R> least(std::size_t(n), R(1e-2));
    const std::vector<double> wide(std::size_t(n), 1e-2);
    Matrix<R> A = before;
    Matrix<double> want = before.wide();
    core::cholesky_of_independent(kSerial, want.data(), n, want.ld, wide.data());
    this->run(
        [&](const auto& team) { cholesky_of_independent(team, A.data(), n, A.ld, least.data()); },
        std::uint64_t(n));
    expect_written(A, want, before, tolerance<R>(n), kLower);
    for (int j = 0; j < n; ++j)
      for (int i = j; i < n; ++i) {
        const double l = double(A.at(i, j));
        if (depends(j, true)) {
          ASSERT_EQ(l, i == j ? kInfinite : 0) << i << ", " << j;
        } else if (!depends(i, true)) {  // as in the factor of the others alone
          ASSERT_NEAR(l, double(L.at(i, j)), 4 * tolerance<R>(n)) << i << ", " << j;
        }
      }
  }
}

TYPED_TEST(TeamDense, TriangularSolvesAreThePortableOnes) {
  using R = typename TypeParam::R;
  for (int n : sizes<TypeParam>())
    for (int columns : {1, 2, 7, 8, 9, 33}) {
      if (columns == 33 && n > 33) continue;
      SCOPED_TRACE(testing::Message() << n << " x " << columns);
      const bool some = columns % 2 == 0;  // with rows that are left out
      Matrix<R> L = random_factor<R>(n, std::uint64_t(n));
      for (int k = 0; k < n; ++k)
        for (int i = k; i < n && depends(k, some); ++i) L.at(i, k) = R(i == k ? kInfinite : 0);
      const Matrix<R> before = random_matrix<R>(n, columns, std::uint64_t(columns));
      Matrix<R> B = before, C = before;
      Matrix<double> wide = L.wide(), b = before.wide(), c = b;
      core::solve_lower(kSerial, wide.data(), n, wide.ld, b.data(), columns, b.ld);
      core::solve_lower_transposed(kSerial, wide.data(), n, wide.ld, c.data(), columns, c.ld);
      this->run(
          [&](const auto& team) {
            solve_lower(team, L.data(), n, L.ld, B.data(), columns, B.ld);
            solve_lower_transposed(team, L.data(), n, L.ld, C.data(), columns, C.ld);
          },
          std::uint64_t(n + columns));
      // The inverse of such a factor has a norm of a few tens.
      expect_written(B, b, before, 32 * tolerance<R>(n), kAll);
      expect_written(C, c, before, 32 * tolerance<R>(n), kAll);
    }
}

TYPED_TEST(TeamDense, GramFillsBothTrianglesAndOuterProductsAddToTheLower) {
  using R = typename TypeParam::R;
  for (int n : sizes<TypeParam>())
    for (int m : {1, 9, 33}) {
      SCOPED_TRACE(testing::Message() << n << " x " << m);
      Matrix<R> Y = random_matrix<R>(n, m, 10), S(m, m), N = random_matrix<R>(n, n, 11);
      for (int j = 0; j < n; ++j)
        for (int i = 0; i < j; ++i) N.at(i, j) = R(kNaN);
      const Matrix<R> S_before = S, N_before = N;
      Matrix<double> y = Y.wide(), s = S.wide(), outer = N.wide();
      core::gram(kSerial, y.data(), n, m, y.ld, s.data(), s.ld);
      core::add_outer(kSerial, y.data(), n, m, y.ld, outer.data(), outer.ld);
      this->run(
          [&](const auto& team) {
            gram(team, Y.data(), n, m, Y.ld, S.data(), S.ld);
            add_outer(team, Y.data(), n, m, Y.ld, N.data(), N.ld);
          },
          std::uint64_t(n + m));
      expect_written(S, s, S_before, tolerance<R>(n), kAll);
      expect_written(N, outer, N_before, tolerance<R>(m), kLower);
      for (int j = 0; j < m; ++j)
        for (int i = 0; i < j; ++i) ASSERT_EQ(S.at(i, j), S.at(j, i));
    }
}

/// More than one part of a grid (eight panels), and of a vector's (256).
TEST(TeamDenseOfGrid, SeveralPartsAreThePortableOnes) {
  using Grid = OnTeam<TeamCase<GridOfThree, double>>;
  constexpr int n = 8 * gpu::kPanel + 70, kColumns = 11;
  Matrix<double> A = squared(random_factor<double>(n, 7)), before = A, want = A;
  core::cholesky(kSerial, want.data(), n, want.ld);
  Grid::run([&](const auto& team) { cholesky(team, A.data(), n, A.ld); }, 9);
  expect_written(A, want, before, tolerance<double>(n), kLower);

  Matrix<double> B = random_matrix<double>(n, kColumns, 8), c = random_matrix<double>(n, 1, 9);
  Matrix<double> d = c, b = B;
  const Matrix<double> B_before = B, c_before = c;
  Matrix<double> c_want = c, d_want = d;
  core::solve_lower(kSerial, want.data(), n, want.ld, b.data(), kColumns, b.ld);
  core::solve_lower(kSerial, want.data(), n, want.ld, c_want.data(), 1, c.ld);
  core::solve_lower_transposed(kSerial, want.data(), n, want.ld, d_want.data(), 1, d.ld);
  Grid::run(
      [&](const auto& team) {
        solve_lower(team, want.data(), n, want.ld, B.data(), kColumns, B.ld);
        solve_lower(team, want.data(), n, want.ld, c.data(), 1, c.ld);
        solve_lower_transposed(team, want.data(), n, want.ld, d.data(), 1, d.ld);
      },
      10);
  // The inverse of such a factor has a norm of a few tens.
  expect_written(B, b, B_before, 32 * tolerance<double>(n), kAll);
  expect_written(c, c_want, c_before, 32 * tolerance<double>(n), kAll);
  expect_written(d, d_want, c_before, 32 * tolerance<double>(n), kAll);
}

}  // namespace
}  // namespace bpqp::test
