// minimise x0^2 + x1^2 - 2 x0 - 5 x1  subject to  x0 + x1 <= 2.  On the row, x = (1, 5/2) - y/2 (1,
// 1) and x0 + x1 = 2 give y = 3/2, x = (1/4, 7/4).
#include <cmath>
#include <cstdio>

#include <bpqp/bpqp.hpp>

int main() {
  const bpqp::Shape shape{2, 1, {}};
  const double P[] = {2, 0, 0, 2}, q[] = {-2, -5}, A[] = {1, 1}, l[] = {-1e30}, u[] = {2};
  double x[2], y[1];
  bpqp::Report report;

  bpqp::Solver<double> solver(shape, 1);
  solver.solve(
      bpqp::contiguous(shape, 1, P, q, A, l, u),
      {.x = x, .y = y, .active = nullptr, .report = &report});

  std::printf("%s x = %.9f %.9f y = %.9f\n", bpqp::to_string(report.status), x[0], x[1], y[0]);
  const bool right =
      std::abs(x[0] - 0.25) < 1e-6 && std::abs(x[1] - 1.75) < 1e-6 && std::abs(y[0] - 1.5) < 1e-6;
  return report.status == bpqp::Status::solved && right ? 0 : 1;
}
