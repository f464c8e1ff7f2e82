/// \file
/// Mean-variance portfolios as one batch of QPs, and their gradients against differences.
///
///   maximise mu'w - gamma/2 w'Sigma w   subject to  1'w = 1,  0 <= w <= cap
///
/// in bpqp's form: P = gamma Sigma, q = -mu, rows (1'; I), all days sharing rows and sides.
#pragma once

#include <vector>

#include <bpqp/bpqp.hpp>

namespace portfolio {

/// Owns what a batch of portfolios points to. Not copied: its problem() refers to it.
struct PortfolioQps {
  /// mu [batch, assets], sigma [batch, assets, assets]; cap * assets >= 1 for a solution to exist.
  PortfolioQps(
      int assets,
      const std::vector<double>& mu,
      const std::vector<double>& sigma,
      double gamma,
      double cap);
  PortfolioQps(const PortfolioQps&) = delete;
  PortfolioQps& operator=(const PortfolioQps&) = delete;

  bpqp::Shape shape() const { return {.n = assets, .m = assets + 1}; }
  bpqp::Problem<double> problem() const;

  int assets;
  int batch;
  std::vector<double> P;        ///< [batch, assets, assets]
  std::vector<double> q;        ///< [batch, assets]
  std::vector<double> A, l, u;  ///< [assets + 1, assets], [assets + 1]; shared
};

/// One day of the loss r'w: its data, its portfolio's active rows, and the gradient to check.
struct DayGradient {
  std::vector<double> mu, sigma, next;  ///< [assets], [assets, assets], [assets]
  std::vector<std::int8_t> active;      ///< [assets + 1]
  std::vector<double> dmu, dsigma;      ///< [assets], [assets, assets] of next'w
};

/// A gradient beside central differences of it, entry by entry.
struct GradientCheck {
  int entries = 0;    ///< compared
  int skipped = 0;    ///< the active rows change within the step: no derivative to compare with
  double cosine = 1;  ///< between the two vectors
  double error = 0;   ///< largest difference over the largest entry of the differences
};

/// All entries of mu, and of Sigma moved symmetrically, each by +-step times the largest entry of
/// its array; all 2 (assets + assets (assets + 1) / 2) problems are solved as one batch, to 1e-10.
GradientCheck check_gradient(
    const DayGradient& day, double gamma, double cap, const bpqp::Settings& settings);

}  // namespace portfolio
