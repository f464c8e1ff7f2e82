/// \file
/// Parts of a batch, for several Solvers: one per GPU, or per thread of the caller. A part is views
/// of the same memory; results are the whole batch's, bit for bit, but for sums over the batch.
///
///   const std::vector<Range> ranges = split(problem.batch, devices);
///   std::vector<std::thread> threads;
///   for (int d = 0; d < int(ranges.size()); ++d)
///     threads.emplace_back([&, d, range = ranges[d]] {
///       cudaSetDevice(d);
///       Solver<double> solver(shape, range.size(), settings);  // to be kept for the next batch
///       solver.solve(part_of(problem, range), part_of(solution, shape, range));
///       solver.backward(part_of(loss, range), part_of(gradient, range));
///     });
///   for (std::thread& thread : threads) thread.join();
///
/// A Solver stays on the device that was current when it was made, whatever is current in its
/// calls. Each needs a stream of its own device (Settings::stream; null: that one's default).
/// Arrays in the host's memory serve all devices, as every Solver copies its part; a device's own
/// memory is used where it is, another device's is copied. With pointers to the device's memory
/// calls return at once, so that one thread can feed all devices.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpqp/problem.hpp"
#include "bpqp/solution.hpp"
#include "bpqp/status.hpp"

namespace bpqp {

/// The problems begin ... end - 1 of a batch.
struct Range {
  int begin = 0;
  int end = 0;
  int size() const { return end - begin; }
};

/// `parts` ranges that cover `batch` problems in their order, sizes differing by 1 at most; fewer
/// ranges where there are fewer problems than parts, none of them empty. Both >= 1, or
/// InvalidArgument.
inline std::vector<Range> split(int batch, int parts) {
  if (batch < 1) throw InvalidArgument("batch: expected at least 1, got " + std::to_string(batch));
  if (parts < 1) throw InvalidArgument("parts: expected at least 1, got " + std::to_string(parts));
  std::vector<Range> ranges;
  const int count = parts < batch ? parts : batch, larger = batch % count;
  for (int begin = 0; begin < batch;) {
    const int size = batch / count + (int(ranges.size()) < larger ? 1 : 0);
    ranges.push_back({begin, begin + size});
    begin += size;
  }
  return ranges;
}

namespace detail {

/// The arrays of a range, `stride` apart; null stays null.
template <class V>
V* from(V* data, std::int64_t stride, Range range) {
  return data ? data + stride * range.begin : nullptr;
}

}  // namespace detail

/// Views of the range's matrices or vectors; what is shared (stride 0) stays so.
template <class R>
MatrixBatch<R> part_of(MatrixBatch<R> all, Range range) {
  all.data = detail::from(all.data, all.stride, range);
  return all;
}
template <class R>
VectorBatch<R> part_of(VectorBatch<R> all, Range range) {
  all.data = detail::from(all.data, all.stride, range);
  return all;
}

/// Throws InvalidArgument for a range that is empty or not within the batch.
template <class R>
Problem<R> part_of(const Problem<R>& all, Range range) {
  if (range.begin < 0 || range.size() < 1 || range.end > all.batch)
    throw InvalidArgument(
        "range: expected one or more of the problems 0 ... " + std::to_string(all.batch - 1) +
        ", got " + std::to_string(range.begin) + " ... " + std::to_string(range.end - 1));
  return {range.size(),          part_of(all.P, range), part_of(all.q, range),
          part_of(all.A, range), part_of(all.l, range), part_of(all.u, range)};
}

template <class R>
Solution<R> part_of(const Solution<R>& all, const Shape& shape, Range range) {
  return {
      detail::from(all.x, shape.n, range), detail::from(all.y, shape.m, range),
      detail::from(all.active, shape.m, range), detail::from(all.report, 1, range)};
}

template <class R>
SolutionGradient<R> part_of(const SolutionGradient<R>& all, Range range) {
  return {part_of(all.x, range), part_of(all.y, range)};
}

/// Throws InvalidArgument for an output that is summed over the batch (stride 0): each part would
/// write its own sum there. Give every part an array of its own, and add these in a fixed order;
/// the total then differs from the whole batch's by rounding.
template <class R>
ProblemGradient<R> part_of(const ProblemGradient<R>& all, Range range) {
  const auto part = [range](const char* name, GradientOut<R> out) {
    if (out.data && out.stride == 0)
      throw InvalidArgument(
          std::string(name) +
          ".stride: expected an array per problem, got 0 (one sum): parts need a sum each");
    out.data = detail::from(out.data, out.stride, range);
    return out;
  };
  return {
      part("out.P", all.P), part("out.q", all.q), part("out.A", all.A), part("out.l", all.l),
      part("out.u", all.u)};
}

template <class R>
ProblemTangent<R> part_of(const ProblemTangent<R>& all, Range range) {
  return {
      part_of(all.P, range), part_of(all.q, range), part_of(all.A, range), part_of(all.l, range),
      part_of(all.u, range)};
}

template <class R>
SolutionTangent<R> part_of(const SolutionTangent<R>& all, const Shape& shape, Range range) {
  return {detail::from(all.x, shape.n, range), detail::from(all.y, shape.m, range)};
}

template <class R>
KktPoint<R> part_of(const KktPoint<R>& all, Range range) {
  KktPoint<R> part;
  part.batch = range.size();
  part.P = part_of(all.P, range), part.A = part_of(all.A, range);
  part.x = part_of(all.x, range), part.y = part_of(all.y, range);
  part.active = detail::from(all.active, all.y.size, range);
  part.gradient = part_of(all.gradient, range), part.violation = part_of(all.violation, range);
  return part;
}

}  // namespace bpqp
