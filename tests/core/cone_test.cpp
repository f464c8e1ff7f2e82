// One second-order cone (docs/math.md section 11): projection, Jordan algebra, scaling, steps. One
// lane works on a cone, so every lane of a team computes the same here, without memory in common.
#include "core/cone.hpp"

#include "support/random_problems.hpp"
#include "workbench.hpp"

namespace bpqp::core {
namespace {

using Values = std::vector<double>;

BPQP_ON_EVERY_TEAM(Cone);

double norm(const Values& v) {
  double squares = 0;
  for (double e : v) squares += e * e;
  return std::sqrt(squares);
}

double dot(const Values& a, const Values& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

Values tail(const Values& v) {
  return {v.begin() + 1, v.end()};
}

Values minus(const Values& a, const Values& b) {
  Values c = a;
  for (std::size_t i = 0; i < c.size(); ++i) c[i] -= b[i];
  return c;
}

int size_of(const Values& v) {
  return int(v.size());
}

Values projected(const Values& v) {
  Values out(v.size(), test::kNaN);
  soc::project(v.data(), size_of(v), out.data());
  return out;
}

/// t = |v| + margin.
Values with_margin(int d, double margin, std::mt19937_64& engine) {
  Values v = test::normals(std::size_t(d), engine);
  v[0] = norm(tail(v)) + margin;
  return v;
}

constexpr int kSizes[] = {1, 2, 3, 7, 40};

/// |a_i - b_i| <= tolerance times the largest of either.
void expect_near(const Values& a, const Values& b, double tolerance) {
  double size = 0;
  for (double v : a) size = std::fmax(size, std::fabs(v));
  for (double v : b) size = std::fmax(size, std::fabs(v));
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance * size) << i;
}

TEST_P(Cone, ProjectionReachesItsClosedForm) {
  run([](const auto&) {
    EXPECT_EQ(projected({5, 3, 4}), (Values{5, 3, 4}));  // on the boundary
    EXPECT_EQ(projected({6, 3, 4}), (Values{6, 3, 4}));
    EXPECT_EQ(projected({-5, 3, 4}), (Values{0, 0, 0}));  // on the polar cone's
    EXPECT_EQ(projected({-6, 3, 4}), (Values{0, 0, 0}));
    EXPECT_EQ(projected({0, 0, 0}), (Values{0, 0, 0}));
    expect_near(projected({1, 3, 4}), {3, 1.8, 2.4}, 1e-15);  // 3 (1, v/5)
    EXPECT_EQ(projected({2}), Values{2});
    EXPECT_EQ(projected({-2}), Values{0});
    EXPECT_EQ(projected({0, -2}), (Values{1, -1}));
  });
}

/// s = projection(v): s in the cone, v - s in its polar, orthogonal: (v - s)'(c - s) <= 0 for all
/// c.
TEST_P(Cone, ProjectionSolvesItsVariationalInequality) {
  run([](const auto&) {
    std::mt19937_64 engine(1);
    for (int d : kSizes)
      for (int trial = 0; trial < 20; ++trial) {
        const Values v = with_margin(d, 3 * test::normals(1, engine)[0], engine);
        const Values s = projected(v), rest = minus(v, s);
        const double size = norm(v);
        EXPECT_GE(soc::margin(s.data(), d), -1e-15 * size);
        EXPECT_NEAR(dot(rest, s), 0, 1e-14 * size * size);
        for (int k = 0; k < 5; ++k) {
          const Values c =
              with_margin(d, k == 0 ? 0 : std::fabs(test::normals(1, engine)[0]), engine);
          EXPECT_LE(dot(rest, minus(c, s)), 1e-14 * size * (size + norm(c)));
        }
        double distance = 0;
        for (double r : rest) distance = std::fmax(distance, std::fabs(r));
        EXPECT_NEAR(soc::distance(v.data(), d), distance, 1e-15 * size);
        Values negative = v;
        for (double& e : negative) e = -e;
        EXPECT_EQ(soc::distance(negative.data(), d, -1), soc::distance(v.data(), d));
      }
  });
}

TEST_P(Cone, ProjectionKeepsScaleAndNaN) {
  run([](const auto&) {
    for (double scale : {1e-200, 1e200}) {
      const Values s = projected({scale, 3 * scale, 4 * scale});
      expect_near(s, {3 * scale, 1.8 * scale, 2.4 * scale}, 1e-15);
    }
    const Values bad{1, test::kNaN, 2}, bad_t{test::kNaN, 1};
    EXPECT_TRUE(std::isnan(projected(bad)[1]));
    EXPECT_TRUE(std::isnan(soc::distance(bad.data(), 3)));
    EXPECT_TRUE(std::isnan(soc::distance(bad_t.data(), 2)));
    EXPECT_TRUE(std::isnan(soc::tail_norm(bad.data(), 3)));
  });
}

/// t^2 - |v|^2 where the squares agree to 1e-12: the difference of squares would keep 4 digits.
TEST_P(Cone, DeterminantIsAccurateNearTheBoundary) {
  run([](const auto&) {
    const double e = 0x1p-40;
    const Values v{5 + e, 3, 4};
    EXPECT_NEAR(soc::determinant(v.data(), 3), e * (10 + e), 1e-15 * 25);
    EXPECT_GT(soc::determinant(v.data(), 3), 0);
    EXPECT_NEAR(soc::determinant(v.data(), 3) / (e * (10 + e)), 1, 1e-14);
    const Values line{-3}, edge{2, -2}, wide{1e200, 1e200 / 2};
    EXPECT_EQ(soc::determinant(line.data(), 1), 9);
    EXPECT_EQ(soc::determinant(edge.data(), 2), 0);
    EXPECT_EQ(soc::determinant(Values{5, 3, 4}.data(), 3), 0);
  });
}

TEST_P(Cone, ProductAndDivideAreInverse) {
  run([](const auto&) {
    std::mt19937_64 engine(2);
    for (int d : kSizes)
      for (int trial = 0; trial < 10; ++trial) {
        const Values lambda = with_margin(d, trial == 0 ? 1e-3 : 1, engine);
        const Values b = test::normals(std::size_t(d), engine);
        Values quotient(b.size(), test::kNaN), back(b.size(), test::kNaN);
        soc::divide(lambda.data(), b.data(), d, quotient.data());
        soc::product(lambda.data(), quotient.data(), d, back.data());
        const double condition = norm(lambda) * norm(lambda) / soc::determinant(lambda.data(), d);
        for (int i = 0; i < d; ++i)
          EXPECT_NEAR(back[std::size_t(i)], b[std::size_t(i)], 1e-13 * condition * norm(b));
        Values in_place = b;
        soc::divide(lambda.data(), in_place.data(), d, in_place.data());
        EXPECT_EQ(in_place, quotient);
      }
    Values square(3);
    soc::product(Values{1, 2, 3}.data(), Values{4, 5, 6}.data(), 3, square.data());
    EXPECT_EQ(square, (Values{32, 13, 18}));  // (a'b, a_0 b_1 + b_0 a_1)
  });
}

/// W z = W^-1 s, and W^-1 W = 1.
TEST_P(Cone, NesterovTodd) {
  run([](const auto&) {
    std::mt19937_64 engine(3);
    for (int d : kSizes)
      for (double margin : {1e-6, 1e-2, 1.0, 1e3})
        for (int trial = 0; trial < 5; ++trial) {
          const Values s = with_margin(d, margin, engine), z = with_margin(d, 1, engine);
          Values w(s.size(), test::kNaN);
          const double eta = soc::nesterov_todd(s.data(), z.data(), d, w.data());
          EXPECT_NEAR(w[0] * w[0] - dot(tail(w), tail(w)), 1, 1e-14 * w[0] * w[0]);
          Values Wz = z, back = s;
          soc::scale(eta, w.data(), d, false, Wz.data());
          soc::scale(eta, w.data(), d, true, back.data());
          const double loss = w[0] * w[0];  // of digits: W's condition
          expect_near(Wz, back, 1e-13 * loss);
          EXPECT_NEAR(dot(Wz, Wz), dot(s, z), 1e-12 * loss * dot(s, z));
          soc::scale(eta, w.data(), d, true, Wz.data());
          expect_near(Wz, z, 1e-13 * loss);
        }
    Values w(1);
    EXPECT_EQ(soc::nesterov_todd(Values{8}.data(), Values{2}.data(), 1, w.data()), 2);
    EXPECT_EQ(w[0], 1);
  });
}

/// The last t in [0, 1e6] with v + t dv in the cone, by bisection in long double.
double by_bisection(const Values& v, const Values& dv) {
  const auto inside = [&](long double t) {
    long double squares = 0;
    for (std::size_t i = 1; i < v.size(); ++i) {
      const long double e = v[i] + t * dv[i];
      squares += e * e;
    }
    return v[0] + t * dv[0] >= std::sqrt(squares);
  };
  long double low = 0, high = 1e6L;
  if (inside(high)) return INFINITY;
  for (int k = 0; k < 100; ++k) {
    const long double middle = (low + high) / 2;
    (inside(middle) ? low : high) = middle;
  }
  return double(low);
}

TEST_P(Cone, LargestStepIsBisections) {
  run([](const auto&) {
    std::mt19937_64 engine(5);
    for (int d : kSizes)
      for (int trial = 0; trial < 60; ++trial) {
        const Values v = with_margin(d, trial % 3 ? 1 : 1e-4, engine);
        const Values dv = trial % 4 ? test::normals(v.size(), engine)
                                    : with_margin(d, test::normals(1, engine)[0], engine);
        const double step = soc::largest_step(v.data(), dv.data(), d), found = by_bisection(v, dv);
        SCOPED_TRACE("d " + std::to_string(d) + ", trial " + std::to_string(trial));
        EXPECT_LE(step, found * (1 + 1e-9));
        EXPECT_GE(step, std::fmin(1e6, found * (1 - 1e-7)));  // one row: a double root
      }
  });
}

TEST_P(Cone, LargestStepReachesItsClosedForms) {
  run([](const auto&) {
    const auto step = [](const Values& v, const Values& dv) {
      return soc::largest_step(v.data(), dv.data(), size_of(v));
    };
    EXPECT_EQ(step({2}, {-4}), 0.5);
    EXPECT_EQ(step({2}, {4}), INFINITY);
    EXPECT_EQ(step({2, 0}, {0, 1}), 2);
    EXPECT_EQ(step({2, 0}, {1, 1}), INFINITY);  // along the boundary's direction: determinant 0
    EXPECT_EQ(step({1, 0, 0}, {-1, 0, 0}), 1);
    EXPECT_EQ(step({1, 0, 0}, {0, 3, 4}), 0.2);
    EXPECT_EQ(step({1, 0, 0}, {0, 0, 0}), INFINITY);
    EXPECT_NEAR(step({1, 0, 0}, {-1, 1, 0}), 0.5, 1e-15);
    EXPECT_EQ(step({5, 3, 4}, {1, 0, 0}), INFINITY);
  });
}

}  // namespace
}  // namespace bpqp::core
