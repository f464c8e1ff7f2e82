/// \file
/// Matrices for the tests of a team's dense algebra: data of either type, poison where nobody may
/// read or write, and factors whose rows are known to depend on others or not.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "support/random_problems.hpp"

namespace bpqp::test {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// Column-major [rows x cols], ld > rows; all is poison until it is set.
template <class R>
struct Matrix {
  Matrix(int r, int c, int pad = 3)
      : rows(r), cols(c), ld(r + pad), v(std::size_t(ld) * std::size_t(c), R(kNaN)) {}
  R& at(int i, int j) { return v[std::size_t(j) * std::size_t(ld) + std::size_t(i)]; }
  R at(int i, int j) const { return v[std::size_t(j) * std::size_t(ld) + std::size_t(i)]; }
  R* data() { return v.data(); }
  Matrix<double> wide() const {
    Matrix<double> w(rows, cols, ld - rows);
    w.v.assign(v.begin(), v.end());
    return w;
  }
  int rows, cols, ld;
  std::vector<R> v;
};

template <class R>
Matrix<R> random_matrix(int rows, int cols, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  Matrix<R> M(rows, cols);
  for (int j = 0; j < cols; ++j) {
    const auto column = normals(std::size_t(rows), engine);
    for (int i = 0; i < rows; ++i) M.at(i, j) = R(column[std::size_t(i)]);
  }
  return M;
}

/// Rows of a factor that depend on those before them: with `some`, about every fifth, but the first
/// two stand alone.
inline bool depends(int k, bool some) {
  return some && k % 5 == 2;
}

/// A lower triangle with a diagonal in [1, 2] and rows of norm about 1 beside it, so that it is
/// well conditioned; zero columns where a row depends.
template <class R>
Matrix<R> random_factor(int n, std::uint64_t seed, bool some = false) {
  Matrix<R> L = random_matrix<R>(n, n, seed);
  for (int j = 0; j < n; ++j)
    for (int i = 0; i < n; ++i) {
      R& l = L.at(i, j);
      l = R(double(l) / std::sqrt(double(n)));
      if (i == j) l = R(1 + std::fmin(1, std::fabs(double(l))));
      if (depends(j, some)) l = 0;
      if (i < j) l = R(kNaN);
    }
  return L;
}

/// L L' on and below the diagonal.
template <class R>
Matrix<R> squared(const Matrix<R>& L) {
  Matrix<R> A(L.rows, L.rows);
  for (int j = 0; j < L.rows; ++j)
    for (int i = j; i < L.rows; ++i) {
      double sum = 0;
      for (int k = 0; k <= j; ++k) sum += double(L.at(i, k)) * double(L.at(j, k));
      A.at(i, j) = R(sum);
    }
  return A;
}

/// Sums of so many terms of order one: a few roundings of each, of the type that is stored.
template <class R>
double tolerance(int terms) {
  return 16 * double(std::numeric_limits<R>::epsilon()) * (8 + terms);
}

/// `got` is `want` where written(i, j), to the tolerance of a column's largest entry; elsewhere it
/// has the bits that it had `before`.
template <class R, class Written>
void expect_written(
    const Matrix<R>& got,
    const Matrix<double>& want,
    const Matrix<R>& before,
    double tolerance,
    const Written& written) {
  for (int j = 0; j < got.cols; ++j) {
    double scale = 1;
    for (int i = 0; i < got.rows; ++i)
      if (written(i, j) && std::isfinite(want.at(i, j)))
        scale = std::fmax(scale, std::fabs(want.at(i, j)));
    for (int i = 0; i < got.ld; ++i) {
      const R have = got.at(i, j), had = before.at(i, j);
      if (i >= got.rows || !written(i, j)) {
        ASSERT_EQ(std::memcmp(&have, &had, sizeof have), 0) << i << ", " << j << " was touched";
      } else if (std::isinf(want.at(i, j))) {
        ASSERT_EQ(double(have), want.at(i, j)) << i << ", " << j;
      } else {
        ASSERT_NEAR(double(have), want.at(i, j), tolerance * scale) << i << ", " << j;
      }
    }
  }
}
inline constexpr auto kLower = [](int i, int j) { return i >= j; };
inline constexpr auto kAll = [](int, int) { return true; };

}  // namespace bpqp::test
