// An argument of a call, as a Solver reads it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "blocks.hpp"
#include "call_steps.hpp"

namespace bpqp::python {

/// The blocks of a batch in one array, or one block for all of it.
template <class R, class Place>
struct Batch {
  const R* data = nullptr;
  std::int64_t stride = 0;
  typename Place::template Array<R> copy;

  Batch() = default;
  /// A block for each index of `full`. Copied where `keep` is set, or where they do not lie so.
  Batch(Place& place, const Blocks<R>& from, const Dimensions& full, bool keep) {
    if (from.size == 0) return;
    data = from.data;
    const std::int64_t given = product(from.lead);
    stride = given == 1 ? 0 : from.size;
    if (given != 1 && from.lead != full) {
      const auto which = place.put(blocks(full, from.lead));
      const auto count = std::int64_t(which.size());
      copy = place.template make<R>(std::size_t(count * from.size));
      place.each(count, from.size, TakeBlocks<R>{data, which.data(), from.size, copy.data()});
    } else if (keep) {
      copy = place.copy(data, std::size_t(given * from.size));
    }
    if (copy.size() > 0) data = copy.data();
  }
};

}  // namespace bpqp::python
