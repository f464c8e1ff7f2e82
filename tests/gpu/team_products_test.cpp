/// \file
/// A GPU's teams' passes over a matrix (gpu/team_products.hpp), against the portable functions.
/// What lies outside of the matrices is poisoned.
#include "gpu/team_products.hpp"

#include "team_cases.hpp"
#include "team_matrix.hpp"

namespace bpqp::test {
namespace {

constexpr int kSizes[] = {1, 2, 7, 8, 9, 31, 33, 65};
constexpr core::SerialTeam kSerial;

template <class C>
class TeamProducts : public OnTeam<C> {};
TYPED_TEST_SUITE(TeamProducts, TeamCases, TeamCaseName);

/// check(n, m, A) for matrices of both types of data.
template <class Check>
void for_matrices(const Check& check) {
  for (int n : kSizes)
    for (int m : kSizes) {
      SCOPED_TRACE(testing::Message() << n << " x " << m);
      check(n, m, random_matrix<double>(n, m, 13));
      check(n, m, random_matrix<float>(n, m, 13));
    }
}

TYPED_TEST(TeamProducts, ProductsAreThePortableOnes) {
  using R = typename TypeParam::R;
  for_matrices([&](int n, int m, auto A) {
    Matrix<R> x = random_matrix<R>(n, 1, 12), Atx(m, 1), y = random_matrix<R>(m, 1, 14), Ay(n, 1);
    const Matrix<R> Atx_before = Atx, Ay_before = Ay;
    Matrix<double> wide = A.wide(), Atx_want = Atx.wide(), Ay_want = Ay.wide();
    core::transposed_product(kSerial, wide.data(), n, m, wide.ld, x.wide().data(), Atx_want.data());
    core::product(kSerial, wide.data(), n, m, wide.ld, y.wide().data(), Ay_want.data());
    this->run(
        [&](const auto& team) {
          transposed_product(team, A.data(), n, m, A.ld, x.data(), Atx.data());
          product(team, A.data(), n, m, A.ld, y.data(), Ay.data());
        },
        std::uint64_t(n + m));
    expect_written(Atx, Atx_want, Atx_before, tolerance<R>(n), kAll);
    expect_written(Ay, Ay_want, Ay_before, tolerance<R>(m), kAll);
  });
}

/// Maxima round nothing: the same bits.
TYPED_TEST(TeamProducts, MaximaAreThePortableOnesAndKeepNaN) {
  using R = typename TypeParam::R;
  for_matrices([&](int n, int m, auto A) {
    for (const bool lower : {false, true})
      for (const bool broken : {false, true}) {
        if (lower && n != m) continue;
        SCOPED_TRACE(testing::Message() << (lower ? "lower " : "") << (broken ? "NaN" : ""));
        auto M = A;
        if (broken) M.at(n - 1, m / 2) = NAN;
        for (int j = 0; lower && j < m; ++j)
          for (int i = 0; i < j; ++i) M.at(i, j) = NAN;  // not to be read
        Matrix<R> row_scale = random_matrix<R>(n, 1, 3), col_scale = random_matrix<R>(m, 1, 4);
        for (auto* scale : {&row_scale, &col_scale})
          for (R& v : scale->v) v = std::fabs(v);
        if (lower) row_scale = col_scale;
        Matrix<R> rows(n, 1), columns(m, 1);
        for (int i = 0; i < n; ++i) rows.at(i, 0) = R(0.25);
        for (int j = 0; j < m; ++j) columns.at(j, 0) = R(0.5);
        Matrix<R> row_want = rows, column_want = columns;
        core::scaled_maxima(
            kSerial, M.data(), n, m, M.ld, row_scale.data(), col_scale.data(), lower,
            lower ? column_want.data() : row_want.data(), column_want.data());
        this->run(
            [&](const auto& team) {
              scaled_maxima(
                  team, M.data(), n, m, M.ld, row_scale.data(), col_scale.data(), lower,
                  lower ? columns.data() : rows.data(), columns.data());
            },
            std::uint64_t(n + m));
        const auto same = [](const Matrix<R>& have, const Matrix<R>& want) {
          for (int i = 0; i < want.rows; ++i) {
            if (std::isnan(want.at(i, 0)))
              ASSERT_TRUE(std::isnan(have.at(i, 0))) << i;
            else
              ASSERT_EQ(have.at(i, 0), want.at(i, 0)) << i;
          }
        };
        same(rows, row_want), same(columns, column_want);
      }
  });
}

TYPED_TEST(TeamProducts, TheSymmetricPartIsThePortableOneAndTellsAsymmetry) {
  using R = typename TypeParam::R;
  for (int n : kSizes)
    for (const bool symmetric : {true, false}) {
      SCOPED_TRACE(testing::Message() << n << (symmetric ? " symmetric" : ""));
      Matrix<double> P(n, n, 0);
      const Matrix<double> source = random_matrix<double>(n, n, 21);
      for (int j = 0; j < n; ++j)
        for (int i = 0; i < n; ++i) P.at(i, j) = source.at(i > j ? i : j, i > j ? j : i);
      if (!symmetric && n > 1) P.at(0, n - 1) += 1e-9;
      Matrix<R> H(n, n, 0), want = H;
      const Matrix<R> before = H;
      const bool told = core::symmetric_part(kSerial, P.data(), n, want.data());
      std::vector<int> by_lane(1024, -1);
      int lanes = 0;
      this->run(
          [&](const auto& team) {
            if (team.rank() == 0) lanes = team.size();
            by_lane[std::size_t(team.rank())] = symmetric_part(team, P.data(), n, H.data());
          },
          std::uint64_t(n));
      for (int i = 0; i < lanes; ++i) EXPECT_EQ(by_lane[std::size_t(i)], int(told)) << i;
      expect_written(H, want.wide(), before, 0, kLower);
    }
}

}  // namespace
}  // namespace bpqp::test
