// bpqp bench: timings on generated problems.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <limits>
#include <numeric>

#include "bpqp/capabilities.hpp"
#include "bpqp/solver.hpp"
#include "cli/commands.hpp"
#include "cli/common.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "io/families.hpp"
#include "io/random.hpp"

namespace bpqp::cli {
namespace {

constexpr const char* kFooter = R"(
Families: qp, lp (the generators of the BPQP paper), socp (min q'x, |x| <= 1, A x = b), dense_ineq (many
inequalities), portfolio, mpc, box. qp and lp take any --eq and --ineq; dense_ineq any --ineq; socp any
--eq, besides its cone of n + 1 rows; the others have their own rows.

Timed: solve (presolve, scaling, factorisation inside) and, with --backward, the gradients in P, q, A,
l and u of every problem. The solver and the data are made beforehand. Seconds are per problem, the
median of repeated batches. Residuals are the worst relative ones of the batch.

Examples:
  bpqp bench --family qp --n 100 --eq 20 --ineq 20 --batch 256 --backward
  bpqp bench --family socp --n 100 --eq 20 --backward
  bpqp bench --family lp --n 50 --method interior_point --eps 1e-8 --threads 1 --json)";

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct BenchOptions {
  std::string family = "qp";
  io::FamilyOptions sizes{.n = 100, .batch = 0};
  bool backward = false;
  int repeat = 0;
  CommonOptions common;
};

struct Measured {
  double forward_seconds = kNaN, backward_seconds = kNaN;  // per problem
  int iterations_median = 0, iterations_worst = 0, unsolved = 0;
  double primal_residual = 0, dual_residual = 0, gap = 0;  // worst relative ones
  std::size_t bytes = 0;
};

template <class R>
struct BenchData {
  std::vector<R> P, q, A, l, u, g, x, y, dP, dq, dA, dl, du;
  std::vector<Report> reports;
};

template <class R>
std::vector<R> rounded(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

template <class R>
BenchData<R> make_data(const io::ProblemBatch& batch, std::uint64_t seed, bool backward) {
  BenchData<R> d;
  d.P = rounded<R>(batch.P);
  d.q = rounded<R>(batch.q);
  d.A = rounded<R>(batch.A);
  d.l = rounded<R>(batch.l);
  d.u = rounded<R>(batch.u);
  d.x.resize(d.q.size());
  d.y.resize(d.l.size());
  d.reports.resize(std::size_t(batch.batch));
  if (!backward) return d;
  d.g = rounded<R>(io::Random(seed, std::uint64_t(-1)).normals(d.q.size()));
  d.dP.resize(d.P.size());
  d.dq.resize(d.q.size());
  d.dA.resize(d.A.size());
  d.dl.resize(d.l.size());
  d.du.resize(d.u.size());
  return d;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// NaN if any is NaN: a batch with a problem that has no residual must not look good.
double worst(const std::vector<Report>& reports, double Report::*residual) {
  double result = 0;
  for (const auto& report : reports) {
    const double r = report.*residual;
    if (std::isnan(r)) return kNaN;
    result = std::max(result, r);
  }
  return result;
}

template <class Call>
double seconds_of(const Call& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Repeats until `repeat` batches are measured; 0: until there are 5 and they took half a second, or
// there are 3 and they took 20 s.
bool is_enough(int repeat, std::size_t count, double total) {
  if (repeat > 0) return int(count) >= repeat;
  return (count >= 5 && total >= 0.5) || (count >= 3 && total >= 20) || count >= 1000;
}

void account(const std::vector<Report>& reports, Measured& measured) {
  std::vector<double> iterations;
  for (const auto& report : reports) {
    iterations.push_back(report.iterations);
    if (report.status != Status::solved) ++measured.unsolved;
  }
  measured.iterations_median = int(median(iterations));
  measured.iterations_worst = int(*std::max_element(iterations.begin(), iterations.end()));
  measured.primal_residual = worst(reports, &Report::primal_residual_relative);
  measured.dual_residual = worst(reports, &Report::dual_residual_relative);
  measured.gap = worst(reports, &Report::gap_relative);
}

template <class R>
Measured measure(const io::ProblemBatch& batch, const BenchOptions& options) {
  Settings settings = to_settings(options.common);
  settings.gradients = options.backward;
  const Shape& s = batch.shape;
  const std::int64_t n = s.n, m = s.m;
  Solver<R> solver(s, batch.batch, settings);
  auto d = make_data<R>(batch, options.sizes.seed, options.backward);
  const auto problem =
      contiguous(s, batch.batch, d.P.data(), d.q.data(), d.A.data(), d.l.data(), d.u.data());
  const Solution<R> solution{d.x.data(), d.y.data(), nullptr, d.reports.data()};
  SolutionGradient<R> weights;
  weights.x = {d.g.data(), s.n, n};
  const ProblemGradient<R> gradient{
      {d.dP.data(), n * n},
      {d.dq.data(), n},
      {d.dA.data(), m * n},
      {d.dl.data(), m},
      {d.du.data(), m}};

  Progress progress("measuring batch");
  std::vector<double> forward, backward;
  double total = 0;
  for (bool warm_up = true; warm_up || !is_enough(options.repeat, forward.size(), total);) {
    progress.show(long(forward.size()) + 1, std::max(options.repeat, 5));
    const double f = seconds_of([&] { solver.solve(problem, solution); });
    const double b =
        options.backward ? seconds_of([&] { solver.backward(weights, gradient); }) : 0.0;
    if (!warm_up) {
      forward.push_back(f);
      backward.push_back(b);
      total += f + b;
    }
    warm_up = false;
  }
  Measured measured;
  measured.forward_seconds = median(forward) / batch.batch;
  if (options.backward) measured.backward_seconds = median(backward) / batch.batch;
  measured.bytes = solver.bytes();
  account(d.reports, measured);
  return measured;
}

// Fifty million numbers of data at most, and as many problems as keep all cores busy.
int default_batch(const Shape& shape) {
  const double numbers = double(shape.n) * (shape.n + shape.m);
  return int(std::clamp(5e7 / numbers, 1.0, 1024.0));
}

Json to_json(const BenchOptions& o, int threads, const Measured& r) {
  return {
      {"family", o.family},
      {"n", o.sizes.n},
      {"eq", o.sizes.eq},
      {"ineq", o.sizes.ineq},
      {"batch", o.sizes.batch},
      {"threads", threads},
      {"device", o.common.device == "auto" ? "cpu" : o.common.device},
      {"precision", o.common.precision},
      {"forward_seconds", r.forward_seconds},
      {"backward_seconds", r.backward_seconds},
      {"iterations", {{"median", r.iterations_median}, {"worst", r.iterations_worst}}},
      {"primal_residual", r.primal_residual},
      {"dual_residual", r.dual_residual},
      {"gap", r.gap},
      {"unsolved", r.unsolved},
      {"bytes", r.bytes}};
}

std::string to_text(const BenchOptions& o, int threads, const Measured& r) {
  const auto& s = o.sizes;
  const double both = r.forward_seconds + (o.backward ? r.backward_seconds : 0);
  return format(
             "%s, n = %d, %d equalities + %d inequalities, batch of %d, seed %llu\n",
             o.family.c_str(), s.n, s.eq, s.ineq, s.batch,
             static_cast<unsigned long long>(s.seed)) +
         format(
             "%s, %d thread%s, eps %g\n", o.common.precision.c_str(), threads,
             threads == 1 ? "" : "s", o.common.eps) +
         "  forward      " + duration(r.forward_seconds) + " per problem\n" + "  backward     " +
         (o.backward ? duration(r.backward_seconds) + " per problem\n"
                     : "not measured (--backward)\n") +
         format("  rate         %.4g problems per second\n", 1 / both) +
         format("  iterations   %d median, %d worst\n", r.iterations_median, r.iterations_worst) +
         "  residuals    primal " + short_number(r.primal_residual) + ", dual " +
         short_number(r.dual_residual) + ", gap " + short_number(r.gap) + " (worst, relative)\n" +
         format("  unsolved     %d of %d\n", r.unsolved, s.batch) +
         format("  memory       %.4g MB in the solver\n", double(r.bytes) / 1e6);
}

int bench(BenchOptions options) {
  check_options(options.common);
  const io::Family family = io::family_from(options.family);
  const bool choose_batch = options.sizes.batch == 0;
  if (choose_batch) options.sizes.batch = 1;
  options.sizes = io::complete(family, options.sizes);
  if (choose_batch) {
    options.sizes.batch = default_batch(io::shape_of(family, options.sizes));
  }
  const io::ProblemBatch batch = io::generate(family, options.sizes);
  const Measured measured =
      options.common.is_float() ? measure<float>(batch, options) : measure<double>(batch, options);
  const int cores = capabilities().threads;
  const int threads = options.common.threads > 0 ? std::min(options.common.threads, cores) : cores;
  std::cout
      << (options.common.json ? json_line(to_json(options, threads, measured))
                              : to_text(options, threads, measured));
  return measured.unsolved > 0 ? 2 : 0;
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  const auto o = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand("bench", "Time generated problems");
  command->footer(kFooter);
  command->add_option("--family", o->family, "Which family of problems")
      ->check(CLI::IsMember(io::family_names()))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--n", o->sizes.n, "Variables")->type_name("N")->capture_default_str();
  command->add_option("--eq", o->sizes.eq, "Equality rows (default: the family's own, or n/2)")
      ->check(whole_number(0))
      ->type_name("N");
  command
      ->add_option("--ineq", o->sizes.ineq, "Inequality rows (default: the family's own, or n/2)")
      ->check(whole_number(0))
      ->type_name("N");
  command->add_option("--batch", o->sizes.batch, "Problems in a batch (default: by their size)")
      ->check(whole_number(1))
      ->type_name("B");
  command->add_flag("--backward", o->backward, "Time the gradients too");
  command->add_option("--seed", o->sizes.seed, "Seed of the problems")
      ->type_name("S")
      ->capture_default_str();
  command->add_option("--p-diagonal", o->sizes.p_diagonal, "Diagonal of P in the family lp")
      ->type_name("D")
      ->capture_default_str();
  command->add_option("--repeat", o->repeat, "Batches measured (default: half a second's worth)")
      ->check(whole_number(1))
      ->type_name("R");
  add_common_options(*command, o->common);
  command->callback([o, &exit_code] { exit_code = bench(*o); });
}

}  // namespace bpqp::cli
