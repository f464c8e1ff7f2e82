#include "cli/differences.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bpqp::cli {
namespace {

constexpr double kTight[] = {1e-10, 1e-9, 1e-8, 1e-6};

// Steps relative to the directions' own sizes. The error of a central difference is of the order of
// the step squared, that of the solves (1e-12 after the polish) divided by it; the two meet near
// 1e-5. A smaller step is for directions along which rows become active or inactive before that.
constexpr double kSteps[] = {1e-5, 1e-6, 1e-7, 1e-8};

constexpr double kBytes = 5e8;  // of the problems beside one problem that are solved at once

// The data of problems beside one problem.
struct Beside {
  std::vector<double> P, q, A, l, u;
};

void append_moved(
    const std::vector<double>& base,
    const std::vector<double>& change,
    double step,
    std::vector<double>& out) {
  for (std::size_t i = 0; i < base.size(); ++i) out.push_back(base[i] + step * change[i]);
}

void append_moved(const io::ProblemFile& p, const Direction& d, double step, Beside& out) {
  append_moved(p.P, d.P, step, out.P);
  append_moved(p.q, d.q, step, out.q);
  append_moved(p.A, d.A, step, out.A);
  append_moved(p.l, d.l, step, out.l);
  append_moved(p.u, d.u, step, out.u);
}

double dot(const std::vector<double>& g, const double* x) {
  double sum = 0;
  for (std::size_t j = 0; j < g.size(); ++j) sum += g[j] * x[j];
  return sum;
}

std::size_t directions_at_once(const Shape& s) {
  const double bytes = 16.0 * (double(s.n) * (s.n + s.m) + s.n + 2.0 * s.m);
  return std::size_t(std::clamp(kBytes / bytes, 1.0, 1024.0));
}

}  // namespace

DifferenceQuotients::DifferenceQuotients(const io::ProblemFile& problem, const Settings& settings)
    : problem_(problem), settings_(settings) {
  settings_.gradients = false;
  for (const double eps : kTight) {
    if (solve(eps)) return;
  }
}

bool DifferenceQuotients::solve(double eps) {
  settings_.eps_abs = settings_.eps_rel = eps;
  const Shape& s = problem_.shape;
  x_.resize(std::size_t(s.n));
  y_.resize(std::size_t(s.m));
  active_.resize(std::size_t(s.m));
  Report report;
  const auto& p = problem_;
  Solver<double>(s, 1, settings_)
      .solve(
          contiguous(s, 1, p.P.data(), p.q.data(), p.A.data(), p.l.data(), p.u.data()),
          {x_.data(), y_.data(), active_.data(), &report});
  solved_ = report.status == Status::solved;
  return solved_;
}

// Equalities are always active; the sign of their multiplier may change freely.
bool DifferenceQuotients::same_active_set(const std::int8_t* active) const {
  for (std::size_t i = 0; i < active_.size(); ++i) {
    if (problem_.l[i] != problem_.u[i] && active[i] != active_[i]) return false;
  }
  return true;
}

void DifferenceQuotients::measure_at(
    double step,
    const Directions& directions,
    const std::vector<int>& which,
    const std::vector<double>& g,
    std::vector<double>& measured,
    std::vector<int>& changed) const {
  const Shape& s = problem_.shape;
  const std::size_t n = std::size_t(s.n), m = std::size_t(s.m), batch = 2 * which.size();
  Beside data;
  for (const int k : which) {
    const Direction direction = directions.make(k);
    for (const double side : {step, -step}) append_moved(problem_, direction, side, data);
  }
  std::vector<double> x(batch * n);
  std::vector<std::int8_t> active(batch * m);
  std::vector<Report> reports(batch);
  Solver<double> solver(s, int(batch), settings_);
  solver.solve(
      contiguous(
          s, int(batch), data.P.data(), data.q.data(), data.A.data(), data.l.data(), data.u.data()),
      {x.data(), nullptr, active.data(), reports.data()});
  for (std::size_t i = 0; i < which.size(); ++i) {
    const std::size_t plus = 2 * i, minus = plus + 1;
    const bool solved =
        reports[plus].status == Status::solved && reports[minus].status == Status::solved;
    const bool same = same_active_set(&active[plus * m]) && same_active_set(&active[minus * m]);
    double& result = measured[std::size_t(which[i])];
    result = solved ? (dot(g, &x[plus * n]) - dot(g, &x[minus * n])) / (2 * step)
                    : std::numeric_limits<double>::quiet_NaN();
    if (!solved || !same) changed.push_back(which[i]);
  }
}

std::vector<double> DifferenceQuotients::measure(
    const Directions& directions, int count, const std::vector<double>& g) const {
  std::vector<double> measured(std::size_t(count), std::numeric_limits<double>::quiet_NaN());
  std::vector<int> pending;
  for (int k = 0; k < count; ++k) pending.push_back(k);
  const std::size_t most = directions_at_once(problem_.shape);
  for (const double step : kSteps) {
    std::vector<int> changed;
    for (std::size_t first = 0; first < pending.size(); first += most) {
      const auto last = std::min(first + most, pending.size());
      const std::vector<int> which(
          pending.begin() + std::ptrdiff_t(first), pending.begin() + std::ptrdiff_t(last));
      measure_at(step, directions, which, g, measured, changed);
    }
    pending = changed;
    if (pending.empty()) break;
  }
  return measured;
}

}  // namespace bpqp::cli
