/// \file
/// Problem files of one shape as one batch of the library, solved.
#pragma once

#include <functional>
#include <new>
#include <string>
#include <vector>

#include "bpqp/solver.hpp"
#include "cli/common.hpp"
#include "cli/invalid_input.hpp"
#include "cli/problem_set.hpp"
#include "io/text_file.hpp"

namespace bpqp::cli {

/// The batch: data gathered from the files in type R, and the solutions.
template <class R>
struct Batch {
  std::vector<int> members;            ///< indices in the ProblemSet
  std::vector<io::ProblemFile> files;  ///< of the members; without P and A, which are below
  std::vector<R> P, q, A, l, u;        ///< [batch, ...], problem b one after the other
  std::vector<R> x, y;                 ///< [batch, n], [batch, m]
  std::vector<Report> reports;         ///< [batch]

  int size() const { return int(files.size()); }
};

/// values[index * size ...] as double.
template <class R>
std::vector<double> slice(const std::vector<R>& values, int index, std::int64_t size) {
  const auto first = values.begin() + index * size;
  return {first, first + size};
}

template <class R>
void append(const std::vector<double>& values, std::vector<R>& all) {
  for (const double v : values) all.push_back(R(v));
}

/// Takes the chunk's problems out of the set.
template <class R>
Batch<R> gather(ProblemSet& set, const Chunk& chunk) {
  Batch<R> batch;
  batch.members = chunk.members;
  for (const int index : chunk.members) {
    io::ProblemFile file = set.take(index);
    append(file.P, batch.P);
    append(file.q, batch.q);
    append(file.A, batch.A);
    append(file.l, batch.l);
    append(file.u, batch.u);
    file.P = file.A = {};
    batch.files.push_back(std::move(file));
  }
  return batch;
}

template <class R>
void solve(Solver<R>& solver, Batch<R>& batch) {
  const Shape& s = solver.shape();
  const auto count = std::size_t(batch.size());
  batch.x.resize(count * s.n);
  batch.y.resize(count * s.m);
  batch.reports.resize(count);
  const auto problem = contiguous(
      s, batch.size(), batch.P.data(), batch.q.data(), batch.A.data(), batch.l.data(),
      batch.u.data());
  solver.solve(problem, {batch.x.data(), batch.y.data(), nullptr, batch.reports.data()});
}

/// Says on stderr which entry of which file is the reason of an invalid_input.
template <class R>
void complain_of_invalid(const ProblemSet& set, const Batch<R>& batch) {
  for (int b = 0; b < batch.size(); ++b) {
    if (batch.reports[std::size_t(b)].status != Status::invalid_input) continue;
    const Shape& s = batch.files[std::size_t(b)].shape;
    const std::int64_t n = s.n, m = s.m;
    const ProblemData data{
        slice(batch.P, b, n * n), slice(batch.q, b, n), slice(batch.A, b, m * n),
        slice(batch.l, b, m), slice(batch.u, b, m)};
    const int index = batch.members[std::size_t(b)];
    complain(set.path(index).string() + ": " + describe_invalid(s, data));
  }
}

/// Solves all chunks and calls `answer(solver, batch)` for each. A chunk that the library refuses
/// (for its shape, or for want of memory) is reported per file through `refuse(index, message)`,
/// the others are answered.
template <class R>
void solve_all(
    ProblemSet& set,
    Settings settings,
    const std::function<void(Solver<R>&, Batch<R>&)>& answer,
    const std::function<void(int, const std::string&)>& refuse) {
  Progress progress("solving");
  long finished = 0;
  settings.progress = [&](int done, int) { progress.show(finished + done, set.size()); };
  for (const auto& chunk : set.chunks()) {
    const auto refuse_all = [&](const std::string& message) {
      progress.clear();
      for (const int index : chunk.members) refuse(index, message);
    };
    try {
      Solver<R> solver(chunk.shape, int(chunk.members.size()), settings);
      Batch<R> batch = gather<R>(set, chunk);
      solve(solver, batch);
      progress.clear();
      complain_of_invalid(set, batch);
      answer(solver, batch);
    } catch (const InvalidArgument& error) {
      refuse_all(error.what());
    } catch (const io::FileError& error) {
      refuse_all(std::string("not solved, because a file of its batch changed: ") + error.what());
    } catch (const std::bad_alloc&) {
      refuse_all("not enough memory to solve it");
    }
    finished += long(chunk.members.size());
  }
}

}  // namespace bpqp::cli
