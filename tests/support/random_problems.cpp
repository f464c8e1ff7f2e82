#include "support/random_problems.hpp"

#include <cmath>

namespace bpqp::test {
namespace {

constexpr double kInf = 1e30;

double normal(std::mt19937_64& engine) {
  return std::normal_distribution<double>()(engine);
}

double between(double a, double b, std::mt19937_64& engine) {
  return std::uniform_real_distribution<double>(a, b)(engine);
}

/// R'R/n + shift I with R [rank, n] Gaussian; empty for rank 0 without shift.
std::vector<double> gram(int n, int rank, double shift, std::mt19937_64& engine) {
  if (rank == 0 && shift == 0) return {};
  const auto N = std::size_t(n), K = std::size_t(rank);
  const std::vector<double> R = normals(K * N, engine);
  std::vector<double> P(N * N, 0);
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = i == j ? shift : 0;
      for (std::size_t k = 0; k < K; ++k) sum += R[k * N + i] * R[k * N + j] / n;
      P[i * N + j] = P[j * N + i] = sum;
    }
  return P;
}

/// Builds rows one by one around x*, with their multipliers.
class Builder {
 public:
  Builder(const KnownOptions& o, std::uint64_t seed) : o_(o), engine_(seed) {
    DenseProblem& p = known_.problem;
    p.n = o.n;
    const bool full = o.rank_P < 0;
    p.P = gram(o.n, full ? o.n : o.rank_P, full ? 0.1 : 0, engine_);
    known_.x = normals(std::size_t(o.n), engine_);
    for (int j = 0; j < o.n; ++j)
      column_.push_back(std::pow(10, between(-o.column_spread, o.column_spread, engine_)));
    for (std::size_t j = 0; j < column_.size(); ++j) known_.x[j] /= column_[j];
    for (std::size_t i = 0; i < p.P.size(); ++i)
      p.P[i] *= column_[i / column_.size()] * column_[i % column_.size()];
  }

  KnownProblem build() {
    for (int i = 0; i < o_.equalities; ++i) add(new_row(), Kind::equality);
    for (int i = 0; i < o_.active; ++i) add(new_row(), i % 2 ? Kind::lower : Kind::upper);
    for (int i = 0; i < o_.dependent; ++i) add(sum_of_rows(i), Kind::upper);
    for (int i = 0; i < o_.redundant; ++i) add(repeated_row(i), Kind::equality);
    for (int i = 0; i < o_.inactive; ++i) add(new_row(), Kind::inactive);
    for (int i = 0; i < o_.weakly_active; ++i) add(new_row(), Kind::weak);
    for (int i = 0; i < o_.free_rows; ++i) add(new_row(), Kind::free);
    set_q();
    return known_;
  }

 private:
  enum class Kind { equality, lower, upper, inactive, weak, free };

  std::vector<double> new_row() {
    std::vector<double> row = normals(std::size_t(o_.n), engine_);
    const double scale = std::pow(10, between(-o_.row_spread, o_.row_spread, engine_));
    for (std::size_t j = 0; j < row.size(); ++j) row[j] *= scale * column_[j];
    return row;
  }

  std::vector<double> row(int i) const {
    const double* a = known_.problem.row(i);
    return {a, a + o_.n};
  }

  std::vector<double> sum_of_rows(int i) const {
    std::vector<double> a = row(o_.equalities + i % o_.active);
    const std::vector<double> b = row(o_.equalities + (i + 1) % o_.active);
    for (std::size_t j = 0; j < a.size(); ++j) a[j] += b[j];
    return a;
  }

  std::vector<double> repeated_row(int i) const {
    std::vector<double> a = row(i % o_.equalities);
    for (double& v : a) v *= -2;  // exactly the same set
    return a;
  }

  void add(const std::vector<double>& a, Kind kind) {
    DenseProblem& p = known_.problem;
    double size = 0, Ax = 0;
    for (std::size_t j = 0; j < a.size(); ++j) {
      Ax += a[j] * known_.x[j];
      size = std::fmax(size, std::fabs(a[j] / column_[j]));
    }
    const double slack = size * between(1, 2, engine_), y = between(1, 2, engine_) / size;
    double l = -kInf, u = kInf, multiplier = 0;
    switch (kind) {
      case Kind::equality:
        l = u = Ax, multiplier = p.m % 2 ? y : -y;
        break;
      case Kind::lower:
        l = Ax, u = Ax + slack, multiplier = -y;
        break;
      case Kind::upper:
        u = Ax, multiplier = y;
        break;
      case Kind::inactive:
        l = Ax - slack, u = Ax + slack;
        break;
      case Kind::weak:
        u = Ax;
        break;
      case Kind::free:
        break;
    }
    p.A.insert(p.A.end(), a.begin(), a.end());
    p.l.push_back(l);
    p.u.push_back(u);
    known_.y.push_back(multiplier);
    ++p.m;
  }

  void set_q() {
    DenseProblem& p = known_.problem;
    for (int j = 0; j < p.n; ++j) {
      long double sum = 0;
      for (int k = 0; k < p.n; ++k)
        sum -= static_cast<long double>(p.p(j, k)) * known_.x[std::size_t(k)];
      for (int i = 0; i < p.m; ++i)
        sum -= static_cast<long double>(p.row(i)[j]) * known_.y[std::size_t(i)];
      p.q.push_back(double(sum));
    }
  }

  const KnownOptions o_;
  std::mt19937_64 engine_;
  std::vector<double> column_;
  KnownProblem known_;
};

}  // namespace

std::vector<double> normals(std::size_t count, std::mt19937_64& engine) {
  std::vector<double> v(count);
  for (double& e : v) e = normal(engine);
  return v;
}

KnownProblem random_known(const KnownOptions& options, std::uint64_t seed) {
  return Builder(options, seed).build();
}

DenseProblem random_primal_infeasible(int n, int m, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  DenseProblem p{n, m, gram(n, n, 0.1, engine), normals(std::size_t(n), engine), {}, {}, {}, {}};
  // The last row is minus a positive combination of the others, so that sum w_i a_i = 0 with w > 0;
  // then A x <= b is impossible where sum w_i b_i < 0.
  p.A = normals(std::size_t(m - 1) * std::size_t(n), engine);
  p.A.resize(std::size_t(m) * std::size_t(n), 0);
  p.l.assign(std::size_t(m), -kInf);
  double total = 0;
  for (int i = 0; i + 1 < m; ++i) {
    const double w = between(0.5, 1, engine);
    for (int j = 0; j < n; ++j)
      p.A[std::size_t(m - 1) * std::size_t(n) + std::size_t(j)] -= w * p.row(i)[j];
    p.u.push_back(normal(engine));
    total += w * p.u.back();
  }
  p.u.push_back(-total - between(0.5, 1, engine));
  return p;
}

DenseProblem random_dual_infeasible(int n, int m, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  DenseProblem p{n, m, gram(n, n - 1, 0, engine), normals(std::size_t(n), engine), {}, {}, {}, {}};
  // The last variable is outside P, and d = its unit vector descends and meets no upper side.
  const auto N = std::size_t(n);
  for (std::size_t j = 0; j < N; ++j) p.P[j * N + N - 1] = p.P[(N - 1) * N + j] = 0;
  p.q.back() = -between(0.5, 1, engine);
  p.A = normals(std::size_t(m) * N, engine);
  for (int i = 0; i < m; ++i) {
    double& last = p.A[std::size_t(i) * N + N - 1];
    last = i % 3 == 0 ? 0 : -std::fabs(last);
    p.u.push_back(between(0.5, 1, engine));
    p.l.push_back(-kInf);
  }
  return p;
}

DenseProblem random_non_convex(int n, int m, std::uint64_t seed) {
  KnownOptions o;
  o.n = n;
  o.equalities = 0;
  o.active = m / 2;
  o.inactive = m - m / 2;
  DenseProblem p = random_known(o, seed).problem;
  std::mt19937_64 engine(seed + 1);
  std::vector<double> v = normals(std::size_t(n), engine);
  double norm2 = 0, vPv = 0;
  for (double e : v) norm2 += e * e;
  for (double& e : v) e /= std::sqrt(norm2);
  const auto N = std::size_t(n);
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) vPv += v[i] * p.P[i * N + j] * v[j];
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) p.P[i * N + j] -= (1 + vPv) * v[i] * v[j];
  return p;
}

}  // namespace bpqp::test
