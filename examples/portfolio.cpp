/// \file
/// A mean-variance portfolio for every trading day of twenty US stocks, all days as one batch, and
/// the gradient of the next day's return with respect to that day's estimates. Start in main().
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <bpqp/bpqp.hpp>

#include "portfolio_backtest.hpp"
#include "portfolio_data.hpp"
#include "portfolio_qp.hpp"

namespace portfolio {
namespace {

struct Options {
  std::string data = BPQP_EXAMPLE_PRICES;
  int days = 0;
  int window = 250;
  double gamma = 5;
  double cap = 0.15;
  double shrink = 0.1;
  int check_days = 5;
  int threads = 0;
};

/// The batch's answers; problem t is day t of the estimates.
struct Answers {
  std::vector<double> w;             ///< [days, assets]
  std::vector<std::int8_t> active;   ///< [days, assets + 1]
  std::vector<double> dmu, dsigma;   ///< [days, assets], [days, assets, assets] of next'w
  std::vector<bpqp::Report> report;  ///< [days]
  double forward_seconds = 0, backward_seconds = 0;  ///< of the whole batch, median
  std::size_t bytes = 0;
};

CLI::Validator positive_number() {
  return {
      [](const std::string& text) -> std::string {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        if (*end == '\0' && value > 0 && std::isfinite(value)) return "";
        return "given " + text + ", expected a finite number > 0";
      },
      "", ""};
}

void parse(int argc, char** argv, CLI::App& app, Options& o) {
  app.description(
      "Mean-variance portfolios of every trading day, solved and differentiated as one batch.");
  app.add_option("--data", o.data, "CSV of prices, plain or gzip: Date,NAME,...")
      ->default_str("data/sp500_prices.csv.gz of the project");
  app.add_option("--days", o.days, "Last days of the file; 0: all")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  app.add_option("--window", o.window, "Days that the estimates look back")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  app.add_option("--gamma", o.gamma, "Risk aversion")
      ->check(positive_number())
      ->capture_default_str();
  app.add_option("--cap", o.cap, "Largest weight of one stock")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--shrink", o.shrink, "Weight of the identity in the covariance")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--check", o.check_days, "Days whose gradient is compared with differences")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  app.add_option("--threads", o.threads, "CPU threads; 0: one per core")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  app.parse(argc, argv);
}

/// Seconds of one run of `work`, the median of three.
template <class Work>
double seconds(const Work& work) {
  std::vector<double> times;
  for (int run = 0; run < 3; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    times.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[1];
}

/// The main job: forward, and backward with the loss sum_t next_t'w_t, whose gradient in w_t is
/// next_t. With P = gamma Sigma and q = -mu, dSigma = gamma dP and dmu = -dq.
Answers solve(const Estimates& e, const Options& o, const bpqp::Settings& settings) {
  const PortfolioQps qps(e.assets, e.mu, e.sigma, o.gamma, o.cap);
  const auto n = std::size_t(e.assets), days = std::size_t(e.days);
  Answers a;
  a.w.resize(days * n);
  a.active.resize(days * (n + 1));
  a.dmu.resize(days * n);
  a.dsigma.resize(days * n * n);
  a.report.resize(days);

  bpqp::Solver<double> solver(qps.shape(), e.days, settings);
  a.bytes = solver.bytes();
  a.forward_seconds = seconds([&] {
    solver.solve(
        qps.problem(), {.x = a.w.data(), .active = a.active.data(), .report = a.report.data()});
  });
  a.backward_seconds = seconds([&] {
    solver.backward(
        {.x = {e.next.data(), e.assets, e.assets}},
        {.P = {a.dsigma.data(), e.assets * e.assets}, .q = {a.dmu.data(), e.assets}});
  });
  for (double& entry : a.dmu) entry = -entry;
  for (double& entry : a.dsigma) entry *= o.gamma;
  return a;
}

DayGradient day_gradient(const Estimates& e, const Answers& a, int t) {
  const auto slice = [t](const auto& all, std::size_t size) {
    const auto first = all.begin() + std::ptrdiff_t(std::size_t(t) * size);
    return std::vector(first, first + std::ptrdiff_t(size));
  };
  const auto n = std::size_t(e.assets);
  return {slice(e.mu, n),         slice(e.sigma, n * n), slice(e.next, n),
          slice(a.active, n + 1), slice(a.dmu, n),       slice(a.dsigma, n * n)};
}

/// Days of whose portfolio every weight follows from the active rows: nothing moves, all is 0.
bool is_vertex(const bpqp::Report& r, int assets) {
  return r.active >= assets;
}

/// Evenly spread days on which a derivative exists and is not 0.
std::vector<int> days_to_check(const Answers& a, int assets, int count) {
  std::vector<int> differentiable, chosen;
  for (std::size_t t = 0; t < a.report.size(); ++t)
    if (a.report[t].differentiable && !is_vertex(a.report[t], assets))
      differentiable.push_back(int(t));
  const auto have = differentiable.size(), want = std::min(std::size_t(count), have);
  for (std::size_t k = 0; k < want; ++k)
    chosen.push_back(differentiable[(2 * k + 1) * have / (2 * want)]);
  return chosen;
}

std::string processor() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

void print_header(const Prices& prices, const Estimates& e, const Options& o) {
  std::printf("%s: %d stocks, %d days\n", o.data.c_str(), prices.assets(), prices.days());
  std::printf(
      "portfolios of %s to %s: window %d days, gamma %g, weights 0 ... %g, shrinkage %g\n\n",
      prices.dates[std::size_t(e.day.front())].c_str(),
      prices.dates[std::size_t(e.day.back())].c_str(), o.window, o.gamma, o.cap, o.shrink);
}

/// "median 12, most 30" of one field of the reports.
void print_counts(const char* name, const Answers& a, int bpqp::Report::*field) {
  std::vector<int> counts;
  for (const bpqp::Report& r : a.report) counts.push_back(r.*field);
  std::sort(counts.begin(), counts.end());
  std::printf(
      "%-26s median %d, mean %.2f, most %d\n", name, counts[counts.size() / 2],
      std::accumulate(counts.begin(), counts.end(), 0.0) / double(counts.size()), counts.back());
}

/// Returns whether all problems are solved.
bool print_answers(const Answers& a, int assets) {
  std::printf("%-26s %zu in one batch\n", "problems", a.report.size());
  std::vector<int> of_status(8);
  int differentiable = 0, vertices = 0;
  double primal = 0, dual = 0, gap = 0;
  for (const bpqp::Report& r : a.report) {
    ++of_status[std::size_t(r.status)];
    differentiable += r.differentiable;
    vertices += r.differentiable && is_vertex(r, assets);
    primal = std::max(primal, r.primal_residual_relative);
    dual = std::max(dual, r.dual_residual_relative);
    gap = std::max(gap, r.gap_relative);
  }
  for (int s = 0; s < int(of_status.size()); ++s)
    if (of_status[std::size_t(s)] > 0)
      std::printf("  %-24s %d\n", bpqp::to_string(bpqp::Status(s)), of_status[std::size_t(s)]);
  std::printf("  %-24s %d\n", "differentiable", differentiable);
  std::printf("  %-24s %d (all weights but one at a bound)\n", "of these gradient 0", vertices);
  print_counts("ADMM iterations", a, &bpqp::Report::iterations);
  print_counts("rows exchanged", a, &bpqp::Report::exchanges);
  std::printf(
      "%-26s primal %.1e, dual %.1e, gap %.1e\n", "worst relative residuals", primal, dual, gap);
  return of_status[std::size_t(bpqp::Status::solved)] == int(a.report.size());
}

/// Returns whether the gradients agree with the differences.
bool print_check(
    const Prices& prices,
    const Estimates& e,
    const Answers& a,
    const Options& o,
    const bpqp::Settings& settings) {
  std::printf("\ngradient of the next day's return in mu and Sigma against central differences\n");
  bool agree = true;
  for (int t : days_to_check(a, e.assets, o.check_days)) {
    const GradientCheck check = check_gradient(day_gradient(e, a, t), o.gamma, o.cap, settings);
    std::printf(
        "  %-24s cosine %.10f, largest error %.1e, %d entries, %d skipped\n",
        prices.dates[std::size_t(e.day[std::size_t(t)])].c_str(), check.cosine, check.error,
        check.entries, check.skipped);
    agree = agree && check.cosine > 0.9999 && check.error < 1e-4;
  }
  return agree;
}

void print_speed(const Answers& a, const bpqp::Settings& settings) {
  const bpqp::Capabilities can = bpqp::capabilities();
  const double count = double(a.report.size());
  std::printf(
      "\n%-26s %.0f problems/s (%.2f us each)\n", "forward", count / a.forward_seconds,
      1e6 * a.forward_seconds / count);
  std::printf(
      "%-26s %.0f problems/s (%.2f us each)\n", "backward (dmu, dSigma)",
      count / a.backward_seconds, 1e6 * a.backward_seconds / count);
  std::printf(
      "%-26s %d threads, %s, %s, double\n", "on",
      settings.threads > 0 ? settings.threads : can.threads, processor().c_str(),
      can.cpu_level.c_str());
  std::printf("%-26s %.1f MiB\n", "the solver's memory", double(a.bytes) / (1 << 20));
}

void print_performance(const Estimates& e, const Answers& a) {
  const std::vector<double> equal(a.w.size(), 1.0 / e.assets);
  std::printf(
      "\n%-26s %10s %10s %10s %10s %10s\n", "rebalanced daily, no costs", "return/yr", "volatility",
      "Sharpe", "drawdown", "turnover");
  const auto row = [&](const char* name, const std::vector<double>& weights) {
    const Performance p = backtest(weights, e.next, e.assets);
    std::printf(
        "  %-24s %9.2f%% %9.2f%% %10.2f %9.1f%% %9.2f%%\n", name, 100 * p.annual_return,
        100 * p.volatility, p.sharpe, 100 * p.drawdown, 100 * p.turnover);
  };
  row("mean-variance", a.w);
  row("equal weights", equal);
  std::printf(
      "The stocks were chosen with hindsight (they still trade today): this shows what the solver "
      "does,\nnot what an investor would have earned.\n");
}

int run(const Options& o) {
  const Prices prices = read_prices(o.data);
  if (o.cap * prices.assets() < 1)
    throw std::runtime_error(
        "--cap: weights of at most " + std::to_string(o.cap) + " of " +
        std::to_string(prices.assets()) + " stocks cannot sum to 1");
  const Estimates estimates = estimate(prices, o.window, o.days, o.shrink);
  print_header(prices, estimates, o);
  const bpqp::Settings settings{.threads = o.threads};
  const Answers answers = solve(estimates, o, settings);
  const bool solved = print_answers(answers, estimates.assets);
  const bool agree = print_check(prices, estimates, answers, o, settings);
  print_speed(answers, settings);
  print_performance(estimates, answers);
  if (!solved) std::fprintf(stderr, "portfolio: some days were not solved\n");
  if (!agree) std::fprintf(stderr, "portfolio: a gradient differs from the differences\n");
  return solved && agree ? 0 : 2;
}

}  // namespace
}  // namespace portfolio

int main(int argc, char** argv) {
  CLI::App app("", "portfolio");
  portfolio::Options options;
  try {
    portfolio::parse(argc, argv, app, options);
    return portfolio::run(options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "portfolio: %s\n", error.what());
    return 1;
  }
}
