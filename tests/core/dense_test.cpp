// Every function of core/dense.hpp against its definition in long double, and Eigen's version
// against the portable one. Tolerances: 1e-13 is a hundred roundings of sums of about ten terms.
#include "core/dense.hpp"

#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::keep;
using test::kNaN;
using Long = long double;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(Dense);

/// Column-major [rows x cols] with leading dimension ld >= rows; what is between is NaN.
struct Matrix {
  Matrix(int r, int c, std::uint64_t seed, int pad = 2)
      : rows(r), cols(c), ld(r + pad), v(std::size_t(ld) * std::size_t(c), kNaN) {
    std::mt19937_64 engine(seed);
    const Values entries = test::normals(std::size_t(r) * std::size_t(c), engine);
    for (int j = 0, k = 0; j < c; ++j)
      for (int i = 0; i < r; ++i) at(i, j) = entries[std::size_t(k++)];
  }
  double& at(int i, int j) { return v[std::size_t(j) * std::size_t(ld) + std::size_t(i)]; }
  double at(int i, int j) const { return v[std::size_t(j) * std::size_t(ld) + std::size_t(i)]; }
  double* data() { return v.data(); }
  int rows, cols, ld;
  Values v;
};

Values vector(int n, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  return test::normals(std::size_t(n), engine);
}

/// Lower triangle positive definite, strict upper triangle NaN: nobody may read it.
Matrix positive_definite(int n, std::uint64_t seed) {
  const Matrix B(n, n, seed);
  Matrix A(n, n, seed);
  for (int j = 0; j < n; ++j)
    for (int i = 0; i < n; ++i) {
      Long sum = i == j ? 1 : 0;
      for (int k = 0; k < n; ++k) sum += Long(B.at(i, k)) * B.at(j, k);
      A.at(i, j) = i < j ? kNaN : double(sum);
    }
  return A;
}

constexpr int kSizes[][2] = {{1, 1}, {3, 2}, {8, 11}, {17, 5}, {20, 33}};

TEST(Dot, IsTheSumOfProducts) {
  for (int n = 0; n <= 20; ++n) {
    const Values a = vector(n, 1), b = vector(n, 2);
    Long sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += Long(a[i]) * b[i];
    EXPECT_NEAR(dot(a.data(), b.data(), n), double(sum), 1e-14 * (n + 1));
    const std::vector<float> narrow(a.begin(), a.end());
    EXPECT_NEAR(dot(narrow.data(), b.data(), n), double(sum), 1e-6 * (n + 1));
  }
}

TEST_P(Dense, ProductsMatchTheirDefinitions) {
  for (const auto& [n, m] : kSizes) {
    Matrix A(n, m, 3);
    Values x = vector(n, 4), y = vector(m, 5), Atx(x.size() + y.size(), kNaN), Ay = Atx;
    run([&](const auto& team) {
      transposed_product(team, A.data(), n, m, A.ld, x.data(), Atx.data());
      product(team, A.data(), n, m, A.ld, y.data(), Ay.data());
    });
    for (int i = 0; i < m; ++i) {
      Long sum = 0;
      for (int j = 0; j < n; ++j) sum += Long(A.at(j, i)) * x[std::size_t(j)];
      EXPECT_NEAR(Atx[std::size_t(i)], double(sum), 1e-13);
    }
    for (int j = 0; j < n; ++j) {
      Long sum = 0;
      for (int i = 0; i < m; ++i) sum += Long(A.at(j, i)) * y[std::size_t(i)];
      EXPECT_NEAR(Ay[std::size_t(j)], double(sum), 1e-13);
    }
  }
}

TEST_P(Dense, CholeskyMultipliesBackAndLeavesTheUpperTriangle) {
  for (int n : {1, 2, 7, 16, 33}) {
    const Matrix A = positive_definite(n, 6);
    Matrix L = A;
    Pivots pivots;
    run([&](const auto& team) { keep(team, cholesky(team, L.data(), n, L.ld), pivots); });
    EXPECT_TRUE(pivots.positive);
    double smallest = INFINITY;
    for (int j = 0; j < n; ++j) {
      smallest = std::fmin(smallest, L.at(j, j) * L.at(j, j));
      for (int i = 0; i < j; ++i) EXPECT_TRUE(std::isnan(L.at(i, j)));
      for (int i = j; i < n; ++i) {
        Long sum = 0;
        for (int k = 0; k <= j; ++k) sum += Long(L.at(i, k)) * L.at(j, k);
        EXPECT_NEAR(double(sum), A.at(i, j), 1e-12 * n);
      }
    }
    EXPECT_NEAR(pivots.smallest, smallest, 1e-12);
  }
}

TEST_P(Dense, CholeskyStopsAtAPivotThatIsNotPositive) {
  for (double bad : {-1.0, 0.0, -double(INFINITY), kNaN}) {
    Matrix A = positive_definite(9, 7);
    A.at(5, 5) = bad;
    Pivots pivots;
    run([&](const auto& team) { keep(team, cholesky(team, A.data(), 9, A.ld), pivots); });
    EXPECT_FALSE(pivots.positive);
    EXPECT_FALSE(pivots.smallest > 0);
  }
}

TEST_P(Dense, TriangularSolvesUndoTheirProducts) {
  for (const auto& [n, columns] : kSizes) {
    Matrix L = positive_definite(n, 8);
    Matrix X(n, columns, 9), B = X, C = X;
    run([&](const auto& team) { cholesky(team, L.data(), n, L.ld); });
    for (int c = 0; c < columns; ++c)
      for (int i = 0; i < n; ++i) {
        Long b = 0, t = 0;
        for (int k = 0; k <= i; ++k) b += Long(L.at(i, k)) * X.at(k, c);
        for (int k = i; k < n; ++k) t += Long(L.at(k, i)) * X.at(k, c);
        B.at(i, c) = double(b), C.at(i, c) = double(t);
      }
    run([&](const auto& team) {
      solve_lower(team, L.data(), n, L.ld, B.data(), columns, B.ld);
      solve_lower_transposed(team, L.data(), n, L.ld, C.data(), columns, C.ld);
    });
    for (int c = 0; c < columns; ++c)
      for (int i = 0; i < n; ++i) {
        EXPECT_NEAR(B.at(i, c), X.at(i, c), 1e-11);
        EXPECT_NEAR(C.at(i, c), X.at(i, c), 1e-11);
      }
  }
}

TEST_P(Dense, GramFillsBothTrianglesAndOuterProductsAddToTheLower) {
  for (const auto& [n, m] : kSizes) {
    Matrix Y(n, m, 10), S(m, m, 11), N(n, n, 12);
    const Matrix before = N;
    for (double& v : S.v) v = kNaN;
    run([&](const auto& team) {
      gram(team, Y.data(), n, m, Y.ld, S.data(), S.ld);
      add_outer(team, Y.data(), n, m, Y.ld, N.data(), N.ld);
    });
    for (int j = 0; j < m; ++j)
      for (int i = 0; i < m; ++i) {
        Long sum = 0;
        for (int k = 0; k < n; ++k) sum += Long(Y.at(k, i)) * Y.at(k, j);
        EXPECT_NEAR(S.at(i, j), double(sum), 1e-13);
        EXPECT_EQ(S.at(i, j), S.at(j, i));
      }
    for (int j = 0; j < n; ++j)
      for (int i = 0; i < n; ++i) {
        Long sum = before.at(i, j);
        for (int k = 0; i >= j && k < m; ++k) sum += Long(Y.at(i, k)) * Y.at(j, k);
        EXPECT_NEAR(N.at(i, j), double(sum), 1e-13);
      }
  }
}

TEST_P(Dense, SymmetricPartIsHalfTheSumAndToldFromASymmetricMatrix) {
  for (int n : {1, 2, 3, 4, 5, 8, 13, 16, 31, 40}) {
    Matrix P(n, n, 23, 0), H(n, n, 24, 0);
    for (const bool symmetric : {false, true}) {
      for (int j = 0; symmetric && j < n; ++j)
        for (int i = 0; i < j; ++i) P.at(i, j) = P.at(j, i);
      bool told = false;
      run([&](const auto& team) { keep(team, symmetric_part(team, P.data(), n, H.data()), told); });
      EXPECT_EQ(told, symmetric || n == 1) << n;
      for (int j = 0; j < n; ++j)
        for (int i = j; i < n; ++i) EXPECT_EQ(H.at(i, j), (P.at(i, j) + P.at(j, i)) / 2);
    }
  }
}

TEST_P(Dense, ScaledMaximaAreThoseOfTheScaledMatrix) {
  for (const bool lower : {false, true}) {
    const int n = 11, m = lower ? 11 : 14;
    Matrix A(n, m, 13);
    Values r = vector(n, 14), c = lower ? r : vector(m, 15);
    for (Values* v : {&r, &c})
      for (double& e : *v) e = std::fabs(e);
    Values row(std::size_t(n), 0.5), col(std::size_t(m), 0.25);
    if (lower) row = col;
    run([&](const auto& team) {
      scaled_maxima(
          team, A.data(), n, m, A.ld, r.data(), c.data(), lower, lower ? col.data() : row.data(),
          col.data());
    });
    const auto entry = [&](int i, int j) {
      const double a = lower && i < j ? A.at(j, i) : A.at(i, j);
      return std::fabs(a) * r[std::size_t(i)] * c[std::size_t(j)];
    };
    for (int j = 0; j < m; ++j) {
      double largest = 0.25;
      for (int i = 0; i < n; ++i) largest = std::fmax(largest, entry(i, j));
      EXPECT_NEAR(col[std::size_t(j)], largest, 1e-14);
    }
    for (int i = 0; !lower && i < n; ++i) {
      double largest = 0.5;
      for (int j = 0; j < m; ++j) largest = std::fmax(largest, entry(i, j));
      EXPECT_NEAR(row[std::size_t(i)], largest, 1e-14);
    }
  }
}

TEST_P(Dense, MaximaKeepNaNAndInfinity) {
  for (double bad : {kNaN, double(INFINITY)}) {
    for (int position : {0, 4, 19}) {
      Matrix A(20, 3, 16);
      A.at(position, 1) = bad;
      const Values ones(20, 1);
      Values row(20, 0), col(3, 0);
      double largest = 0;
      run([&](const auto& team) {
        scaled_maxima(
            team, A.data(), 20, 3, A.ld, ones.data(), ones.data(), false, row.data(), col.data());
        keep(team, nan_max(abs_max(team, row.data(), 20), abs_max(team, col.data(), 3)), largest);
      });
      EXPECT_FALSE(largest < INFINITY);
    }
  }
}

TEST_P(Dense, EmptyMatricesAreNoTrouble) {
  double sentinel = 3, largest = -1;
  Pivots pivots;
  run([&](const auto& team) {
    double* nothing = &sentinel;
    transposed_product(team, nothing, 4, 0, 4, nothing, nothing);
    product(team, nothing, 0, 4, 1, nothing, nothing);
    keep(team, cholesky(team, nothing, 0, 1), pivots);
    solve_lower(team, nothing, 0, 1, nothing, 1, 1);
    solve_lower_transposed(team, nothing, 0, 1, nothing, 1, 1);
    gram(team, nothing, 4, 0, 4, nothing, 1);
    add_outer(team, nothing, 0, 4, 1, nothing, 1);
    keep(team, abs_max(team, nothing, 0), largest);
  });
  EXPECT_EQ(sentinel, 3);
  EXPECT_EQ(largest, 0);
}

TEST(Dense, DoesNotDependOnTheTeam) {
  test::expect_team_independent(
      [](const auto& run) {
        Matrix A(9, 14, 20, 0), L = positive_definite(9, 21), S(14, 14, 22, 0);
        run([&](const auto& team) {
          cholesky(team, L.data(), 9, L.ld);
          solve_lower(team, L.data(), 9, L.ld, A.data(), 14, 9);
          gram(team, A.data(), 9, 14, 9, S.data(), 14);
          solve_lower_transposed(team, L.data(), 9, L.ld, A.data(), 14, 9);
        });
        S.v.insert(S.v.end(), A.v.begin(), A.v.end());
        return S.v;
      },
      1e-12);
}

}  // namespace
}  // namespace bpqp::core
