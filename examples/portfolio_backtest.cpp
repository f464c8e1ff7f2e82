#include "portfolio_backtest.hpp"

#include <algorithm>
#include <cmath>

#include "portfolio_data.hpp"

namespace portfolio {

Performance backtest(
    const std::vector<double>& weights, const std::vector<double>& next, int assets) {
  const auto n = std::size_t(assets), days = weights.size() / n;
  Performance p;
  double wealth = 1, high = 1, sum = 0, squares = 0;
  std::vector<double> drifted;  // yesterday's weights after yesterday's returns
  for (std::size_t t = 0; t < days; ++t) {
    const double *w = &weights[t * n], *r = &next[t * n];
    double earned = 0;
    for (std::size_t i = 0; i < n; ++i) {
      earned += w[i] * r[i];
      if (t > 0) p.turnover += std::abs(w[i] - drifted[i]) / double(days);
    }
    drifted.assign(w, w + n);
    for (std::size_t i = 0; i < n; ++i) drifted[i] *= (1 + r[i]) / (1 + earned);
    wealth *= 1 + earned;
    high = std::max(high, wealth);
    p.drawdown = std::max(p.drawdown, 1 - wealth / high);
    sum += earned, squares += earned * earned;
  }
  const double count = double(days), mean = sum / count;
  const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  p.annual_return = std::pow(wealth, kDaysPerYear / count) - 1;
  p.volatility = deviation * std::sqrt(kDaysPerYear);
  p.sharpe = deviation > 0 ? mean / deviation * std::sqrt(kDaysPerYear) : 0;
  return p;
}

}  // namespace portfolio
