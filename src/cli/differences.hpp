/// \file
/// Derivatives of g'x along random directions by central differences of tight solves.
#pragma once

#include <cstdint>
#include <vector>

#include "bpqp/solver.hpp"
#include "cli/directions.hpp"

namespace bpqp::cli {

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

  /// (g'x(+h) - g'x(-h)) / 2h along directions 0 ... count - 1; NaN where an end was not solved.
  std::vector<double> measure(
      const Directions& directions, int count, const std::vector<double>& g) const;

 private:
  bool solve(double eps);
  void measure_at(
      double step,
      const Directions& directions,
      const std::vector<int>& which,
      const std::vector<double>& g,
      std::vector<double>& measured,
      std::vector<int>& changed) const;
  bool same_active_set(const std::int8_t* active) const;

  const io::ProblemFile& problem_;
  Settings settings_;
  bool solved_ = false;
  std::vector<double> x_, y_;
  std::vector<std::int8_t> active_;
};

}  // namespace bpqp::cli
