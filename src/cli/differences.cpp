#include "cli/differences.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bpqp::cli {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

constexpr double kTight[] = {1e-10, 1e-9, 1e-8, 1e-7, 1e-6};

// Steps relative to the directions' own sizes, in the order in which they are tried, each a tenth
// of another. The error of a central difference is of the order of the step squared, that of the
// solves (1e-10 to 1e-15 after the polish) divided by it: where they meet depends on the problem.
// Small ones are for directions along which rows soon become active or inactive.
constexpr double kSteps[] = {1e-4, 1e-5, 1e-6, 1e-3, 1e-7, 1e-8};

// Two steps that agree to this are enough.
constexpr double kAgree = 1e-7;

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

// An end within 100 times the tolerance will do: how much it disturbs is seen by comparing steps.
bool is_usable(Status status) {
  return status == Status::solved || status == Status::solved_inaccurate;
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

Estimate estimate(std::vector<Quotient> quotients) {
  std::sort(quotients.begin(), quotients.end(), [](const Quotient& a, const Quotient& b) {
    return a.step > b.step;
  });
  // A difference across a change of the active set is no derivative: the last resort, smallest
  // step.
  Estimate best{kNaN, kInfinite};
  for (const auto& q : quotients) best.value = std::isnan(q.value) ? best.value : q.value;
  std::erase_if(quotients, [](const Quotient& q) { return !q.same_active_set; });
  if (!quotients.empty()) best.value = quotients.back().value;
  for (std::size_t i = 0; i + 1 < quotients.size(); ++i) {
    const double larger = quotients[i].value, smaller = quotients[i + 1].value;
    const double size = std::max(std::fabs(larger), std::fabs(smaller));
    const double difference = size > 0 ? std::fabs(larger - smaller) / size : 0;
    if (difference >= best.difference) continue;
    // With the step a tenth, noise of the solves grows 10 times and the error of the formula
    // shrinks 100 times: the next difference is 10 times this one, or a hundredth of it.
    const bool noisy = i + 2 < quotients.size() &&
                       std::fabs(smaller - quotients[i + 2].value) > 0.3 * difference * size;
    best = {noisy ? larger : smaller, difference};
  }
  return best;
}

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
    std::vector<std::vector<Quotient>>& quotients) const {
  const Shape& s = problem_.shape;
  const std::size_t n = s.n, m = s.m, batch = 2 * which.size();
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
    const bool solved = is_usable(reports[plus].status) && is_usable(reports[minus].status);
    const bool same =
        same_active_set(active.data() + plus * m) && same_active_set(active.data() + minus * m);
    const double difference = dot(g, &x[plus * n]) - dot(g, &x[minus * n]);
    quotients[std::size_t(which[i])].push_back(
        {step, solved ? difference / (2 * step) : kNaN, solved && same});
  }
}

std::vector<double> DifferenceQuotients::measure(
    const Directions& directions, int count, const std::vector<double>& g) const {
  std::vector<std::vector<Quotient>> quotients(static_cast<std::size_t>(count));
  const std::size_t most = directions_at_once(problem_.shape);
  for (const double step : kSteps) {
    std::vector<int> pending;
    for (int k = 0; k < count; ++k) {
      if (estimate(quotients[std::size_t(k)]).difference > kAgree) pending.push_back(k);
    }
    for (std::size_t first = 0; first < pending.size(); first += most) {
      const auto last = std::min(first + most, pending.size());
      const std::vector<int> which(
          pending.begin() + std::ptrdiff_t(first), pending.begin() + std::ptrdiff_t(last));
      measure_at(step, directions, which, g, quotients);
    }
  }
  std::vector<double> measured;
  for (const auto& of_direction : quotients) measured.push_back(estimate(of_direction).value);
  return measured;
}

}  // namespace bpqp::cli
