#include "cli/directions.hpp"

#include <algorithm>
#include <cmath>

namespace bpqp::cli {
namespace {

constexpr double kRank = 1e-11;  // what is left of a diagonal entry of P, relative to it
constexpr int kTerms = 3;        // rank of the change of the equality rows

bool is_finite_side(double side) {
  return std::fabs(side) < kInfinity;
}

// Zeros become a tenth of the largest size, or 1 where there is none.
void fill_zeros(std::vector<double>& sizes) {
  const double largest = sizes.empty() ? 0 : *std::max_element(sizes.begin(), sizes.end());
  for (double& s : sizes) {
    if (s == 0) s = largest > 0 ? 0.1 * largest : 1;
  }
}

}  // namespace

Directions::Directions(
    const io::ProblemFile& problem,
    const std::vector<double>& x,
    const std::vector<double>& y,
    std::uint64_t seed)
    : problem_(problem), seed_(seed), n_(problem.shape.n), m_(problem.shape.m) {
  factor();
  measure(x, y);
}

void Directions::factor() {
  const std::size_t n = std::size_t(n_);
  std::vector<double> rest = problem_.P;
  const auto left = [&](std::size_t i) {
    const double p = problem_.P[i * n + i];
    return p > 0 ? rest[i * n + i] / p : 0;
  };
  while (L_.size() < n) {
    std::size_t pivot = 0;
    for (std::size_t i = 1; i < n; ++i) {
      if (left(i) > left(pivot)) pivot = i;
    }
    if (left(pivot) <= kRank) return;
    const double scale = 1 / std::sqrt(rest[pivot * n + pivot]);
    std::vector<double> column(
        rest.begin() + std::ptrdiff_t(pivot * n), rest.begin() + std::ptrdiff_t(pivot * n + n));
    for (double& v : column) v *= scale;
    for (std::size_t i = 0; i < n; ++i) {
      if (column[i] == 0) continue;
      for (std::size_t j = 0; j < n; ++j) rest[i * n + j] -= column[i] * column[j];
    }
    for (std::size_t i = 0; i < n; ++i) rest[pivot * n + i] = rest[i * n + pivot] = 0;
    L_.push_back(std::move(column));
  }
}

void Directions::measure(const std::vector<double>& x, const std::vector<double>& y) {
  const std::size_t n = std::size_t(n_), m = std::size_t(m_);
  q_size_.resize(n);
  column_size_.assign(n, 0);
  side_size_.assign(m, 0);
  for (std::size_t j = 0; j < n; ++j) {
    double px = 0;
    for (std::size_t i = 0; i < n; ++i) px += problem_.P[j * n + i] * x[i];
    q_size_[j] = std::fabs(problem_.q[j]) + std::fabs(px);
  }
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double a = std::fabs(problem_.A[i * n + j]);
      q_size_[j] += a * std::fabs(y[i]);
      side_size_[i] += a * std::fabs(x[j]);
      column_size_[j] = std::max(column_size_[j], a);
    }
    for (const double side : {problem_.l[i], problem_.u[i]}) {
      if (is_finite_side(side)) side_size_[i] = std::max(side_size_[i], std::fabs(side));
    }
  }
  for (double& c : column_size_) c = c > 0 ? c : 1;
  x_size_.resize(n);
  for (std::size_t j = 0; j < n; ++j) x_size_[j] = column_size_[j] * std::fabs(x[j]);
  fill_zeros(x_size_);
  for (std::size_t j = 0; j < n; ++j) x_size_[j] /= column_size_[j];
  fill_zeros(q_size_);
  fill_zeros(side_size_);
}

double Directions::row_times(int row, const std::vector<double>& vector) const {
  double sum = 0;
  for (int j = 0; j < n_; ++j)
    sum += problem_.A[std::size_t(row) * n_ + j] * vector[std::size_t(j)];
  return sum;
}

// E = (a b' + b a') / (2 sqrt(rank)), a and b random in the range of L: E_ij is of the size of
// sqrt(P_ii P_jj).
std::vector<double> Directions::make_P(io::Random& random) const {
  const std::size_t n = std::size_t(n_);
  std::vector<double> E(n * n, 0.0), a(n, 0.0), b(n, 0.0);
  for (const auto& column : L_) {
    const double s = random.normal(), t = random.normal();
    for (std::size_t i = 0; i < n; ++i) {
      a[i] += s * column[i];
      b[i] += t * column[i];
    }
  }
  const double scale = L_.empty() ? 0 : 0.5 / std::sqrt(double(L_.size()));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) E[i * n + j] = scale * (a[i] * b[j] + b[i] * a[j]);
  }
  return E;
}

std::vector<double> Directions::make_q(io::Random& random) const {
  auto dq = random.normals(std::size_t(n_));
  for (std::size_t j = 0; j < dq.size(); ++j) dq[j] *= q_size_[j];
  return dq;
}

// dA = A N with N a sum of kTerms products u v', db = A z.
void Directions::move_equalities(io::Random& random, Direction& d) const {
  const std::size_t n = std::size_t(n_);
  for (int term = 0; term < kTerms; ++term) {
    auto u = random.normals(n), v = random.normals(n);
    for (std::size_t j = 0; j < n; ++j) {
      u[j] /= column_size_[j];
      v[j] *= column_size_[j] / std::sqrt(double(kTerms) * n_);
    }
    for (int i = 0; i < m_; ++i) {
      if (!is_equality(i)) continue;
      const double au = row_times(i, u);
      for (std::size_t j = 0; j < n; ++j) d.A[std::size_t(i) * n + j] += au * v[j];
    }
  }
  auto z = random.normals(n);
  for (std::size_t j = 0; j < n; ++j) z[j] *= x_size_[j];
  for (int i = 0; i < m_; ++i) {
    if (is_equality(i)) d.l[std::size_t(i)] = d.u[std::size_t(i)] = row_times(i, z);
  }
}

void Directions::move_inequalities(io::Random& random, Direction& d) const {
  const std::size_t n = std::size_t(n_);
  for (int row = 0; row < m_; ++row) {
    if (is_equality(row)) continue;
    const std::size_t i = std::size_t(row);
    double row_size = 0;
    for (std::size_t j = 0; j < n; ++j) {
      row_size = std::max(row_size, std::fabs(problem_.A[i * n + j]) / column_size_[j]);
    }
    const double fill = row_size / std::sqrt(double(n_));  // entries that are 0 move, but together
    for (std::size_t j = 0; j < n; ++j) {
      const double size = std::fabs(problem_.A[i * n + j]) + fill * column_size_[j];
      d.A[i * n + j] = size * random.normal();
    }
    const double dl = side_size_[i] * random.normal(), du = side_size_[i] * random.normal();
    if (is_finite_side(problem_.l[i])) d.l[i] = dl;
    if (is_finite_side(problem_.u[i])) d.u[i] = du;
  }
}

Direction Directions::make(int k) const {
  io::Random random(seed_, std::uint64_t(k));
  Direction direction;
  direction.P = make_P(random);
  direction.q = make_q(random);
  direction.A.assign(problem_.A.size(), 0.0);
  direction.l.assign(std::size_t(m_), 0.0);
  direction.u.assign(std::size_t(m_), 0.0);
  move_equalities(random, direction);
  move_inequalities(random, direction);
  return direction;
}

}  // namespace bpqp::cli
