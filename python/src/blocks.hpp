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

/// The blocks of a batch in one array, or one block for all of it.
template <class R>
struct Batch {
  const R* data = nullptr;
  std::int64_t stride = 0;
  std::vector<R> copy;

  Batch() = default;
  /// A block for each index of `full`. Copied where `keep` is set, or where they do not lie so.
  Batch(const Blocks<R>& from, const Dimensions& full, bool keep) {
    if (from.size == 0) return;
    data = from.data;
    const std::int64_t given = product(from.lead);
    stride = given == 1 ? 0 : from.size;
    if (given != 1 && from.lead != full) {
      const std::vector<std::int64_t> which = blocks(full, from.lead);
      copy.resize(which.size() * std::size_t(from.size));
      for (std::size_t b = 0; b < which.size(); ++b)
        std::copy_n(
            data + which[b] * from.size, from.size, copy.begin() + std::int64_t(b) * from.size);
    } else if (keep) {
      copy.assign(data, data + given * from.size);
    }
    if (!copy.empty()) data = copy.data();
  }
};

}  // namespace bpqp::python
