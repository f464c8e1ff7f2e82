/// \file
/// Dense Gaussian elimination for the oracle, without any library: plain loops, one real type.
#pragma once

#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace bpqp::test {

/// Row-major [rows, cols].
template <class F>
struct Dense {
  int rows = 0, cols = 0;
  std::vector<F> v;

  Dense() = default;
  Dense(int r, int c) : rows(r), cols(c), v(std::size_t(r) * std::size_t(c), F(0)) {}
  F& operator()(int i, int j) { return v[std::size_t(i) * std::size_t(cols) + std::size_t(j)]; }
  F operator()(int i, int j) const {
    return v[std::size_t(i) * std::size_t(cols) + std::size_t(j)];
  }
};

/// a [rows, cols] with its rows and columns exchanged so that every pivot is the largest entry
/// left; ends at the first pivot below `tolerance` times the first one: their number is the rank.
/// With partial pivoting (columns stay, square a) it is faster and tells nothing of the rank.
template <class F>
class Elimination {
 public:
  enum class Pivots { complete, partial };

  explicit Elimination(Dense<F> a, F tolerance = F(1e-15), Pivots pivots = Pivots::complete)
      : a_(std::move(a)), row_(std::size_t(a_.rows)), col_(std::size_t(a_.cols)) {
    std::iota(row_.begin(), row_.end(), 0);
    std::iota(col_.begin(), col_.end(), 0);
    const int steps = a_.rows < a_.cols ? a_.rows : a_.cols;
    F first = 0;
    for (int k = 0; k < steps; ++k) {
      const F pivot = bring_pivot(k, pivots == Pivots::complete ? a_.cols : k + 1);
      if (k == 0) first = pivot;
      if (!(pivot > tolerance * first)) return;
      eliminate(k);
      ++rank_;
    }
  }

  int rank() const { return rank_; }
  bool regular() const { return rank_ == a_.rows && rank_ == a_.cols; }

  /// A solution of a x = b with zeros for the columns beyond the rank (square a); the caller checks
  /// whether the equations that this leaves out hold.
  std::vector<F> solve(const std::vector<F>& b) const {
    const int n = a_.rows;
    std::vector<F> y(std::size_t(n), F(0)), x(std::size_t(n), F(0));
    for (int i = 0; i < rank_; ++i) {
      F sum = b[std::size_t(row_[std::size_t(i)])];
      for (int j = 0; j < i; ++j) sum -= a_(i, j) * y[std::size_t(j)];
      y[std::size_t(i)] = sum;
    }
    for (int i = rank_ - 1; i >= 0; --i) {
      F sum = y[std::size_t(i)];
      for (int j = i + 1; j < rank_; ++j) sum -= a_(i, j) * y[std::size_t(j)];
      y[std::size_t(i)] = sum / a_(i, i);
    }
    for (int i = 0; i < rank_; ++i) x[std::size_t(col_[std::size_t(i)])] = y[std::size_t(i)];
    return x;
  }

 private:
  F bring_pivot(int k, int last_col) {
    int r = k, c = k;
    F best = 0;
    for (int i = k; i < a_.rows; ++i)
      for (int j = k; j < last_col; ++j) {
        const F size = std::fabs(a_(i, j));
        if (size > best) best = size, r = i, c = j;
      }
    if (r != k) {
      for (int j = 0; j < a_.cols; ++j) std::swap(a_(k, j), a_(r, j));
      std::swap(row_[std::size_t(k)], row_[std::size_t(r)]);
    }
    if (c != k) {
      for (int i = 0; i < a_.rows; ++i) std::swap(a_(i, k), a_(i, c));
      std::swap(col_[std::size_t(k)], col_[std::size_t(c)]);
    }
    return best;
  }

  void eliminate(int k) {
    const F* pivot_row = a_.v.data() + std::size_t(k) * std::size_t(a_.cols);
    for (int i = k + 1; i < a_.rows; ++i) {
      F* r = a_.v.data() + std::size_t(i) * std::size_t(a_.cols);
      const F factor = r[k] / pivot_row[k];
      r[k] = factor;
      if (factor == 0) continue;
      for (int j = k + 1; j < a_.cols; ++j) r[j] -= factor * pivot_row[j];
    }
  }

  Dense<F> a_;
  std::vector<int> row_, col_;
  int rank_ = 0;
};

}  // namespace bpqp::test
