/// \file
/// A block's copies of matrices that the batch shares, on emulated blocks.
#include "gpu/block_copy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/shared_plan.hpp"
#include "support/emulated_thread.hpp"

namespace bpqp::test {
namespace {

using gpu::BlockCopy;
using gpu::Reads;

constexpr int kN = 11, kM = 6;
constexpr std::size_t kFast = 192;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Factors and matrices with numbers of their own in every entry; NaN above L's diagonal.
template <class D>
struct Shared {
  Shared() : memory(2000), P(kN * kN), A(kM * kN) {
    std::iota(memory.begin(), memory.end(), 1.0);
    core::Arena arena(memory.data());
    factors = core::Condensed<double>::lay_out(arena, kN, kM);
    factors.report.sigma = 3;
    for (int j = 0; j < kN; ++j)
      for (int i = 0; i < j; ++i) factors.L[j * kN + i] = kNaN;
    std::iota(P.begin(), P.end(), D(-500)), std::iota(A.begin(), A.end(), D(-900));
    batch.n = kN, batch.m = kM, batch.single = sizeof(D) == 4;
    batch.P = {P.data(), 0}, batch.A = {A.data(), 0};
    batch.memory.shared = &factors;
    batch.memory.fast_bytes = kFast;
  }
  std::vector<double> memory;
  std::vector<D> P, A;
  core::Condensed<double> factors;
  gpu::Batch batch;
};

/// Whether `to` [count] is in the block's shared memory with the numbers of `from`. Of L only the
/// lower triangle is copied: NaN stays above it, in both.
template <class D>
bool is_copy(
    const EmulatedThread& thread, std::size_t bytes, const D* from, const double* to, int count) {
  const char* const place = reinterpret_cast<const char*>(to);
  const bool inside = place >= thread.shared() &&
                      place + std::size_t(count) * sizeof(double) <= thread.shared() + bytes;
  return inside && std::equal(from, from + count, to, [](D a, double b) {
           return double(a) == b || (std::isnan(a) && std::isnan(b));
         });
}

/// Every thread of blocks of the layout sees copies of what fits in `room` bytes (`names`), and
/// the batch's own arrays for the rest.
template <class Layout, class D = double>
void expect_copies(Reads reads, std::size_t room, const std::string& names) {
  Shared<D> s;
  std::string fit;
  s.batch.memory.copy_bytes = gpu::copy_bytes_within(kN, kM, reads, room, &fit);
  ASSERT_EQ(fit, names);
  const std::size_t bytes =
      std::size_t(Layout::kTeams) * gpu::team_bytes<Layout>(kFast) + s.batch.memory.copy_bytes;
  const auto body = [&](const EmulatedThread& thread) {
    const gpu::Place<Layout> place(thread, s.batch.memory);
    const auto team = Layout::team(thread, place.partial, s.batch.memory.grid);
    gpu::TeamShared& own = *place.shared;
    gpu::copy_shared<Layout>(team, s.batch, reads, own);
    if (s.batch.memory.copy_bytes == 0) thread.sync_block();  // else all have waited already
    const BlockCopy* const copy = own.copy;
    ASSERT_EQ(copy != nullptr, s.batch.memory.copy_bytes > 0);
    if (!copy) return;
    const auto check = [&](const char* name, const auto* from, const double* to, int count,
                           const double* otherwise) {
      if (names.find(name) == std::string::npos)
        EXPECT_EQ(to, otherwise) << name;
      else
        EXPECT_TRUE(is_copy(thread, bytes, from, to, count)) << name;
    };
    const core::Condensed<double>&f = s.factors, &c = copy->factors;
    check("D", f.scaling.D, c.scaling.D, kN, f.scaling.D);
    check("E", f.scaling.E, c.scaling.E, kM, f.scaling.E);
    check("S", f.S, c.S, kM * kM, f.S);
    check("L", f.L, c.L, kN * kN, f.L);
    check("Y", f.Y, c.Y, kN * kM, f.Y);
    check("A", s.A.data(), copy->A, kM * kN, nullptr);
    check("P", s.P.data(), copy->P, kN * kN, nullptr);
    EXPECT_EQ(c.report.sigma, f.report.sigma);
  };
  for (const std::uint64_t schedule : {0, 5})
    EmulatedThread::launch({2, Layout::kThreads, bytes}, schedule, body);
}

TEST(BlockCopy, HoldsAllOrTheFirstArraysThatFitOrNothing) {
  constexpr std::size_t kAll = 1 << 20, kHead = sizeof(BlockCopy);
  expect_copies<gpu::ByWarps<4>>(Reads::solve, kAll, "D, E, S, L, Y, A, P");
  expect_copies<gpu::ByBlocks<4>>(Reads::adjoint, kAll, "D, E, L, Y, A, P");
  expect_copies<gpu::ByBlocks<8>>(Reads::solve, kHead + 1600, "D, E, S, L");
  expect_copies<gpu::ByWarps<4>>(Reads::solve, kHead + 1100, "D, E, S, Y");  // L has no room
  expect_copies<gpu::ByBlocks<4>>(Reads::solve, kHead, "");
}

TEST(BlockCopy, HoldsFloatMatricesInDouble) {
  expect_copies<gpu::ByWarps<4>, float>(Reads::solve, 1 << 20, "D, E, S, L, Y, A, P");
}

}  // namespace
}  // namespace bpqp::test
