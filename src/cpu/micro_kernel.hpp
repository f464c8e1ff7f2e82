/// \file
/// Dense algebra for one tile in SIMD registers: what Cholesky, a triangular solve with many
/// columns, Y'Y and Y Y' have in common. A tile of 3 vectors x 4 columns is accumulated over the
/// whole depth before it touches memory,
///
///   tile[:, j] += a[:, k] b[k, j],   k = 0, 1, ..., depth - 1, in this order,
///
/// which is as many products per load as 16 registers allow (12 sums, 3 of a, 1 of b). Where rows
/// do not fill a vector, the last vector is moved up to end with the last row: lanes that it shares
/// with the one before are computed twice and stored once. An entry's order of operations depends
/// on its row, its column and the depth alone, never on which lane computes it.
///
/// Matrices are column-major; sizes are those of a tile, some hundred at most.
#pragma once

#include <algorithm>
#include <cmath>

#include <Eigen/Core>

#include "core/dense.hpp"

#include <xsimd/xsimd.hpp>

namespace bpqp::cpu::micro {

using Pack = xsimd::batch<double>;
using EigenPacket = Eigen::internal::packet_traits<double>::type;

inline constexpr int kLanes = int(Pack::size);
inline constexpr int kVectors = 3;
inline constexpr int kColumns = 4;
inline constexpr int kStrip = kVectors * kLanes;
/// Depth of a packed strip (24 KiB of a first-level cache of 32 with four doubles to a vector).
inline constexpr int kDepth = 256;

/// Smallest matrix that these functions take: below it a vector or a tile is wider.
inline constexpr int kSmallest = std::max(kLanes, kColumns);

/// Rows of a column-major matrix as vectors: vector v of column k is at rows[v] + k * stride.
template <int V>
struct Strip {
  const double* rows[V];
  std::size_t stride;
};

/// Entry (k, j) is at data[k * stride_k + j * stride_j].
struct Factor {
  const double* data;
  std::size_t stride_k, stride_j;
};

template <int V>
struct Tile {
  Pack at[kColumns][V];

  void clear() {
    for (auto& column : at)
      for (Pack& x : column) x = Pack(0.0);
  }
};

template <int V>
inline void add_product(Tile<V>& tile, const Strip<V>& a, const Factor& b, int k) {
  Pack column[V];
  for (int v = 0; v < V; ++v) column[v] = Pack::load_unaligned(a.rows[v] + k * a.stride);
  const double* row = b.data + k * b.stride_k;
  for (int j = 0; j < kColumns; ++j) {
    const Pack factor(row[j * b.stride_j]);
    for (int v = 0; v < V; ++v) tile.at[j][v] = xsimd::fma(column[v], factor, tile.at[j][v]);
  }
}

template <int V>
inline void accumulate(Tile<V>& tile, const Strip<V>& a, const Factor& b, int depth) {
  for (int k = 0; k < depth; ++k) add_product(tile, a, b, k);
}

/// The rows of one strip: vectors of kLanes from `begin`, the last one moved up to end at `end`.
template <int V>
struct Rows {
  int begin, end;

  int of(int v) const { return v + 1 < V ? begin + v * kLanes : end - kLanes; }
  /// Lanes of the last vector that no vector before has.
  int fresh() const { return end - begin - (V - 1) * kLanes; }

  Strip<V> of(const double* A, std::size_t ld) const {
    Strip<V> strip;
    for (int v = 0; v < V; ++v) strip.rows[v] = A + of(v);
    strip.stride = ld;
    return strip;
  }

  Pack load(const double* column, int v) const { return Pack::load_unaligned(column + of(v)); }

  void store(double* column, int v, Pack value) const {
    if (v + 1 < V || fresh() == kLanes) return value.store_unaligned(column + of(v));
    double lanes[kLanes];
    value.store_unaligned(lanes);
    for (int i = kLanes - fresh(); i < kLanes; ++i) column[of(v) + i] = lanes[i];
  }
};

/// body(Rows<V>) for strips of rows [begin, end), end >= kLanes.
template <class Body>
inline void for_strips(int begin, int end, const Body& body) {
  int i = begin;
  for (; i + kStrip <= end; i += kStrip) body(Rows<kVectors>{i, i + kStrip});
  if (end - i > 2 * kLanes) return body(Rows<3>{i, end});
  if (end - i > kLanes) return body(Rows<2>{i, end});
  if (end > i) body(Rows<1>{i, end});
}

#if defined(__GNUC__) && !defined(__clang__)
// A SIMD register as a template's argument loses its alignment attribute, which Eigen knows.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif
/// A square block of kLanes vectors, columns to rows.
inline void transpose(Pack (&block)[kLanes]) {
  Eigen::internal::PacketBlock<EigenPacket, kLanes> packets;
  for (int i = 0; i < kLanes; ++i) packets.packet[i] = block[i];
  Eigen::internal::ptranspose(packets);
  for (int i = 0; i < kLanes; ++i) block[i] = Pack(packets.packet[i]);
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// Rows of A [... x depth] side by side, kStrip doubles from column to column.
template <int V>
inline void pack(const Rows<V>& rows, const double* A, std::size_t ld, int depth, double* strip) {
  for (int k = 0; k < depth; ++k)
    for (int v = 0; v < V; ++v)
      rows.load(A + k * ld, v).store_aligned(strip + k * kStrip + v * kLanes);
}

/// Back again.
template <int V>
inline void unpack(const Rows<V>& rows, const double* strip, int depth, std::size_t ld, double* A) {
  for (int k = 0; k < depth; ++k)
    for (int v = 0; v < V; ++v)
      rows.store(A + k * ld, v, Pack::load_aligned(strip + k * kStrip + v * kLanes));
}

/// Columns `rows` of B [depth x ...], turned: lane i of vector v of strip row k is
/// B(k, rows.of(v) + i).
template <int V>
inline void pack_transposed(
    const Rows<V>& rows, const double* B, std::size_t ld, int depth, double* strip) {
  for (int v = 0; v < V; ++v) {
    const double* const from = B + rows.of(v) * ld;
    double* const to = strip + v * kLanes;
    int k = 0;
    for (; k + kLanes <= depth; k += kLanes) {
      Pack block[kLanes];
      for (int i = 0; i < kLanes; ++i) block[i] = Pack::load_unaligned(from + i * ld + k);
      transpose(block);
      for (int i = 0; i < kLanes; ++i) block[i].store_aligned(to + (k + i) * kStrip);
    }
    for (; k < depth; ++k)
      for (int i = 0; i < kLanes; ++i) to[k * kStrip + i] = from[i * ld + k];
  }
}

/// Back again; of the last vector only the columns that no vector before has.
template <int V>
inline void unpack_transposed(
    const Rows<V>& rows, const double* strip, int depth, std::size_t ld, double* B) {
  for (int v = 0; v < V; ++v) {
    const int first = v + 1 < V ? 0 : kLanes - rows.fresh();
    const double* const from = strip + v * kLanes;
    double* const to = B + rows.of(v) * ld;
    int k = 0;
    for (; k + kLanes <= depth; k += kLanes) {
      Pack block[kLanes];
      for (int i = 0; i < kLanes; ++i) block[i] = Pack::load_aligned(from + (k + i) * kStrip);
      transpose(block);
      for (int i = first; i < kLanes; ++i) block[i].store_unaligned(to + i * ld + k);
    }
    for (; k < depth; ++k)
      for (int i = first; i < kLanes; ++i) to[i * ld + k] = from[k * kStrip + i];
  }
}

}  // namespace bpqp::cpu::micro
