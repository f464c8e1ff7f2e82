/// \file
/// Derivatives of g'x along random directions by central differences of tight solves.
#pragma once

#include <cstdint>
#include <vector>

#include "bpqp/solver.hpp"
#include "cli/directions.hpp"

namespace bpqp::cli {

/// A central difference along one direction.
struct Quotient {
  double step;           ///< h
  double value;          ///< (g'x(+h) - g'x(-h)) / 2h; NaN where an end was not solved
  bool same_active_set;  ///< at both ends as in the middle
};

/// The derivative that differences of several steps agree on, without a look at what it should be.
/// Each step's neighbour is ten times larger or smaller; the two that differ least are believed.
struct Estimate {
  double value;       ///< NaN if no difference could be taken
  double difference;  ///< relative, of those two; infinite if there are no two
};
Estimate estimate(std::vector<Quotient> quotients);

/// One tightly solved problem, and the problems beside it.
class DifferenceQuotients {
 public:
  /// `problem` must outlive this object. `settings`: what the differences are solved with, except
  /// for the tolerance, which is 1e-10 or the tightest at which the problem itself is solved.
  DifferenceQuotients(const io::ProblemFile& problem, const Settings& settings);

  /// Whether the problem itself was solved at all; if not, there are no differences.
  bool is_solved() const { return solved_; }
  const std::vector<double>& x() const { return x_; }
  const std::vector<double>& y() const { return y_; }

  /// Derivatives of g'x along directions 0 ... count - 1; NaN where problems beside were not
  /// solved.
  std::vector<double> measure(
      const Directions& directions, int count, const std::vector<double>& g) const;

 private:
  bool solve(double eps);
  void measure_at(
      double step,
      const Directions& directions,
      const std::vector<int>& which,
      const std::vector<double>& g,
      std::vector<std::vector<Quotient>>& quotients) const;
  bool same_active_set(const std::int8_t* active) const;

  const io::ProblemFile& problem_;
  Settings settings_;
  bool solved_ = false;
  std::vector<double> x_, y_;
  std::vector<std::int8_t> active_;
};

}  // namespace bpqp::cli
