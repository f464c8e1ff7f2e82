// Arrays of blocks whose leading dimensions broadcast.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bpqp::python {

using Dimensions = std::vector<std::int64_t>;

inline std::int64_t product(const Dimensions& dimensions) {
  std::int64_t total = 1;
  for (const std::int64_t d : dimensions) total *= d;
  return total;
}

/// For every index of `full`, in order, the block of an array with dimensions `own`, each of which
/// is that of `full` or 1.
inline std::vector<std::int64_t> blocks(const Dimensions& full, const Dimensions& own) {
  std::vector<std::int64_t> out(std::size_t(product(full)), 0);
  std::int64_t stride = 1, inner = 1;
  for (std::size_t axis = full.size(); axis-- > 0;) {
    const std::int64_t step = own[axis] == 1 ? 0 : stride;
    const std::int64_t extent = full[axis];
    for (std::size_t i = 0; step != 0 && i < out.size(); ++i)
      out[i] += step * (std::int64_t(i) / inner % extent);
    stride *= own[axis];
    inner *= extent;
  }
  return out;
}

/// An argument: its leading dimensions, and blocks of `size` entries.
template <class R>
struct Blocks {
  const R* data;
  Dimensions lead;
  std::int64_t size = 1;

  /// Of dimensions of which the last `own` are those of a block.
  Blocks(const R* array, const Dimensions& dimensions, std::size_t own)
      : data(array), lead(dimensions.begin(), dimensions.end() - std::ptrdiff_t(own)) {
    for (std::size_t i = lead.size(); i < dimensions.size(); ++i) size *= dimensions[i];
  }
};

}  // namespace bpqp::python
