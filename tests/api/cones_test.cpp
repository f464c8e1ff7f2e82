// Second-order cones through the public API: closed forms, gradients, batches, bad neighbours.
#include "api/cones.hpp"

namespace bpqp::test {
namespace {

constexpr ConePlace kInside = ConePlace::inside, kBoundary = ConePlace::boundary,
                    kApex = ConePlace::apex;

/// Several cones and linear rows; one shape for every seed.
KnownProblem mixed(std::uint64_t seed, int rank_P = -1) {
  return random_cones(
      {.linear = {.n = 10, .equalities = 1, .active = 2, .inactive = 3, .rank_P = rank_P},
       .places = {kBoundary, kInside, kApex, kBoundary},
       .sizes = {5, 3, 2, 4}},
      seed);
}

TEST(Cones, ABallHasItsClosedForm) {
  for (int n : {1, 2, 3, 10, 50, 100})
    for (double radius : {0.5, 20.0}) expect_ball(n, radius, std::uint64_t(n));
}

TEST(Cones, ABallHasItsClosedFormByEitherMethod) {
  for (Method method : {Method::interior_point, Method::admm}) {
    SCOPED_TRACE(to_string(method));
    expect_ball(10, 2, 3, {.method = method});
  }
}

TEST(Cones, GradientOfABallWithRowsIsItsCentralDifference) {
  for (int n : {3, 10, 30}) {
    SCOPED_TRACE("n " + std::to_string(n));
    expect_differences(ball_problem(n, n / 2, 2, 7), 7, 1e-6, false);
    expect_differences(ball_problem(n, 1, 2, 8, 0.5), 8, 1e-6, true);
  }
}

TEST(Cones, TheFamilyOfBpqpIsSolvedAndDifferentiated) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto generated = io::generate(io::Family::socp, {.n = 12, .eq = 4, .seed = seed});
    expect_differences(problem_of(generated, 0), seed, 1e-6, false);
  }
}

TEST(Cones, SeveralWithLinearRowsHaveTheKnownSolutionAndGradient) {
  for (int rank : {-1, 6})
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      SCOPED_TRACE("rank " + std::to_string(rank) + ", seed " + std::to_string(seed));
      const KnownProblem known = mixed(seed, rank);
      const ConeSolve s(known.problem, seed);
      ASSERT_EQ(s.report().status, Status::solved);
      EXPECT_TRUE(s.report().verified && s.report().differentiable);
      EXPECT_LE(
          double(kkt_errors(known.problem, s.answers.x_of(0), s.answers.y_of(0)).worst()), 1e-9);
      for (std::size_t j = 0; j < known.x.size(); ++j)
        EXPECT_NEAR(s.answers.x[j], known.x[j], 1e-7);
      const LongVector wd = cone_adjoint(known.problem, known.x, known.y, s.gx, s.gy);
      ASSERT_FALSE(wd.empty());
      const LongVector w(wd.begin(), wd.begin() + 10), d(wd.begin() + 10, wd.end());
      expect_gradient_of(s, w, d, known.x, known.y, 1e-6);
      for (std::size_t i = std::size_t(linear_rows(known.problem)); i < d.size(); ++i)
        EXPECT_EQ(s.gradients.l[i], 0) << "l is not read in cones, row " << i;
    }
}

TEST(Cones, GradientIsTheCentralDifference) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_differences(mixed(seed).problem, seed, 1e-6, true);
  }
}

/// <g, J v> = <J'g, v>.
TEST(Cones, AdjointAndJvpAreAdjoint) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const DenseProblem p = mixed(seed, seed % 2 ? -1 : 6).problem;
    ConeSolve s(p, seed);
    const auto vP = random_vector(100, seed + 2), vq = random_vector(10, seed + 3),
               vA = random_vector(p.A.size(), seed + 4), vu = random_vector(p.u.size(), seed + 6);
    auto vl = random_vector(p.l.size(), seed + 5);
    for (int i = 0; i < p.m; ++i)
      if (p.is_equality(i)) vl[std::size_t(i)] = vu[std::size_t(i)];
    std::vector<double> dx(10), dy(p.u.size());
    s.solver.jvp(
        {{vP.data(), 10, 10, 0},
         {vq.data(), 10, 0},
         {vA.data(), p.m, 10, 0},
         {vl.data(), p.m, 0},
         {vu.data(), p.m, 0}},
        {dx.data(), dy.data()});
    double forward = 0, backward = 0, size = 1;
    const auto add = [&](double& sum, const std::vector<double>& a, const std::vector<double>& b) {
      for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i], size += std::fabs(a[i] * b[i]);
    };
    const auto& g = s.gradients;
    add(forward, s.gx, dx), add(forward, s.gy, dy);
    add(backward, g.P, vP), add(backward, g.q, vq), add(backward, g.A, vA);
    add(backward, g.l, vl), add(backward, g.u, vu);
    EXPECT_NEAR(forward, backward, 1e-8 * size);
  }
}

TEST(Cones, JvpIsTheCentralDifference) {
  const DenseProblem p = mixed(3).problem;
  ConeSolve s(p, 3);
  const auto vq = random_vector(10, 4);
  std::vector<double> dx(10), dy(p.u.size());
  s.solver.jvp({.q = {vq.data(), 10, 0}}, {dx.data(), dy.data()});
  const double t = 1e-6;
  DenseProblem up = p, down = p;
  for (std::size_t j = 0; j < 10; ++j) up.q[j] += t * vq[j], down.q[j] -= t * vq[j];
  const auto a = solve(Batch<double>(up)), b = solve(Batch<double>(down));
  for (std::size_t j = 0; j < 10; ++j) EXPECT_NEAR(dx[j], (a.x[j] - b.x[j]) / (2 * t), 1e-5);
  for (std::size_t i = 0; i < dy.size(); ++i) EXPECT_NEAR(dy[i], (a.y[i] - b.y[i]) / (2 * t), 1e-5);
}

TEST(Cones, AdjointSolveIsWhatBackwardUses) {
  ConeSolve s(mixed(4).problem, 4);
  std::vector<double> w(10), d(s.gy.size());
  s.solver.adjoint_solve(1, s.gx.data(), s.gy.data(), w.data(), d.data());
  for (std::size_t j = 0; j < w.size(); ++j) EXPECT_EQ(s.gradients.q[j], -w[j]);
  for (std::size_t i = 0; i < d.size(); ++i)
    EXPECT_EQ(s.gradients.l[i] + s.gradients.u[i], d[i]) << "row " << i;
}

TEST(Cones, BackwardByAdmmIsTheDirectOne) {
  const DenseProblem p = mixed(5).problem;
  const ConeSolve direct(p, 5), admm(p, 5, true, {.backward_method = BackwardMethod::admm});
  const double near = 1e-4 * (1 + largest(direct.gradients.q) + largest(direct.gradients.u));
  for (std::size_t j = 0; j < 10; ++j)
    EXPECT_NEAR(direct.gradients.q[j], admm.gradients.q[j], near);
  for (std::size_t i = 0; i < direct.gradients.u.size(); ++i)
    EXPECT_NEAR(direct.gradients.u[i], admm.gradients.u[i], near);
}

/// All of a batch and its gradients, summed in the end.
struct Outcome {
  Answers<double> answers;
  Gradients<double> each, sum;
};
Outcome run(const std::vector<DenseProblem>& problems, int threads) {
  const Batch<double> batch(problems);
  Solver<double> solver(batch.shape, batch.batch, {.threads = threads});
  Outcome out{
      {batch.shape, batch.batch}, {batch.shape, batch.batch}, {batch.shape, batch.batch, true}};
  solver.solve(batch.view(), out.answers.view());
  const auto gx = random_vector(std::size_t(batch.shape.n), 1),
             gy = random_vector(std::size_t(batch.shape.m), 2);
  const SolutionGradient<double> loss{{gx.data(), batch.shape.n, 0}, {gy.data(), batch.shape.m, 0}};
  solver.backward(loss, out.each.view());
  solver.backward(loss, out.sum.view());
  return out;
}

TEST(Cones, ABadProblemChangesNoBitOfItsNeighbours) {
  std::vector<DenseProblem> good;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) good.push_back(mixed(seed).problem);
  const Outcome alone = run(good, 1);
  const std::size_t n = 10, m = std::size_t(good[0].m), first = std::size_t(linear_rows(good[0]));
  const auto expect_bad = [&](const char* what, Status status, const auto& spoil) {
    SCOPED_TRACE(what);
    std::vector<DenseProblem> mixed_up = good;
    mixed_up.insert(mixed_up.begin() + 2, good[0]);
    spoil(mixed_up[2]);
    for (int threads : {1, 2}) {
      const Outcome o = run(mixed_up, threads);
      EXPECT_EQ(o.answers.report[2].status, status) << to_string(o.answers.report[2].status);
      for (std::size_t j = 0; j < n; ++j) EXPECT_EQ(o.each.q[2 * n + j], 0);
      for (std::size_t b = 0; b < 5; ++b) {
        const std::size_t at = b < 2 ? b : b + 1;
        EXPECT_TRUE(same_bits(&alone.answers.x[b * n], &o.answers.x[at * n], 10)) << b;
        EXPECT_TRUE(same_bits(&alone.answers.y[b * m], &o.answers.y[at * m], int(m))) << b;
        EXPECT_TRUE(same_bits(&alone.each.A[b * m * n], &o.each.A[at * m * n], int(m * n))) << b;
      }
      EXPECT_TRUE(same_bits(alone.sum.P, o.sum.P) && same_bits(alone.sum.A, o.sum.A));
      EXPECT_TRUE(same_bits(alone.sum.q, o.sum.q) && same_bits(alone.sum.u, o.sum.u));
    }
  };
  const double nan = std::nan("");
  expect_bad("NaN in q", Status::invalid_input, [&](auto& p) { p.q[1] = nan; });
  expect_bad("NaN in P", Status::invalid_input, [&](auto& p) { p.P[1] = nan; });
  expect_bad("NaN in a cone's u", Status::invalid_input, [&](auto& p) { p.u[first + 1] = nan; });
  expect_bad("infinite u of a cone", Status::invalid_input, [&](auto& p) { p.u[first] = 1e30; });
  expect_bad("NaN in a cone's row", Status::invalid_input, [&](auto& p) { p.A.back() = nan; });
  expect_bad("l above u", Status::primal_infeasible, [&](auto& p) { p.l[3] = p.u[3] + 1; });
  expect_bad("a cone without room", Status::primal_infeasible, [&](auto& p) {
    for (std::size_t k = first * n; k < (first + 5) * n; ++k) p.A[k] = 0;  // u itself must be in it
    p.u[first] = -1;
  });
  expect_bad("P not semidefinite", Status::non_convex, [&](auto& p) { p.P[0] = -5; });
}

TEST(Cones, LIsNotReadInTheirRows) {
  DenseProblem p = mixed(2).problem, q = p;
  for (std::size_t i = std::size_t(linear_rows(p)); i < p.l.size(); ++i) q.l[i] = 1e9;
  const auto a = solve(Batch<double>(p)), b = solve(Batch<double>(q));
  EXPECT_TRUE(same_bits(a.x, b.x) && same_bits(a.y, b.y));
}

TEST(Cones, SharedMatricesGiveWhatCopiesGive) {
  std::vector<DenseProblem> problems(6, mixed(1).problem);
  for (std::size_t b = 0; b < problems.size(); ++b)
    for (std::size_t j = 0; j < 10; ++j) problems[b].q[j] += 0.05 * double(b) * double(j % 3);
  const Batch<double> batch(problems);
  Problem<double> shared = batch.view();
  shared.P.stride = shared.A.stride = shared.l.stride = shared.u.stride = 0;
  const auto copied = solve(batch);
  Solver<double> solver(batch.shape, 6);
  Answers<double> a(batch.shape, 6);
  solver.solve(shared, a.view());
  for (const auto& r : a.report) EXPECT_EQ(r.status, Status::solved);
  for (std::size_t i = 0; i < a.x.size(); ++i) ASSERT_NEAR(a.x[i], copied.x[i], 1e-8);
  const auto gx = random_vector(10, 1);
  Gradients<double> sum(batch.shape, 6, true), each(batch.shape, 6);
  solver.backward({{gx.data(), 10, 0}, {}}, sum.view());
  solver.backward({{gx.data(), 10, 0}, {}}, each.view());
  for (std::size_t k = 0; k < sum.A.size(); ++k) {
    double total = 0, size = 1;
    for (std::size_t b = 0; b < 6; ++b) {
      total += each.A[b * sum.A.size() + k];
      size += std::fabs(each.A[b * sum.A.size() + k]);
    }
    ASSERT_NEAR(sum.A[k], total, 1e-13 * size);
  }
}

TEST(Cones, NewVectorsGiveTheBitsOfANewSolve) {
  const KnownProblem first = mixed(1);
  DenseProblem next = first.problem;
  for (double& q : next.q) q *= 1.1;
  const Batch<double> a(first.problem), b(next);
  Solver<double> solver(a.shape, 1);
  Answers<double> again(a.shape, 1);
  solver.solve(a.view(), again.view());
  solver.solve(b.view(), again.view(), Changed::vectors);
  const auto fresh = solve(b);
  EXPECT_TRUE(same_bits(again.x, fresh.x) && same_bits(again.y, fresh.y));
}

TEST(Cones, AStartChangesTheAnswerNoMoreThanItsTolerance) {
  const KnownProblem known = mixed(1);
  const Batch<double> batch(known.problem);
  for (Method method : {Method::automatic, Method::admm}) {
    Solver<double> solver(batch.shape, 1, {.method = method});
    Answers<double> a(batch.shape, 1);
    solver.warm_start(1, {known.x.data(), 10, 0}, {known.y.data(), batch.shape.m, 0});
    solver.solve(batch.view(), a.view());
    EXPECT_EQ(a.report[0].status, Status::solved);
    for (std::size_t j = 0; j < 10; ++j) EXPECT_NEAR(a.x[j], known.x[j], 1e-7);
  }
}

TEST(Cones, FloatDataAreSolvedToFloat) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const KnownProblem known = mixed(seed);
    const Batch<float> batch(known.problem);
    Solver<float> solver(batch.shape, 1);
    Answers<float> a(batch.shape, 1);
    solver.solve(batch.view(), a.view());
    ASSERT_EQ(a.report[0].status, Status::solved);
    EXPECT_TRUE(a.report[0].differentiable);
    for (std::size_t j = 0; j < 10; ++j) EXPECT_NEAR(a.x[j], known.x[j], 1e-4);
    const std::vector<float> gx(10, 1);
    Gradients<float> g(batch.shape, 1);
    solver.backward({{gx.data(), 10, 0}, {}}, g.view());
    ConeSolve wide(known.problem, 1);
    const std::vector<double> ones(10, 1);
    wide.solver.backward({{ones.data(), 10, 0}, {}}, wide.gradients.view());
    const double near = 1e-3 * (1 + largest(wide.gradients.u));
    for (std::size_t i = 0; i < g.u.size(); ++i) EXPECT_NEAR(g.u[i], wide.gradients.u[i], near);
  }
}

TEST(Cones, DegenerateOnesAreFlaggedAndTheirGradientIsFinite) {
  KnownProblem known = random_cones({}, 4);
  DenseProblem& p = known.problem;
  for (std::size_t i = std::size_t(linear_rows(p)); i < known.y.size(); ++i)
    for (std::size_t j = 0; j < 8; ++j) p.q[j] += known.y[i] * p.row(int(i))[j];
  const ConeSolve s(p, 1);  // on the boundary without a multiplier
  EXPECT_EQ(s.report().status, Status::solved);
  EXPECT_FALSE(s.report().differentiable);
  for (const auto* v : {&s.gradients.P, &s.gradients.q, &s.gradients.A, &s.gradients.u})
    EXPECT_LT(largest(*v), 1e4);
}

}  // namespace
}  // namespace bpqp::test
