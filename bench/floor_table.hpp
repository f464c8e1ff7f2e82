/// \file
/// Google Benchmark programs that print a Markdown table: microseconds per problem beside the
/// floor.
///
///   add("cholesky/n:50", [](benchmark::State& state) { time_batch(state, ...); });
///   int main(int argc, char** argv) { return run_beside_floors(argc, argv, "title"); }
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "floors.hpp"

namespace bpqp::bench {

/// Columns besides time and floor, e.g. "unsolved", printed in this order. Of the repetitions the
/// smallest value is shown, like the time.
inline std::vector<std::string>& extra_columns() {
  static std::vector<std::string> names;
  return names;
}

/// One row per benchmark: the fastest of its repetitions, and the fastest floor, over each other.
class FloorTable : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override {
    std::printf("| case | us per problem | floor | times the floor |");
    for (const auto& name : extra_columns()) std::printf(" %s |", name.c_str());
    std::printf("\n|---|---|---|---|");
    for (std::size_t i = 0; i < extra_columns().size(); ++i) std::printf("---|");
    std::printf("\n");
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    if (runs.empty() || runs[0].run_type == Run::RT_Aggregate) return;
    const double time = least(runs, "us"), floor = least(runs, "floor");
    const char* name = runs[0].run_name.function_name.c_str();
    std::printf("| %s | %.4g | %.4g | %.2f |", name, time, floor, time / floor);
    for (const auto& column : extra_columns()) std::printf(" %.4g |", least(runs, column));
    std::printf("\n");
    std::fflush(stdout);
  }

 private:
  static double least(const std::vector<Run>& runs, const std::string& counter) {
    double value = 1e300;
    for (const Run& run : runs) {
      const auto found = run.counters.find(counter);
      if (found != run.counters.end()) value = std::min(value, double(found->second));
    }
    return value;
  }
};

/// Times body(b) for b < count after prepare(), which is not timed, and sets the counters `us` and
/// `floor`, per problem. `memory`: bytes that one round goes through.
template <class Prepare, class Body>
void time_batch(
    benchmark::State& state,
    int count,
    Work work,
    double memory,
    const Prepare& prepare,
    const Body& body) {
  double best = 1e300;
  for (auto _ : state) {
    prepare();
    const double s = seconds_of([&] {
      for (int b = 0; b < count; ++b) body(b);
    });
    state.SetIterationTime(s);
    best = std::min(best, s);
  }
  state.counters["us"] = 1e6 * best / count;
  state.counters["floor"] = 1e6 * work.seconds(memory);
}

/// So many problems that a round takes more than the clock's grain, and their data a few MiB.
inline int round_of(double words) {
  return int(std::clamp(5e5 / words, 1.0, 256.0));
}

template <class Body>
void add(const std::string& name, const Body& body) {
  benchmark::RegisterBenchmark(name.c_str(), body)->UseManualTime();
}

/// All of Google Benchmark's options hold; the shortest time per case is 0.1 s unless one says so.
inline int run_beside_floors(int argc, char** argv, const char* title) {
  std::string min_time = "--benchmark_min_time=0.1";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + 1, min_time.data());
  int count = int(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  std::printf("%s, one thread, fastest round\n\n", title);
  FloorTable table;
  benchmark::RunSpecifiedBenchmarks(&table);
  return 0;
}

}  // namespace bpqp::bench
