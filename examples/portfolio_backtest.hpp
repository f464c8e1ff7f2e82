/// \file
/// What a sequence of portfolios would have earned.
#pragma once

#include <vector>

namespace portfolio {

struct Performance {
  double annual_return = 0;  ///< geometric
  double volatility = 0;     ///< of the daily returns, per year
  double sharpe = 0;         ///< mean over standard deviation of the daily returns, per year;
                             ///< interest is taken as 0
  double drawdown = 0;       ///< largest fall from a high, as a fraction of it
  double turnover = 0;       ///< mean of sum_i |w_i - w_i after the day before| per day
};

/// weights, next [days, assets]: weights held over the day that earns `next`, rebalanced at every
/// close, no costs.
Performance backtest(
    const std::vector<double>& weights, const std::vector<double>& next, int assets);

}  // namespace portfolio
