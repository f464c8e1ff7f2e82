// Derivatives of solutions: against the oracle's adjoint, central differences, and each other.
#include <cmath>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "support/batch.hpp"
#include "support/oracle.hpp"
#include "support/random_problems.hpp"

namespace bpqp::test {
namespace {

using Vector = std::vector<double>;

Vector random_vector(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  return normals(size, engine);
}

double largest(const Vector& v) {
  double most = 0;
  for (double e : v) most = std::max(most, std::fabs(e));
  return most;
}

/// sum_i a_i b_i, and the sum of the terms' sizes for the denominator of its rounding.
struct Inner {
  double value = 0, size = 0;
  Inner& add(const Vector& a, const Vector& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      value += a[i] * b[i];
      size += std::fabs(a[i] * b[i]);
    }
    return *this;
  }
};

/// A loss g_x'x + g_y'y of one problem, its gradient by the library.
struct Differentiated {
  Batch<double> batch;
  Vector gx, gy;
  Solver<double> solver;
  Answers<double> answers;
  Gradients<double> gradients;

  Differentiated(const DenseProblem& p, std::uint64_t seed, const Settings& settings = {})
      : batch(p),
        gx(random_vector(std::size_t(p.n), seed)),
        gy(random_vector(std::size_t(p.m), seed + 1)),
        solver(batch.shape, 1, settings),
        answers(batch.shape, 1),
        gradients(batch.shape, 1) {
    solver.solve(batch.view(), answers.view());
    solver.backward(loss(), gradients.view());
  }
  SolutionGradient<double> loss() const {
    return {{gx.data(), batch.shape.n, 0}, {gy.data(), batch.shape.m, 0}};
  }
  Vector moved_sides() const {  // dl + du
    Vector sum = gradients.l;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += gradients.u[i];
    return sum;
  }
};

/// Relative to the largest entry of all: K mixes them.
void expect_close(const Vector& got, const LongVector& expected, double scale, const char* name) {
  ASSERT_EQ(got.size(), expected.size()) << name;
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], double(expected[i]), 1e-9 * scale) << name << "[" << i << "]";
}

void expect_oracle_gradient(const DenseProblem& p, std::uint64_t seed) {
  const ExactSolution exact = solve_by_interior_point(p);
  ASSERT_TRUE(exact.found && exact.independent);
  Differentiated d(p, seed);
  ASSERT_EQ(d.answers.report[0].status, Status::solved);
  ASSERT_TRUE(d.answers.report[0].differentiable);
  const Adjoint a = adjoint(p, exact, {d.gx.begin(), d.gx.end()}, {d.gy.begin(), d.gy.end()});
  double scale = 1;
  for (const auto* v : {&a.dq, &a.db, &a.dP, &a.dA})
    for (Long e : *v) scale = std::max(scale, double(std::fabs(e)));
  expect_close(d.gradients.q, a.dq, scale, "dq");
  expect_close(d.gradients.P, a.dP, scale, "dP");
  expect_close(d.gradients.A, a.dA, scale, "dA");
  expect_close(d.moved_sides(), a.db, scale, "dl + du");
  for (std::size_t i = 0; i < exact.side.size(); ++i) {  // only the active side has a gradient
    if (exact.side[i] >= 0) {
      EXPECT_EQ(d.gradients.l[i], 0) << i;
    }
    if (exact.side[i] <= 0) {
      EXPECT_EQ(d.gradients.u[i], 0) << i;
    }
  }
  EXPECT_LT(d.solver.reports()[0].backward_residual, 1e-10);
}

TEST(Gradient, IsTheOraclesOnConstructedProblems) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.n = 6 + int(seed) % 25;
    o.equalities = int(seed) % 4;
    o.active = int(seed) % 3;
    o.free_rows = int(seed) % 2;
    expect_oracle_gradient(random_known(o, seed).problem, seed);
  }
}

TEST(Gradient, IsTheOraclesOnFamilies) {
  for (const auto family :
       {io::Family::qp, io::Family::box, io::Family::portfolio, io::Family::mpc,
        io::Family::dense_ineq})
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(std::string(io::to_string(family)) + ", seed " + std::to_string(seed));
      const io::FamilyOptions o{.n = 10 + 10 * int(seed), .seed = seed};
      expect_oracle_gradient(problem_of(io::generate(family, o), 0), seed);
    }
}

/// (loss(t) - loss(-t)) / 2t of tight solves along a random direction of one input. Errors: t^2
/// times third derivatives, and the solves' 1e-12 over t.
TEST(Gradient, OfEveryInputIsItsCentralDifference) {
  const double t = 1e-5;
  const Settings tight{.eps_abs = 1e-12, .eps_rel = 1e-12};
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    for (const char* input : {"P", "q", "A", "l", "u"})
      for (bool through_y : {false, true}) {
        SCOPED_TRACE(
            std::string(input) + (through_y ? " through y" : " through x") + ", seed " +
            std::to_string(seed));
        const KnownProblem k = random_known({.n = 8, .active = 4}, seed);
        Differentiated d(k.problem, seed, {});
        const auto array = [&](auto& from) -> auto& {
          switch (input[0]) {
            case 'P':
              return from.P;
            case 'q':
              return from.q;
            case 'A':
              return from.A;
            case 'l':
              return from.l;
            default:
              return from.u;
          }
        };
        Vector direction = random_vector(array(d.gradients).size(), seed + 7);
        for (std::size_t i = 0; i < direction.size();
             ++i)  // a side of an equality cannot move alone
          if ((input[0] == 'l' || input[0] == 'u') && k.problem.is_equality(int(i)))
            direction[i] = 0;
        const Vector none_x(d.gx.size(), 0), none_y(d.gy.size(), 0);
        const Vector &gx = through_y ? none_x : d.gx, &gy = through_y ? d.gy : none_y;
        d.solver.backward({{gx.data(), 8, 0}, {gy.data(), k.problem.m, 0}}, d.gradients.view());
        const auto loss = [&](double step) {
          DenseProblem p = k.problem;
          Vector& data = array(p);
          for (std::size_t i = 0; i < data.size(); ++i)
            if (std::fabs(data[i]) < 1e30) data[i] += step * direction[i];
          const auto a = solve(Batch<double>(p), tight);
          return Inner{}.add(gx, a.x).add(gy, a.y).value;
        };
        const double measured = (loss(t) - loss(-t)) / (2 * t);
        const Inner predicted = Inner{}.add(array(d.gradients), direction);
        EXPECT_NEAR(measured, predicted.value, 1e-6 * (1 + predicted.size));
      }
}

TEST(Gradient, OfAMovedEqualityIsItsCentralDifference) {
  const double t = 1e-5;
  const KnownProblem k = random_known({.n = 7, .equalities = 3}, 21);
  Differentiated d(k.problem, 3);
  const Vector sides = d.moved_sides();
  for (std::size_t i = 0; i < 3; ++i) {
    const auto loss = [&](double step) {
      DenseProblem p = k.problem;
      p.l[i] += step;
      p.u[i] = p.l[i];
      const auto a = solve(Batch<double>(p), {.eps_abs = 1e-12, .eps_rel = 1e-12});
      return Inner{}.add(d.gx, a.x).add(d.gy, a.y).value;
    };
    EXPECT_NEAR((loss(t) - loss(-t)) / (2 * t), sides[i], 1e-6 * (1 + std::fabs(sides[i])));
  }
}

/// <g, J v> = <J'g, v>. Both sides are sums of products of O(1) numbers with solutions of K, solved
/// to 1e-12 relative or better: the denominator is the sum of the sizes of all terms on both sides.
TEST(Gradient, AdjointAndJvpAreAdjoint) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.n = 5 + int(seed);
    const DenseProblem p = random_known(o, seed).problem;
    Differentiated d(p, seed);
    const auto n = std::size_t(p.n), m = std::size_t(p.m);
    const Vector vP = random_vector(n * n, seed + 2), vq = random_vector(n, seed + 3),
                 vA = random_vector(m * n, seed + 4), vl = random_vector(m, seed + 5),
                 vu = random_vector(m, seed + 6);
    // An equality's sides move together, by what its active side moves.
    Vector vl_used = vl, vu_used = vu;
    for (std::size_t i = 0; i < m; ++i)
      if (p.l[i] == p.u[i]) vl_used[i] = vu_used[i];
    Vector dx(n), dy(m);
    ProblemTangent<double> v{
        {vP.data(), p.n, p.n, 0},
        {vq.data(), p.n, 0},
        {vA.data(), p.m, p.n, 0},
        {vl_used.data(), p.m, 0},
        {vu_used.data(), p.m, 0}};
    d.solver.jvp(v, {dx.data(), dy.data()});
    const Inner forward = Inner{}.add(d.gx, dx).add(d.gy, dy);
    const auto& g = d.gradients;
    const Inner backward =
        Inner{}.add(g.P, vP).add(g.q, vq).add(g.A, vA).add(g.l, vl_used).add(g.u, vu_used);
    EXPECT_NEAR(forward.value, backward.value, 1e-10 * (forward.size + backward.size));
  }
}

TEST(Gradient, AdjointSolveWithManySidesEqualsBackwardCalls) {
  const int k = 5, count = 7, n = 9;
  std::vector<DenseProblem> problems;
  for (int b = 0; b < count; ++b)
    problems.push_back(random_known({.n = n}, std::uint64_t(b + 1)).problem);
  problems[3].q[0] = std::nan("");
  const Batch<double> batch(problems);
  const int m = batch.shape.m;
  Solver<double> solver(batch.shape, count);
  solver.solve(batch.view(), {});
  const auto N = std::size_t(n), M = std::size_t(m), K = std::size_t(k), B = std::size_t(count);
  const Vector gx = random_vector(B * K * N, 1), gy = random_vector(B * K * M, 2);
  Vector w(B * K * N, 7), d(B * K * M, 7);
  solver.adjoint_solve(k, gx.data(), gy.data(), w.data(), d.data());
  for (std::size_t r = 0; r < K; ++r) {
    Gradients<double> g(batch.shape, count);
    solver.backward({{gx.data() + r * N, n, k * n}, {gy.data() + r * M, m, k * m}}, g.view());
    for (std::size_t b = 0; b < B; ++b) {
      for (std::size_t j = 0; j < N; ++j)
        ASSERT_EQ(g.q[b * N + j], b == 3 ? 0 : -w[(b * K + r) * N + j]) << r << " " << b;
      for (std::size_t i = 0; i < M; ++i)
        ASSERT_EQ(g.l[b * M + i] + g.u[b * M + i], d[(b * K + r) * M + i]) << r << " " << b;
    }
  }
  for (std::size_t j = 0; j < K * N; ++j) EXPECT_EQ(w[3 * K * N + j], 0);
  Vector only_x(B * K * N), zeros(B * K * M, 0), with_zeros(B * K * N);
  solver.adjoint_solve(k, gx.data(), nullptr, only_x.data(), nullptr);
  solver.adjoint_solve(k, gx.data(), zeros.data(), with_zeros.data(), nullptr);
  EXPECT_TRUE(same_bits(only_x, with_zeros));
}

TEST(Gradient, ByAdmmEqualsDirectToItsTolerance) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    KnownOptions o;
    o.n = 8 + int(seed);
    const DenseProblem p = random_known(o, seed).problem;
    Differentiated direct(p, seed);
    Differentiated admm(p, seed, {.backward_method = BackwardMethod::admm});
    // eps = 1e-6 on the derivative system's residual, times the norm of K's inverse (100 here).
    const double scale = 1e-4 * (1 + largest(direct.gradients.q) + largest(direct.moved_sides()));
    const auto &a = direct.gradients, &b = admm.gradients;
    for (std::size_t j = 0; j < a.q.size(); ++j) EXPECT_NEAR(a.q[j], b.q[j], scale);
    for (std::size_t i = 0; i < a.l.size(); ++i)
      EXPECT_NEAR(direct.moved_sides()[i], admm.moved_sides()[i], scale);
    for (std::size_t j = 0; j < a.P.size(); ++j)
      EXPECT_NEAR(a.P[j], b.P[j], scale * (1 + largest(direct.answers.x)));
    EXPECT_LE(admm.solver.reports()[0].backward_residual, 1e-6);
  }
}

TEST(Gradient, LeavesTheSolutionAndItselfAsTheyWere) {
  const DenseProblem p = random_known({.n = 12}, 4).problem;
  Differentiated d(p, 4);
  const Answers<double> before = d.answers;
  const Vector first = d.gradients.A;
  d.solver.backward(d.loss(), d.gradients.view());
  EXPECT_TRUE(same_bits(first, d.gradients.A));
  EXPECT_TRUE(same_bits(before.x, d.answers.x) && same_bits(before.y, d.answers.y));
  // Nor does it change the next solve.
  d.solver.solve(d.batch.view(), d.answers.view());
  EXPECT_TRUE(same_bits(before.x, d.answers.x) && same_bits(before.y, d.answers.y));
}

TEST(Gradient, ComputesOnlyWhatIsAskedFor) {
  const DenseProblem p = random_known({.n = 6}, 5).problem;
  Differentiated d(p, 5);
  Vector q(6, 7);
  ProblemGradient<double> only_q;
  only_q.q = {q.data(), 6};
  d.solver.backward(d.loss(), only_q);
  EXPECT_TRUE(same_bits(q, d.gradients.q));
  d.solver.backward({}, d.gradients.view());  // no loss: zero
  EXPECT_EQ(largest(d.gradients.q), 0);
  EXPECT_EQ(largest(d.gradients.A), 0);
}

TEST(Gradient, OfPIsSymmetricAndZeroOffTheActiveRows) {
  const KnownProblem k = random_known({.n = 10}, 6);
  Differentiated d(k.problem, 6);
  for (std::size_t i = 0; i < 10; ++i)
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_NEAR(  // w_i x_j + x_i w_j may be contracted to an FMA: equal to rounding
          d.gradients.P[i * 10 + j], d.gradients.P[j * 10 + i],
          1e-15 * (1 + largest(d.gradients.q) * largest(d.answers.x)));
  for (std::size_t i = 0; i < k.y.size(); ++i) {
    if (k.y[i] != 0) continue;
    EXPECT_EQ(d.gradients.l[i], 0);
    EXPECT_EQ(d.gradients.u[i], 0);
    for (std::size_t j = 0; j < 10; ++j) EXPECT_EQ(d.gradients.A[i * 10 + j], 0);
  }
}

}  // namespace
}  // namespace bpqp::test
