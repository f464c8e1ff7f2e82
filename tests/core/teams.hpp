/// \file
/// The teams that every test of the core runs on: emulated blocks of one lane, 7 and 32, with the
/// portable dense algebra and in several schedules, and one CPU thread with its own.
///
/// A test body is SPMD as the core is: all lanes run it, shared buffers live outside of it, and
/// what is per lane (a WorkingSet's size) inside.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

// Not under AddressSanitizer, which takes twice as long to compile a test with the CPU's
// micro-kernels as without: there core/cpu_dense and all of api/ have them.
#ifndef __SANITIZE_ADDRESS__
#include "cpu/cpu_data.hpp"
#include "cpu/cpu_dense.hpp"
#endif
// After the team's own dense algebra.
#include "support/emulated_team.hpp"

namespace bpqp::test {

struct TeamCase {
  enum class Kind { cpu, emulated };
  const char* name;
  Kind kind;
  int lanes;
  std::uint64_t schedule;  ///< of an emulated team; 0: lanes in order
};

inline constexpr TeamCase kTeams[] = {
    {"Emulated1", TeamCase::Kind::emulated, 1, 0},
#ifndef __SANITIZE_ADDRESS__
    {"Cpu", TeamCase::Kind::cpu, 1, 0},
#endif
    {"Emulated7", TeamCase::Kind::emulated, 7, 0},
    {"Emulated7Shuffled", TeamCase::Kind::emulated, 7, 5},
    {"Emulated32", TeamCase::Kind::emulated, 32, 0},
    {"Emulated32Shuffled1", TeamCase::Kind::emulated, 32, 1},
    {"Emulated32Shuffled2", TeamCase::Kind::emulated, 32, 42},
};

inline void PrintTo(const TeamCase& team, std::ostream* out) {
  *out << team.name;
}

template <class Body>
void on_team(const TeamCase& team, const Body& body) {
#ifndef __SANITIZE_ADDRESS__
  if (team.kind == TeamCase::Kind::cpu) return body(cpu::CpuTeam());
#endif
  EmulatedTeam::run(team.lanes, team.schedule, [&](const EmulatedTeam& t) { body(t); });
}

/// Fixture of a test that runs on each team in turn: run(body), or *this where a function wants
/// something to run a body on.
class EveryTeam : public testing::TestWithParam<TeamCase> {
 public:
  template <class Body>
  void operator()(const Body& body) const {
    on_team(GetParam(), body);
  }

 protected:
  template <class Body>
  void run(const Body& body) const {
    on_team(GetParam(), body);
  }
};

/// BPQP_ON_EVERY_TEAM(Suite) makes the fixture and its instances; then TEST_P(Suite, ...).
#define BPQP_ON_EVERY_TEAM(Suite)                         \
  class Suite : public ::bpqp::test::EveryTeam {};        \
  INSTANTIATE_TEST_SUITE_P(                               \
      On, Suite, testing::ValuesIn(::bpqp::test::kTeams), \
      [](const testing::TestParamInfo<::bpqp::test::TeamCase>& on) { return on.param.name; })

/// One lane's value, the same on every lane, for the test to look at.
template <class T, class V>
void keep(const T& team, const V& value, V& out) {
  if (team.rank() == 0) out = value;
}

/// `stage(run)` makes its data, calls run(body) and returns what it computed, on every team. The
/// results must agree with those of one lane within tolerance (1 + |value|), as sums are taken in
/// other orders, and to the bit where only the schedule of the lanes differs.
template <class Stage>
void expect_team_independent(const Stage& stage, double tolerance) {
  std::vector<std::vector<double>> results;
  for (const TeamCase& team : kTeams) {
    SCOPED_TRACE(team.name);
    results.push_back(stage([&](const auto& body) { on_team(team, body); }));
    const std::vector<double>&first = results.front(), &mine = results.back();
    ASSERT_EQ(first.size(), mine.size());
    for (std::size_t i = 0; i < mine.size(); ++i)
      ASSERT_NEAR(first[i], mine[i], tolerance * (1 + std::fabs(first[i]))) << "entry " << i;
    for (std::size_t t = 0; t + 1 < results.size(); ++t) {
      if (kTeams[t].kind != team.kind || kTeams[t].lanes != team.lanes) continue;
      EXPECT_EQ(0, std::memcmp(results[t].data(), mine.data(), mine.size() * sizeof(double)))
          << "bits depend on the schedule: " << kTeams[t].name;
    }
  }
}

}  // namespace bpqp::test
