/// \file
/// Floors: what a step must at least do, in multiply-adds and bytes by formula, over what this
/// machine did of each at the same time: Eigen's DGEMM and memcpy, one thread. bench/README.md has
/// the formulas in a table.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <vector>

#include <Eigen/Core>

namespace bpqp::bench {

/// Processor time of this thread: everything here uses one, and machines are shared.
inline double thread_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

template <class Body>
double seconds_of(const Body& body) {
  const double start = thread_seconds();
  body();
  return thread_seconds() - start;
}

/// The least of several runs, at least three and for at least 5 ms.
template <class Body>
double fastest(const Body& body) {
  double best = 1e300, total = 0;
  for (int i = 0; i < 3 || total < 5e-3; ++i) {
    const double s = seconds_of(body);
    best = std::min(best, s), total += s;
  }
  return best;
}

/// Multiply-adds per second of Eigen's product of two 256 x 256 matrices: the best that was seen
/// since the start, like the times beside it; every call measures again.
inline double gemm_rate() {
  constexpr int n = 256;
  static Eigen::MatrixXd a = Eigen::MatrixXd::Random(n, n), b = Eigen::MatrixXd::Random(n, n);
  static Eigen::MatrixXd c(n, n);
  static double best = 0;
  best = std::max(best, double(n) * n * n / fastest([] { c.noalias() = a * b; }));
  return best;
}

/// Bytes per second, read and written, of a copy inside `bytes` of memory, rounded up to a power of
/// two in 32 KiB ... 256 MiB: data that fit a cache are read from it. The best seen, likewise.
inline double copy_rate(double bytes) {
  static std::vector<char> memory(std::size_t(1) << 28, 1);
  static double best[29] = {};
  int power = 15;
  while (power < 28 && double(1 << power) < bytes) ++power;
  const std::size_t half = std::size_t(1) << (power - 1);
  const double s = fastest([&] { std::memcpy(memory.data() + half, memory.data(), half); });
  best[power] = std::max(best[power], 2 * double(half) / s);
  return best[power];
}

/// What a step must do, per problem.
struct Work {
  double multiply_adds = 0, bytes = 0;

  friend Work operator+(Work a, Work b) {
    return {a.multiply_adds + b.multiply_adds, a.bytes + b.bytes};
  }
  friend Work operator*(double k, Work a) { return {k * a.multiply_adds, k * a.bytes}; }
  /// Seconds on this machine, now; `memory`: the bytes that are gone through before any is used
  /// again.
  double seconds(double memory) const {
    return std::max(multiply_adds / gemm_rate(), bytes / copy_rate(memory));
  }
};

inline constexpr double kWord = sizeof(double);

/// L of H [n x n] in place, half a matrix.
inline Work cholesky_work(double n) {
  return {n * n * n / 6, kWord * n * n};
}
/// B [n x m] becomes L^-1 B or L'^-1 B.
inline Work triangular_work(double n, double m) {
  return {n * n * m / 2, kWord * (n * n / 2 + 2 * n * m)};
}
/// S = Y'Y for Y [n x m], both triangles written.
inline Work gram_work(double n, double m) {
  return {n * m * m / 2, kWord * (n * m + m * m)};
}
/// A matrix [n x m] times a vector.
inline Work product_work(double n, double m) {
  return {n * m, kWord * n * m};
}

}  // namespace bpqp::bench
