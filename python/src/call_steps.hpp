// The bodies of the loops that the calls of cached_calls.hpp run in a place (host_place.hpp): with
// i the number of a block, j that of an entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cached_calls.hpp"
#include "core/team.hpp"
#include "report_fields.hpp"

namespace bpqp::python {

/// to[i] = from[which[i]], blocks of `size`; zero where which[i] is -1.
template <class R>
struct TakeBlocks {
  const R* from;
  const std::int64_t* which;
  std::int64_t size;
  R* to;

  BPQP_HD void operator()(std::int64_t i, std::int64_t j) const {
    to[i * size + j] = which[i] < 0 ? R(0) : from[which[i] * size + j];
  }
};

/// zero[i]: whether right-hand side i, (g[g_at[i]], h[h_at[i]]), is zero. A NaN is not.
template <class R>
struct FindZeros {
  const R *g, *h;
  const std::int64_t *g_at, *h_at;
  std::int64_t n, m;
  char* zero;

  BPQP_HD static bool all_zero(const R* data, std::int64_t size) {
    for (std::int64_t i = 0; i < size; ++i)
      if (!(data[i] == 0)) return false;
    return true;
  }
  BPQP_HD void operator()(std::int64_t i, std::int64_t) const {
    zero[i] = all_zero(g + g_at[i] * n, n) && all_zero(h + h_at[i] * m, m);
  }
};

/// Reports as two tables: the whole numbers, and the others in the type of the data.
template <class R>
struct WriteReports {
  const Report* reports;
  std::int32_t* whole;
  R* real;
  std::int64_t wholes, reals;  ///< columns

  WriteReports(const Report* from, std::int32_t* to_whole, R* to_real)
      : reports(from), whole(to_whole), real(to_real), wholes(0), reals(0) {
    each_field(Report(), [&](const char*, const auto& field) {
      ++(std::is_same_v<std::remove_cvref_t<decltype(field)>, double> ? reals : wholes);
    });
  }
  BPQP_HD void operator()(std::int64_t i, std::int64_t) const {
    std::int32_t* next_whole = whole + i * wholes;
    R* next_real = real + i * reals;
    each_field(reports[i], [&](const char*, const auto& field) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, double>)
        *next_real++ = R(field);
      else
        *next_whole++ = std::int32_t(field);
    });
  }
};

/// The states of a batch that solve `number` solved.
struct WriteStates {
  std::uint64_t number;
  std::uint32_t* states;

  BPQP_HD void operator()(std::int64_t i, std::int64_t) const {
    std::uint32_t* state = states + i * std::int64_t(kStateWords);
    state[0] = std::uint32_t(number);
    state[1] = std::uint32_t(number >> 32);
    state[2] = std::uint32_t(i);
  }
};

}  // namespace bpqp::python
