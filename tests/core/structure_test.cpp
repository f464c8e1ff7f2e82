// Which entries of P and A are zero, and the products that know it, against the dense ones.
#include "core/structure.hpp"

#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using test::Workbench;
using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(StructureTest);

/// Rows: dense, one entry, none, dense, one entry in the same column; n above a block of the
/// search.
test::DenseProblem with_zeros(int n, bool diagonal) {
  std::mt19937_64 engine(3);
  const auto N = std::size_t(n);
  test::DenseProblem p{n,  5, Values(N * N, 0), test::normals(N, engine), Values(5 * N, 0), {},
                       {}, {}};
  for (std::size_t j = 0; j < N; ++j) p.P[j * N + j] = 1 + double(j);
  if (!diagonal) p.P[N] = p.P[1] = 0.25;
  for (std::size_t row : {0, 3}) {
    const Values entries = test::normals(N, engine);
    std::copy(entries.begin(), entries.end(), p.A.begin() + std::ptrdiff_t(row * N));
  }
  p.A[N + N - 2] = -3;
  p.A[4 * N + N - 2] = 0.5;
  p.l.assign(5, -1), p.u.assign(5, 1);
  return p;
}

TEST_P(StructureTest, FindsDiagonalsAndSingleRows) {
  for (int n : {2, 5, 40, 70})
    for (bool diagonal : {true, false}) {
      SCOPED_TRACE(n);
      Workbench s(with_zeros(n, diagonal));
      Structure found;
      run([&](const auto& team) { test::keep(team, s.structured(team).known, found); });
      ASSERT_EQ(found.diagonal != nullptr, diagonal);
      for (int j = 0; j < n && diagonal; ++j) EXPECT_EQ(found.diagonal[j], 1 + j);
      ASSERT_EQ(found.dense_count, 2);
      EXPECT_EQ(found.dense[0], 0);
      EXPECT_EQ(found.dense[1], 3);
      EXPECT_EQ(found.column[1], n - 2);
      EXPECT_EQ(found.column[4], n - 2);
      EXPECT_EQ(found.value[1], -3);
      EXPECT_EQ(found.value[2], 0);
      EXPECT_EQ(found.value[4], 0.5);
    }
}

TEST_P(StructureTest, FindsNothingInDenseDataAndSeesNaN) {
  test::DenseProblem p = test::random_known({.n = 6}, 2).problem;
  Workbench dense(p);
  p.A[3] = p.P[7] = test::kNaN;
  Workbench nan(p);
  for (Workbench* s : {&dense, &nan}) {
    Structure found;
    run([&](const auto& team) { test::keep(team, s->structured(team).known, found); });
    EXPECT_EQ(found.diagonal, nullptr);
    EXPECT_EQ(found.column, nullptr);
  }
}

TEST_P(StructureTest, ProductsAndMaximaAreThoseOfTheDenseRows) {
  for (int n : {2, 40, 1100}) {  // the last: rows that follow each other go as a block
    SCOPED_TRACE(n);
    test::DenseProblem problem = with_zeros(n, true);
    const auto N = std::size_t(n);
    if (n > 1000)
      std::swap_ranges(
          problem.A.begin() + 1 * n, problem.A.begin() + 2 * n, problem.A.begin() + 3 * n);
    Workbench s(problem);
    std::mt19937_64 engine(4);
    const Values x = test::normals(N, engine), y = test::normals(5, engine);
    const Values D(N, 0.5), E(5, 4);
    Values Ax[2], Aty[2], columns[2], rows[2], single_y = y, single(N, 0);
    for (int known = 0; known < 2; ++known) {
      Ax[known].assign(5, 0), Aty[known].assign(N, 0);
      columns[known].assign(N, 0), rows[known].assign(5, 0);
    }
    run([&](const auto& team) {
      for (int known = 0; known < 2; ++known) {
        const ProblemView<double> p = known ? s.structured(team) : s.view;
        rows_product(team, p, x.data(), Ax[known].data());
        columns_product(team, p, y.data(), Aty[known].data());
        maxima_of_rows(team, p, D.data(), E.data(), columns[known].data(), rows[known].data());
      }
      const ProblemView<double> p = s.structured(team);
      columns_product(team, p, y.data(), single.data(), Rows::single);
    });
    for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(Ax[1][i], Ax[0][i], 1e-12);
    for (std::size_t j = 0; j < N; ++j) EXPECT_NEAR(Aty[1][j], Aty[0][j], 1e-12);
    EXPECT_EQ(rows[1], rows[0]);
    EXPECT_EQ(columns[1], columns[0]);
    const auto second = std::size_t(n > 1000 ? 3 : 1);  // the first of the single rows
    EXPECT_NEAR(single[N - 2], -3 * y[second] + 0.5 * y[4], 1e-14);
  }
}

}  // namespace
}  // namespace bpqp::core
