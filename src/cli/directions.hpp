/// \file
/// Random directions in the data of a problem along which its solution stays differentiable.
///
/// Differences of solves need problems on both sides that have a solution. So
///   P  moves by L S L' with P = L L' (Cholesky with pivots) and S symmetric: within its range, its
///      null space stays, and P + h L S L' is semidefinite for small h; not at all where P = 0;
///   A  moves in its equality rows by A N, so that dependent rows stay dependent in the same way,
///      and freely in the others;
///   b  (l = u) moves by A z on the equality rows, so that dependent ones stay consistent; l and u
///   of
///      an equality move together;
///   l, u of other rows move freely where they are finite;
///   cones: their rows of A and u move freely, l is not read;
///   q  moves freely.
/// Every entry moves in proportion to what is large around it: units do not matter.
#pragma once

#include <cstdint>
#include <vector>

#include "io/problem_file.hpp"
#include "io/random.hpp"

namespace bpqp::cli {

/// A change of the data, in the shapes of the problem; a step h of about 1e-5 is small beside them.
struct Direction {
  std::vector<double> P, q, A, l, u;
};

class Directions {
 public:
  /// `problem` and (x, y), about its solution, are used for the sizes of the changes; `problem`
  /// must outlive this object.
  Directions(
      const io::ProblemFile& problem,
      const std::vector<double>& x,
      const std::vector<double>& y,
      std::uint64_t seed);

  /// Direction k: depends on problem, seed and k only.
  Direction make(int k) const;

 private:
  void factor();
  void measure(const std::vector<double>& x, const std::vector<double>& y);
  bool is_equality(int row) const {
    return problem_.l[std::size_t(row)] == problem_.u[std::size_t(row)];
  }

  std::vector<double> make_P(io::Random& random) const;
  std::vector<double> make_q(io::Random& random) const;
  void move_equalities(io::Random& random, Direction& direction) const;
  void move_inequalities(io::Random& random, Direction& direction) const;
  double row_times(int row, const std::vector<double>& vector) const;

  const io::ProblemFile& problem_;
  std::uint64_t seed_;
  int n_, m_;
  std::vector<std::vector<double>> L_;  ///< its columns, as many as the rank of P
  std::vector<double> q_size_;          ///< [n] size of the terms of P x + q + A'y
  std::vector<double> x_size_;          ///< [n]
  std::vector<double> column_size_;     ///< [n] largest entry of each column of A; 1 if it is empty
  std::vector<double> side_size_;       ///< [m] size of the terms of A x and of the finite sides
};

}  // namespace bpqp::cli
