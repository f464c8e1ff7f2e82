#include <cstdio>

#include <bpqp/bpqp.hpp>

int main() {
  // Two problems: minimise 1/2 x'Px + q'x subject to x1 + x2 = 1, 0 <= x <= 0.7. Only q differs:
  // what has no stride is shared by the batch.
  const double P[] = {4, 1, 1, 2}, q[] = {1, 2, 1, 1};
  const double A[] = {1, 1, 1, 0, 0, 1}, l[] = {1, 0, 0}, u[] = {1, 0.7, 0.7};
  bpqp::Solver<double> solver({.n = 2, .m = 3}, /*capacity=*/2);
  double x[4], dq[4];
  bpqp::Report report[2];
  solver.solve({2, {P, 2, 2}, {q, 2, 2}, {A, 3, 2}, {l, 3}, {u, 3}}, {.x = x, .report = report});
  const double dx[] = {1, 0};  // the gradient of the loss, here x1, with respect to x
  solver.backward({.x = {dx, 2}}, {.q = {dq, 2}});
  for (int b = 0; b < 2; ++b) {
    std::printf("%s: x = (%.3f, %.3f), ", to_string(report[b].status), x[2 * b], x[2 * b + 1]);
    std::printf("dx1/dq = (%.3f, %.3f)\n", dq[2 * b], dq[2 * b + 1]);
  }
}
