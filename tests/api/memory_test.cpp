// Solver::bytes() is the formula of docs/memory.md, so that users can plan without making a Solver.
#include <algorithm>

#include <gtest/gtest.h>

#include <bpqp/bpqp.hpp>

#include "cpu/backend.hpp"

namespace bpqp {
namespace {

std::size_t padded(std::size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

bool iterates_on_rows(std::size_t n, std::size_t m) {
  return m * m < n * n + 2 * n * m;
}

std::size_t slot_bytes(std::size_t n, std::size_t m) {
  const std::size_t k = std::min(2 * n, m);
  const std::size_t S = iterates_on_rows(n, m) ? padded(8 * m * m) : 0;
  return padded(8 * n * n) + padded(8 * n * m) + S + padded(8 * k * k) + padded(4 * k) + padded(m) +
         3 * padded(8 * n) + 5 * padded(8 * m);
}

std::size_t work_bytes(std::size_t n, std::size_t m) {
  const std::size_t matrices = iterates_on_rows(n, m)
                                   ? padded(8 * m * m) + (m <= 64 ? padded(16 * m * m) : 64)
                                   : padded(8 * n * n) + padded(8 * n * m);
  const std::size_t barrier = (m < n ? 2 * padded(8 * m * m) : 0) + padded(8 * n * n) +
                              padded(8 * n * m) + 16 * padded(8 * n) + 40 * padded(8 * m) +
                              2 * padded(64 * (n + m)) + 2 * padded(4 * m) + padded(m);
  return matrices + barrier + 12 * padded(8 * n) + 20 * padded(8 * m) + padded(4 * m);
}

bool goes_in_packs(std::size_t n, std::size_t m) {
  return n <= 56 && m <= 28 && 2 * m <= 3 * n;
}

/// Of a pack whose numbers take v bytes.
std::size_t pack_bytes(std::size_t v, std::size_t n, std::size_t m) {
  const std::size_t k = std::min(2 * n, m), S = iterates_on_rows(n, m) ? padded(v * m * m) : 0;
  return padded(v * n * n) + padded(v * n * m) + S + padded(v * k * k) + padded(4 * k) +
         padded(v * n) + 4 * padded(v * m) + 64;
}

std::size_t pack_work_bytes(std::size_t v, std::size_t n, std::size_t m) {
  const std::size_t matrices = iterates_on_rows(n, m) ? padded(v * m * m) + padded(2 * v * m * m)
                                                      : 2 * padded(v * n * n) + padded(v * n * m);
  return matrices + padded(v * n * n) + padded(v * n * m) + 15 * padded(v * n) +
         24 * padded(v * m) + padded(4 * m);
}

TEST(Memory, IsTheFormulaOfTheDocument) {
  const Shape shapes[] = {{1, 0},  {1, 1},   {2, 3},   {20, 21},  {10, 24},   {10, 25},
                          {7, 60}, {64, 64}, {65, 65}, {100, 40}, {100, 300}, {40, 500}};
  const int threads = 2;
  for (const Shape& shape : shapes) {
    for (int capacity : {1, 17, 256}) {
      for (bool gradients : {true, false}) {
        const Settings settings{.gradients = gradients, .threads = threads};
        const auto n = std::size_t(shape.n), m = std::size_t(shape.m), B = std::size_t(capacity);
        const auto T = std::size_t(std::min(threads, capabilities().threads));
        const auto lanes = std::size_t(cpu::backend().packs(1.0).lanes);
        const std::size_t V = goes_in_packs(n, m) ? lanes : 1;
        const std::size_t slots = gradients ? B : T * V,
                          start = gradients ? padded(8 * (n + m)) + 9 : 0;
        std::size_t expected = slots * (slot_bytes(n, m) + sizeof(cpu::Slot) + start) +
                               T * work_bytes(n, m) + B * sizeof(Report);
        if (V > 1)
          expected += (gradients ? (B + V - 1) / V : T) * pack_bytes(8 * V, n, m) +
                      T * pack_work_bytes(8 * V, n, m);
        const Solver<double> in_double(shape, capacity, settings);
        const Solver<float> in_float(shape, capacity, settings);
        EXPECT_EQ(in_double.bytes(), expected)
            << "n " << shape.n << ", m " << shape.m << ", capacity " << capacity;
        EXPECT_EQ(in_float.bytes(), expected);
        EXPECT_EQ(Solver<double>::bytes_needed(shape, capacity, settings), expected);
        EXPECT_EQ(Solver<float>::bytes_needed(shape, capacity, settings), expected);
      }
    }
  }
}

TEST(Memory, OfConesIsASecondQPInEverySlot) {
  const int n = 10, m = 24, capacity = 17;
  for (bool gradients : {true, false}) {
    const Settings settings{.gradients = gradients, .threads = 1};
    const Shape linear{n, m}, cones{n, m, {11, 3}};
    const std::size_t slots = gradients ? capacity : 1,
                      qp = padded(8 * n * n) + padded(8 * n * m) + 4 * padded(8 * m) +
                           2 * padded(8 * n) + 2 * padded(8 * m) + 4 * padded(4 * m) + 64;
    EXPECT_EQ(
        Solver<double>(cones, capacity, settings).bytes(),
        Solver<double>(linear, capacity, settings).bytes() + slots * qp);
  }
}

TEST(Memory, OfKappaIsARelaxedPointInEverySlot) {
  const int n = 10, m = 24, capacity = 17;
  const Shape shape{n, m};
  EXPECT_EQ(
      Solver<double>(shape, capacity, {.kappa = 0.1, .threads = 1}).bytes(),
      Solver<double>(shape, capacity, {.threads = 1}).bytes() +
          capacity * (padded(8 * n) + 6 * padded(8 * m)));
}

TEST(Memory, IsKnownBeforehandForConesKappaAndEveryMethod) {
  for (const Method method : {Method::automatic, Method::admm, Method::interior_point})
    for (const double kappa : {0.0, 0.1})
      for (const Shape& shape : {Shape{10, 24}, Shape{10, 24, {11, 3}}}) {
        const Settings settings{.method = method, .kappa = kappa, .threads = 1};
        EXPECT_EQ(
            Solver<double>::bytes_needed(shape, 17, settings),
            Solver<double>(shape, 17, settings).bytes());
      }
}

TEST(Memory, ThatNoMachineHasIsRefusedBeforehandToo) {
  const Shape large{20000, 20000};
  EXPECT_THROW(Solver<double>::bytes_needed(large, 1 << 30), InvalidArgument);
  EXPECT_THROW(Solver<double>::bytes_needed({0, 1}, 1), InvalidArgument);
  EXPECT_THROW(Solver<double>::bytes_needed({1, 1}, 0), InvalidArgument);
}

}  // namespace
}  // namespace bpqp
