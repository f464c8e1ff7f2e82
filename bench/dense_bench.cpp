/// \file
/// The dense kernels of src/core/dense.hpp as CpuTeam runs them, each beside its floor.
#include "cpu/cpu_data.hpp"
#include "cpu/cpu_dense.hpp"
// After the team's own dense algebra.
#include "floor_table.hpp"
#include "io/random.hpp"

namespace {

using namespace bpqp::bench;
using bpqp::cpu::CpuTeam;

const CpuTeam kTeam;

/// `count` matrices P [n x n], positive definite, and A' [n x m], and room for results.
struct Matrices {
  Matrices(int size, int rows, int how_many) : n(size), m(rows), count(how_many) {
    const auto N = std::size_t(n), M = std::size_t(m), C = std::size_t(count);
    P = bpqp::io::Random(1).uniforms(C * N * N);
    A = bpqp::io::Random(2).uniforms(C * N * M);
    for (std::size_t b = 0; b < C; ++b)
      for (std::size_t j = 0; j < N; ++j) {
        for (std::size_t i = 0; i < j; ++i) P[(b * N + i) * N + j] = P[(b * N + j) * N + i];
        P[(b * N + j) * N + j] += double(n);
      }
    H = P, Y = A;
    S.resize(C * std::max(M * M, N * N));
    x.assign(std::max(N, M), 1), y = z = x;
  }

  double* at(std::vector<double>& v, int b) const {
    return v.data() + v.size() / std::size_t(count) * std::size_t(b);
  }

  int n, m, count;
  std::vector<double> P, A, H, Y, S;
  std::vector<double> x, y, z;
};

/// body(matrices, b), on matrices that `refresh` puts back before every round.
template <class Body>
void kernel(const char* name, int n, int m, Work work, const Body& body, bool refresh = false) {
  const std::string label =
      std::string(name) + "/n:" + std::to_string(n) + "/m:" + std::to_string(m);
  add(label, [=](benchmark::State& state) {
    Matrices a(n, m, round_of(double(n) * (n + m)));
    const auto restore = [&] {
      if (refresh) a.H = a.P, a.Y = a.A;
    };
    time_batch(state, a.count, work, a.count * work.bytes, restore, [&](int b) { body(a, b); });
  });
}

void add_factorisations(int n, int m) {
  kernel(
      "cholesky", n, m, cholesky_work(n),
      [](Matrices& a, int b) { cholesky(kTeam, a.at(a.H, b), a.n, a.n); }, true);
  kernel(
      "solve_lower", n, m, triangular_work(n, m),
      [](Matrices& a, int b) {
        solve_lower(kTeam, a.at(a.H, b), a.n, a.n, a.at(a.Y, b), a.m, a.n);
      },
      true);
  kernel("gram", n, m, gram_work(n, m), [](Matrices& a, int b) {
    gram(kTeam, a.at(a.Y, b), a.n, a.m, a.n, a.at(a.S, b), a.m);
  });
  kernel(
      "add_outer", n, m, {double(n) * n * m / 2, kWord * (double(n) * m + double(n) * n)},
      [](Matrices& a, int b) { add_outer(kTeam, a.at(a.A, b), a.n, a.m, a.n, a.at(a.S, b), a.n); });
}

void add_vector_kernels(int n, int m) {
  kernel("solve_lower, one vector", n, m, triangular_work(n, 1), [](Matrices& a, int b) {
    a.y = a.x;
    solve_lower(kTeam, a.at(a.P, b), a.n, a.n, a.y.data(), 1, a.n);
  });
  kernel("solve_lower_transposed, one vector", n, m, triangular_work(n, 1), [](Matrices& a, int b) {
    a.y = a.x;
    solve_lower_transposed(kTeam, a.at(a.P, b), a.n, a.n, a.y.data(), 1, a.n);
  });
  kernel("product", n, m, product_work(n, m), [](Matrices& a, int b) {
    product(kTeam, a.at(a.A, b), a.n, a.m, a.n, a.x.data(), a.y.data());
  });
  kernel("transposed_product", n, m, product_work(n, m), [](Matrices& a, int b) {
    transposed_product(kTeam, a.at(a.A, b), a.n, a.m, a.n, a.x.data(), a.y.data());
  });
}

void add_passes(int n, int m) {
  kernel("symmetric_part", n, m, {0, 1.5 * kWord * n * n}, [](Matrices& a, int b) {
    symmetric_part(kTeam, a.at(a.P, b), a.n, a.at(a.H, b));
  });
  kernel("scaled_maxima", n, m, product_work(n, m), [](Matrices& a, int b) {
    a.y.assign(a.y.size(), 0), a.z = a.y;
    scaled_maxima(
        kTeam, a.at(a.A, b), a.n, a.m, a.n, a.x.data(), a.x.data(), false, a.y.data(), a.z.data());
  });
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& [n, m] : {std::pair{10, 10}, {50, 20}, {100, 40}, {500, 200}, {1000, 400}}) {
    add_factorisations(n, m);
    add_vector_kernels(n, m);
    add_passes(n, m);
  }
  return run_beside_floors(argc, argv, "The kernels of src/core/dense.hpp on CpuTeam");
}
