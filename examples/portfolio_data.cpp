#include "portfolio_data.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <zlib.h>

namespace portfolio {
namespace {

struct CloseGzip {
  void operator()(gzFile file) const { gzclose(file); }
};

/// zlib passes plain text through unchanged.
std::string read_text(const std::string& path) {
  errno = 0;
  const std::unique_ptr<gzFile_s, CloseGzip> file(gzopen(path.c_str(), "rb"));
  if (!file) throw std::runtime_error(path + ": cannot be opened: " + std::strerror(errno));
  std::string text, chunk(1 << 16, '\0');
  for (;;) {
    const int got = gzread(file.get(), chunk.data(), unsigned(chunk.size()));
    if (got < 0) throw std::runtime_error(path + ": damaged gzip data, or a folder");
    if (got == 0) break;
    text.append(chunk, 0, std::size_t(got));
  }
  int code = Z_OK;
  gzerror(file.get(), &code);
  if (code != Z_OK && code != Z_STREAM_END)
    throw std::runtime_error(path + ": the gzip data end too early");
  return text;
}

/// Cuts the text before the next `separator` off the front of `rest`.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

std::string_view cut_line(std::string_view& rest) {
  std::string_view line = cut(rest, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

double parse_price(std::string_view field, const std::string& where) {
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size() || !std::isfinite(value) ||
      value <= 0) {
    throw std::runtime_error(
        where + ": expected a price above 0, got \"" + std::string(field) + "\"");
  }
  return value;
}

/// mu and sigma of the returns [window, assets] of one day.
void mean_and_covariance(
    const double* returns, int window, int assets, double shrink, double* mu, double* sigma) {
  for (int i = 0; i < assets; ++i) {
    mu[i] = 0;
    for (int t = 0; t < window; ++t) mu[i] += returns[t * assets + i] / window;
  }
  double trace = 0;
  for (int i = 0; i < assets; ++i) {
    for (int j = 0; j <= i; ++j) {
      double sum = 0;
      for (int t = 0; t < window; ++t)
        sum += (returns[t * assets + i] - mu[i]) * (returns[t * assets + j] - mu[j]);
      const double covariance = kDaysPerYear * sum / (window - 1);
      sigma[i * assets + j] = sigma[j * assets + i] = (1 - shrink) * covariance;
      if (i == j) trace += covariance;
    }
  }
  for (int i = 0; i < assets; ++i) sigma[i * assets + i] += shrink * trace / assets;
  for (int i = 0; i < assets; ++i) mu[i] *= kDaysPerYear;
}

}  // namespace

Prices read_prices(const std::string& path) {
  const std::string text = read_text(path);
  std::string_view rest = text;
  std::string_view header = cut_line(rest);
  Prices prices;
  if (cut(header, ',') != "Date")
    throw std::runtime_error(path + ": line 1: expected a first column named Date");
  while (!header.empty()) prices.names.emplace_back(cut(header, ','));
  if (prices.names.empty()) throw std::runtime_error(path + ": line 1: expected names after Date");
  for (int line_number = 2; !rest.empty(); ++line_number) {
    std::string_view line = cut_line(rest);
    if (line.empty()) continue;
    const std::string where = path + ": line " + std::to_string(line_number);
    prices.dates.emplace_back(cut(line, ','));
    for (const std::string& name : prices.names)
      prices.price.push_back(parse_price(cut(line, ','), where + ": " + name));
    if (!line.empty())
      throw std::runtime_error(
          where + ": expected " + std::to_string(prices.names.size()) + " prices, got more");
  }
  return prices;
}

Estimates estimate(const Prices& prices, int window, int days, double shrink) {
  const int n = prices.assets(), all = prices.days() - window - 1;
  if (all < 1 || days > all)
    throw std::runtime_error(
        "a window of " + std::to_string(window) + " returns needs " +
        std::to_string(window + 1 + std::max(days, 1)) + " days of prices, the file has " +
        std::to_string(prices.days()));
  const auto N = std::size_t(n);
  std::vector<double> returns((std::size_t(prices.days()) - 1) * N);
  for (std::size_t k = 0; k < returns.size(); ++k)
    returns[k] = prices.price[k + N] / prices.price[k] - 1;

  Estimates e;
  e.days = days > 0 ? days : all;
  e.assets = n;
  const auto count = std::size_t(e.days);
  e.mu.resize(count * N);
  e.sigma.resize(count * N * N);
  for (std::size_t t = 0; t < count; ++t) {
    // returns[k] leads from day k to day k + 1: the window of day k ends with returns[k - 1].
    const auto day = std::size_t(prices.days() - 1 - e.days) + t;
    e.day.push_back(int(day));
    mean_and_covariance(
        &returns[(day - std::size_t(window)) * N], window, n, shrink, &e.mu[t * N],
        &e.sigma[t * N * N]);
    e.next.insert(e.next.end(), &returns[day * N], &returns[day * N] + N);
  }
  return e;
}

}  // namespace portfolio
