/// \file
/// Prices from a CSV file, and what a mean-variance investor estimates from them day by day.
#pragma once

#include <string>
#include <vector>

namespace portfolio {

struct Prices {
  std::vector<std::string> names;  ///< [assets]
  std::vector<std::string> dates;  ///< [days], as in the file
  std::vector<double> price;       ///< [days, assets], all > 0

  int days() const { return int(dates.size()); }
  int assets() const { return int(names.size()); }
};

/// Reads "Date,NAME,NAME,...", then one line per day with one price per name; plain text or gzip.
/// Throws std::runtime_error with file, line and field when something else is there.
Prices read_prices(const std::string& path);

/// The last `days` days of the file on which both a full window before them and the next day's
/// return are known; day t is entry t of all arrays.
struct Estimates {
  int days = 0;
  int assets = 0;
  std::vector<int> day;       ///< [days] the day's index in Prices
  std::vector<double> mu;     ///< [days, assets] mean return per year
  std::vector<double> sigma;  ///< [days, assets, assets] covariance per year, positive definite
  std::vector<double> next;   ///< [days, assets] return of the following day (per day)
};

constexpr double kDaysPerYear = 252;

/// Mean and covariance of the simple daily returns of the `window` days up to and including day t,
/// times kDaysPerYear. The covariance is shrunk towards a multiple of the identity,
///   Sigma = (1 - shrink) S + shrink (tr S / assets) I,
/// so that it is positive definite for windows shorter than `assets` too (Ledoit and Wolf 2004,
/// with a fixed weight). days = 0: all there are. Throws std::runtime_error if the file is too
/// short.
Estimates estimate(const Prices& prices, int window, int days, double shrink);

}  // namespace portfolio
