/// \file
/// core/dense.hpp for PackTeam: a handful of rows and columns, every entry the same one of several
/// problems. Four entries that share a factor are computed at a time; each is a sum in the order of
/// its terms, so that a term that is zero in one lane changes no bit of it.
#pragma once

#include <algorithm>

#include "core/dense.hpp"
#include "cpu/micro_kernel.hpp"
#include "cpu/pack.hpp"

namespace bpqp::cpu {

/// Entry (k, c) of a matrix at data[k * to_next_k + c * to_next_c].
struct PackMatrix {
  const Pack* data;
  std::size_t next_k, next_c;
};

/// out(c, sum over k < depth of a(k, c) b[k * next_b]) for c < columns.
template <class Out>
inline void inner_products(
    PackMatrix a, int columns, int depth, const Pack* b, std::size_t next_b, const Out& out) {
  const auto some = [&]<int kCount>(int first) {
    Pack sums[kCount];
    for (Pack& sum : sums) sum = Pack(0.0);
    const Pack* entry = a.data + std::size_t(first) * a.next_c;
    for (int k = 0; k < depth; ++k) {
      const Pack factor = b[std::size_t(k) * next_b];
      for (int c = 0; c < kCount; ++c)
        sums[c] += entry[std::size_t(k) * a.next_k + std::size_t(c) * a.next_c] * factor;
    }
    for (int c = 0; c < kCount; ++c) out(first + c, sums[c]);
  };
  int c = 0;
  for (; c + 4 <= columns; c += 4) some.template operator()<4>(c);
  if (columns - c == 3) return some.template operator()<3>(c);
  if (columns - c == 2) return some.template operator()<2>(c);
  if (columns - c == 1) some.template operator()<1>(c);
}

/// out [m] = A'x.
inline void transposed_product(
    const PackTeam&, const Pack* A, int n, int m, int ld, const Pack* x, Pack* out) {
  inner_products({A, 1, std::size_t(ld)}, m, n, x, 1, [&](int i, Pack v) { out[i] = v; });
}

/// out [n] = A y.
inline void product(
    const PackTeam&, const Pack* A, int n, int m, int ld, const Pack* y, Pack* out) {
  inner_products({A, std::size_t(ld), 1}, n, m, y, 1, [&](int j, Pack v) { out[j] = v; });
}

inline void gram(const PackTeam&, const Pack* Y, int n, int m, int ld, Pack* S, int ld_s) {
  for (int j = 0; j < m; ++j) {
    const Pack* column = Y + std::size_t(j) * ld;
    inner_products({column, 1, std::size_t(ld)}, m - j, n, column, 1, [&](int i, Pack v) {
      S[std::size_t(j) * ld_s + j + i] = S[std::size_t(j + i) * ld_s + j] = v;
    });
  }
}

/// A lane whose pivot is not positive goes on with what is then no number.
inline core::PivotsOf<Pack> cholesky(const PackTeam&, Pack* A, int n, int ld) {
  Pack smallest(INFINITY);
  for (int k = 0; k < n; ++k) {
    Pack* const column = A + std::size_t(k) * ld + k;
    const std::size_t next = std::size_t(ld);
    inner_products({A + k, next, 1}, n - k, k, A + k, next, [&](int i, Pack v) { column[i] -= v; });
    smallest = core::nan_min(smallest, column[0]);
    column[0] = root_of(column[0]);
    const Pack inverse = Pack(1.0) / column[0];
    for (int i = 1; i < n - k; ++i) column[i] *= inverse;
  }
  return {smallest > Pack(0.0), smallest};
}

/// B [n x columns] becomes L^-1 B.
inline void solve_lower(
    const PackTeam&, const Pack* L, int n, int ld, Pack* B, int columns, int ld_b) {
  for (int k = 0; k < n; ++k) {
    const Pack inverse = Pack(1.0) / L[std::size_t(k) * ld + k];
    inner_products(
        {B, 1, std::size_t(ld_b)}, columns, k, L + k, std::size_t(ld), [&](int c, Pack v) {
          Pack& target = B[std::size_t(c) * ld_b + k];
          target = (target - v) * inverse;
        });
  }
}

/// B [n x columns] becomes L'^-1 B.
inline void solve_lower_transposed(
    const PackTeam&, const Pack* L, int n, int ld, Pack* B, int columns, int ld_b) {
  for (int c = 0; c < columns; ++c) {
    Pack* const b = B + std::size_t(c) * ld_b;
    for (int k = n - 1; k >= 0; --k) {
      const Pack* l = L + std::size_t(k) * ld;
      const Pack x = b[k] = b[k] / l[k];
      for (int j = 0; j < k; ++j) b[j] -= L[std::size_t(j) * ld + k] * x;
    }
  }
}

/// H, lower triangle, = P where P is symmetric to the last bit; returns where.
inline PackMask symmetric_part(const PackTeam&, const Pack* P, int n, Pack* H) {
  PackMask symmetric(true);
  for (std::size_t j = 0, N = std::size_t(n); j < N; ++j)
    for (std::size_t i = j; i < N; ++i) {
      H[j * N + i] = P[j * N + i];
      symmetric = symmetric & (P[j * N + i] == P[i * N + j]);
    }
  return symmetric;
}

/// a'b in the order of its terms.
inline Pack dot(const Pack* a, const Pack* b, int n) {
  Pack sum(0.0);
  for (int i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace bpqp::cpu
