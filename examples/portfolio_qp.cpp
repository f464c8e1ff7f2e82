#include "portfolio_qp.hpp"

#include <algorithm>
#include <cmath>

namespace portfolio {
namespace {

/// The step of the differences, relative to the largest entry: the portfolio is linear in mu and
/// smooth in Sigma between changes of the active rows, so that 1e-5 leaves an error of 1e-10.
constexpr double kStep = 1e-5;

/// One entry of mu, or a symmetric pair of Sigma, that is moved.
struct Entry {
  bool of_mu;
  int i, j;
};

std::vector<Entry> all_entries(int assets) {
  std::vector<Entry> entries;
  for (int i = 0; i < assets; ++i) entries.push_back({true, i, i});
  for (int i = 0; i < assets; ++i)
    for (int j = 0; j <= i; ++j) entries.push_back({false, i, j});
  return entries;
}

double largest(const std::vector<double>& v) {
  double most = 0;
  for (double entry : v) most = std::max(most, std::abs(entry));
  return most;
}

/// Problem 2 k has entry k moved up, problem 2 k + 1 down.
struct Moved {
  std::vector<double> mu, sigma;
};

Moved move_entries(
    const DayGradient& day, const std::vector<Entry>& entries, double mu_step, double sigma_step) {
  const auto n = int(day.mu.size());
  Moved moved;
  for (const Entry& e : entries) {
    for (double sign : {1.0, -1.0}) {
      std::vector<double> mu = day.mu, sigma = day.sigma;
      if (e.of_mu) {
        mu[std::size_t(e.i)] += sign * mu_step;
      } else {
        sigma[std::size_t(e.i * n + e.j)] += sign * sigma_step;
        if (e.i != e.j) sigma[std::size_t(e.j * n + e.i)] += sign * sigma_step;
      }
      moved.mu.insert(moved.mu.end(), mu.begin(), mu.end());
      moved.sigma.insert(moved.sigma.end(), sigma.begin(), sigma.end());
    }
  }
  return moved;
}

/// next'w after a solve of the moved problems, and whether the active rows stayed.
struct Losses {
  std::vector<double> value;
  std::vector<bool> usable;
};

Losses solve_moved(const PortfolioQps& qps, const DayGradient& day, bpqp::Settings settings) {
  settings.eps_abs = settings.eps_rel = 1e-10;
  const auto n = std::size_t(qps.assets), m = n + 1, batch = std::size_t(qps.batch);
  std::vector<double> w(batch * n);
  std::vector<std::int8_t> active(batch * m);
  std::vector<bpqp::Report> report(batch);
  bpqp::Solver<double> solver(qps.shape(), qps.batch, settings);
  solver.solve(qps.problem(), {.x = w.data(), .active = active.data(), .report = report.data()});
  Losses losses;
  for (std::size_t b = 0; b < batch; ++b) {
    double value = 0;
    for (std::size_t i = 0; i < n; ++i) value += day.next[i] * w[b * n + i];
    losses.value.push_back(value);
    // Row 0 is the equality: the sign of its multiplier does not matter.
    const bool same = std::equal(day.active.begin() + 1, day.active.end(), &active[b * m + 1]);
    losses.usable.push_back(same && report[b].status == bpqp::Status::solved);
  }
  return losses;
}

}  // namespace

PortfolioQps::PortfolioQps(
    int assets_in,
    const std::vector<double>& mu,
    const std::vector<double>& sigma,
    double gamma,
    double cap)
    : assets(assets_in), batch(int(mu.size()) / assets_in) {
  const auto n = std::size_t(assets);
  for (double entry : sigma) P.push_back(gamma * entry);
  for (double entry : mu) q.push_back(-entry);
  A.assign((n + 1) * n, 0);
  for (std::size_t i = 0; i < n; ++i) A[i] = A[(i + 1) * n + i] = 1;
  l.assign(n + 1, 0);
  u.assign(n + 1, cap);
  l[0] = u[0] = 1;
}

bpqp::Problem<double> PortfolioQps::problem() const {
  const int n = assets, m = assets + 1;
  return {
      .batch = batch,
      .P = {P.data(), n, n, n * n},
      .q = {q.data(), n, n},
      .A = {A.data(), m, n},
      .l = {l.data(), m},
      .u = {u.data(), m}};
}

GradientCheck check_gradient(
    const DayGradient& day, double gamma, double cap, const bpqp::Settings& settings) {
  const auto n = int(day.mu.size());
  const double mu_step = kStep * largest(day.mu), sigma_step = kStep * largest(day.sigma);
  const std::vector<Entry> entries = all_entries(n);
  const Moved moved = move_entries(day, entries, mu_step, sigma_step);
  const PortfolioQps qps(n, moved.mu, moved.sigma, gamma, cap);
  const Losses losses = solve_moved(qps, day, settings);

  GradientCheck check;
  double gg = 0, dd = 0, gd = 0, worst = 0, scale = 0;
  for (std::size_t k = 0; k < entries.size(); ++k) {
    if (!losses.usable[2 * k] || !losses.usable[2 * k + 1]) {
      ++check.skipped;
      continue;
    }
    const Entry& e = entries[k];
    const double twice = e.i == e.j ? 1 : 2;  // both entries of a symmetric pair move
    // mu and Sigma have different units: entries are compared as changes of the loss per relative
    // change of the array.
    const double unit = e.of_mu ? largest(day.mu) : largest(day.sigma);
    const double g = unit * (e.of_mu ? day.dmu[std::size_t(e.i)]
                                     : twice * day.dsigma[std::size_t(e.i * n + e.j)]);
    const double d = (losses.value[2 * k] - losses.value[2 * k + 1]) / (2 * kStep);
    gg += g * g, dd += d * d, gd += g * d;
    worst = std::max(worst, std::abs(g - d));
    scale = std::max(scale, std::abs(d));
    ++check.entries;
  }
  if (gg > 0 && dd > 0) check.cosine = gd / std::sqrt(gg * dd);
  if (scale > 0) check.error = worst / scale;
  return check;
}

}  // namespace portfolio
