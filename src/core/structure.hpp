/// \file
/// Which entries of P and A are zero, found once per problem, and the products that make use of it:
/// a P that is diagonal (or zero), rows of A with one entry (bounds, the cone |x| <= r).
#pragma once

#include "core/dense.hpp"
#include "core/problem_view.hpp"

namespace bpqp::core {

/// Memory of a Structure.
struct StructureMemory {
  double *diagonal = nullptr, *value = nullptr;  ///< [n], [m]
  int *column = nullptr, *dense = nullptr;       ///< [m] each

  BPQP_HD static StructureMemory lay_out(Arena& arena, int n, int m) {
    StructureMemory s;
    s.diagonal = arena.take<double>(n);
    s.value = arena.take<double>(m);
    s.column = arena.take<int>(m);
    s.dense = arena.take<int>(m);
    return s;
  }
};

/// Entries of v [n] that are not zero (NaN is not), counted up to 2; `last` gets the place of the
/// last one seen.
template <class D>
BPQP_HD int count_entries(const D* v, int n, int& last) {
  constexpr int kLanes = 8, kBlock = 32;
  int count = 0, i = 0;
  const auto look = [&](int end) {
    BPQP_UNROLL_BY(1)
    for (; i < end && count < 2; ++i)
      if (v[i] != 0) ++count, last = i;
  };
  while (i + kBlock <= n && count < 2) {
    D sums[kLanes] = {};
    BPQP_UNROLL_BY(1)
    for (int b = 0; b < kBlock; b += kLanes)
      for (int k = 0; k < kLanes; ++k) sums[k] += std::fabs(v[i + b + k]);
    const D sum =
        ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
    if (sum == 0)
      i += kBlock;
    else
      look(i + kBlock);
  }
  look(n);
  return count;
}

/// Whether P is diagonal; its diagonal then.
template <class D, Team T>
BPQP_STAGE bool find_diagonal(const T& team, const ProblemView<D>& p, double* diagonal) {
  double off = 0;
  for (int j : team.items(p.n)) {
    diagonal[j] = p.hessian_entry(j);
    int last = j;
    if (!p.P || off > 0) continue;
    if (count_entries(p.P + std::size_t(j) * p.n, p.n, last) > 1 || last != j) off = 1;
  }
  return team.max(off) == 0;
}

/// The entries of the rows that have no more than one.
template <class D, Team T>
BPQP_STAGE void find_single_entries(
    const T& team, const ProblemView<D>& p, const StructureMemory& memory) {
  for (int i : team.items(p.m)) {
    const D* row = p.A + std::size_t(i) * p.n;
    int last = 0;
    const int entries = count_entries(row, p.n, last);
    memory.column[i] = entries > 1 ? -1 : last;
    memory.value[i] = entries == 1 ? double(row[last]) : 0;
  }
  team.sync();
}

/// The structure of p, which knows none yet, kept in `memory`.
template <class D, Team T>
BPQP_STAGE Structure
find_structure(const T& team, const ProblemView<D>& p, const StructureMemory& memory) {
  Structure s;
  if (find_diagonal(team, p, memory.diagonal)) s.diagonal = memory.diagonal;
  find_single_entries(team, p, memory);
  for (int i = 0; i < p.m; ++i) {
    if (memory.column[i] >= 0) continue;
    if (team.rank() == 0) memory.dense[s.dense_count] = i;
    ++s.dense_count;
  }
  team.sync();
  if (s.dense_count < p.m) s.column = memory.column, s.value = memory.value, s.dense = memory.dense;
  return s;
}

/// Which rows a product is to take: `single` where all others are known to add nothing.
enum class Rows : int { all = 0, single };

/// Dense rows that follow each other, and that are worth a call of the team's own products.
template <class D>
BPQP_HD bool one_block(const ProblemView<D>& p) {
  constexpr int kWorthIt = 2048;
  const Structure& s = p.known;
  return p.n * s.dense_count >= kWorthIt &&
         s.dense[s.dense_count - 1] - s.dense[0] == s.dense_count - 1;
}

/// A_i x.
template <class D, class R>
BPQP_HD R row_product(const ProblemView<D>& p, int i, const R* x) {
  const bool single = p.known.column && p.known.column[i] >= 0;
  return single ? R(p.known.value[i]) * x[p.known.column[i]]
                : dot(p.A + std::size_t(i) * p.n, x, p.n);
}

/// out [m] = A x, or its single rows only.
template <class D, class R, Team T>
BPQP_STAGE void rows_product(
    const T& team, const ProblemView<D>& p, const R* x, R* out, Rows rows = Rows::all) {
  const Structure& s = p.known;
  if (!s.column) {
    transposed_product(team, p.A, p.n, p.m, p.n, x, out);
    return;
  }
  for (int i : team.items(p.m))
    if (s.column[i] >= 0) out[i] = R(s.value[i]) * x[s.column[i]];
  if (rows == Rows::all && one_block(p)) {
    const int first = s.dense[0];
    const D* block = p.A + std::size_t(first) * p.n;
    transposed_product(team, block, p.n, s.dense_count, p.n, x, out + first);
  } else if (rows == Rows::all) {
    for (int g : team.items(s.dense_count))
      out[s.dense[g]] = dot(p.A + std::size_t(s.dense[g]) * p.n, x, p.n);
  }
  team.sync();
}

/// out [n] = A'y, of the dense rows.
template <class D, class R, Team T>
BPQP_STAGE void dense_columns_product(const T& team, const ProblemView<D>& p, const R* y, R* out) {
  const Structure& s = p.known;
  if (one_block(p)) {
    const int first = s.dense[0];
    const D* block = p.A + std::size_t(first) * p.n;
    product(team, block, p.n, s.dense_count, p.n, y + first, out);
    return;
  }
  for (int j : team.items(p.n)) out[j] = 0;
  for (int g = 0; g < s.dense_count; ++g) {
    const D* row = p.A + std::size_t(s.dense[g]) * p.n;
    const R factor = y[s.dense[g]];
    for (int j : team.items(p.n)) out[j] += factor * R(row[j]);
  }
  team.sync();
}

/// out [n] = A'y, or of its single rows only.
template <class D, class R, Team T>
BPQP_STAGE void columns_product(
    const T& team, const ProblemView<D>& p, const R* y, R* out, Rows rows = Rows::all) {
  const Structure& s = p.known;
  if (!s.column) {
    product(team, p.A, p.n, p.m, p.n, y, out);
    return;
  }
  if (rows == Rows::all) {
    dense_columns_product(team, p, y, out);
  } else {
    for (int j : team.items(p.n)) out[j] = 0;
    team.sync();
  }
  if (team.rank() == 0) {  // several rows may have their entry in one column
    for (int i = 0; i < p.m; ++i)
      if (s.column[i] >= 0) out[s.column[i]] += R(s.value[i]) * y[i];
  }
  team.sync();
}

/// Largest scaled entries of A's rows and columns, as scaled_maxima() (dense.hpp) takes them.
template <class D, class R, Team T>
BPQP_STAGE void maxima_of_rows(
    const T& team,
    const ProblemView<D>& p,
    const R* col_scale,
    const R* row_scale,
    R* col_max,
    R* row_max) {
  const Structure& s = p.known;
  const auto dense = [&](int first, int count) {
    scaled_maxima(
        team, p.A + std::size_t(first) * p.n, p.n, count, p.n, col_scale, row_scale + first, false,
        col_max, row_max + first);
  };
  if (!s.column) return dense(0, p.m);
  for (int g = 0; g < s.dense_count;) {  // run by run
    int end = g + 1;
    while (end < s.dense_count && s.dense[end] == s.dense[end - 1] + 1) ++end;
    dense(s.dense[g], end - g);
    g = end;
  }
  if (team.rank() == 0) {
    for (int i = 0; i < p.m; ++i) {
      const int j = s.column[i];
      if (j < 0) continue;
      const R entry = magnitude(R(s.value[i])) * (col_scale[j] * row_scale[i]);
      col_max[j] = nan_max(col_max[j], entry);
      row_max[i] = nan_max(row_max[i], entry);
    }
  }
  team.sync();
}

}  // namespace bpqp::core
