/// \file
/// The passes over the user's data of core/dense.hpp for CpuTeam, by Eigen's SIMD registers: the
/// symmetric part of P, and the maxima that the scaling wants.
#pragma once

#include <Eigen/Core>

#include "core/dense.hpp"
#include "cpu/cpu_team.hpp"

namespace bpqp::cpu {

#if defined(__GNUC__) && !defined(__clang__)
// A SIMD register as a template's argument loses its alignment attribute, which Eigen knows.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

/// H's tile at (i0, j0) below the diagonal, edge the width of a SIMD register: P's tile and the one
/// opposite, turned in registers. Returns sum |P - P'|, 0 only if they agree to the last bit.
inline Eigen::internal::packet_traits<double>::type symmetric_tile(
    const double* P, int n, int i0, int j0, double* H) {
  using Packet = Eigen::internal::packet_traits<double>::type;
  constexpr int kWidth = Eigen::internal::unpacket_traits<Packet>::size;
  Eigen::internal::PacketBlock<Packet, kWidth> opposite;
  for (int k = 0; k < kWidth; ++k)
    opposite.packet[k] = Eigen::internal::ploadu<Packet>(P + std::size_t(i0 + k) * n + j0);
  Eigen::internal::ptranspose(opposite);
  const Packet half = Eigen::internal::pset1<Packet>(0.5);
  Packet difference = Eigen::internal::pset1<Packet>(0);
  for (int k = 0; k < kWidth; ++k) {
    const std::size_t at = std::size_t(j0 + k) * n + i0;
    const Packet a = Eigen::internal::ploadu<Packet>(P + at), b = opposite.packet[k];
    difference =
        Eigen::internal::padd(difference, Eigen::internal::pabs(Eigen::internal::psub(a, b)));
    Eigen::internal::pstoreu(H + at, Eigen::internal::pmul(half, Eigen::internal::padd(a, b)));
  }
  return difference;
}

template <class D>
bool symmetric_part(const CpuTeam&, const D* P, int n, double* H) {
  using Packet = Eigen::internal::packet_traits<double>::type;
  constexpr int kWidth = Eigen::internal::unpacket_traits<Packet>::size;
  constexpr int kEdge = std::is_same_v<D, double> ? kWidth : 1;
  const int whole = n - n % kEdge;
  bool symmetric = true;
  const auto entry = [&](int i, int j) {
    const D a = P[std::size_t(j) * n + i], b = P[std::size_t(i) * n + j];
    symmetric = symmetric && a == b;
    H[std::size_t(j) * n + i] = (double(a) + double(b)) / 2;
  };
  if constexpr (std::is_same_v<D, double>) {
    Packet difference = Eigen::internal::pset1<Packet>(0);
    for (int j0 = 0; j0 < whole; j0 += kEdge)
      for (int i0 = j0; i0 < whole; i0 += kEdge)  // on the diagonal the upper half is written too
        difference = Eigen::internal::padd(difference, symmetric_tile(P, n, i0, j0, H));
    symmetric = Eigen::internal::predux(difference) == 0;
    for (int j = 0; j < n; ++j)
      for (int i = std::max(j, whole); i < n; ++i) entry(i, j);
  } else {
    for (int j = 0; j < n; ++j)
      for (int i = j; i < n; ++i) entry(i, j);
  }
  return symmetric;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// Column by column, row maxima accumulated on the way: one pass over M. The comparisons would lose
/// a NaN; a sum of 0 * entry, which only a NaN or an infinity makes anything but 0, keeps it.
template <class D>
void scaled_maxima(
    const CpuTeam&,
    const D* M,
    int rows,
    int cols,
    int ld,
    const double* row_scale,
    const double* col_scale,
    bool lower,
    double* row_max,
    double* col_max) {
  constexpr int kLanes = 8;
  for (int j = 0; j < cols; ++j) {
    const D* column = M + std::size_t(j) * ld;
    const double col = col_scale[j];
    double largest[kLanes] = {}, trap[kLanes] = {};
    const auto take = [&](int i, int lane) {
      const double entry = std::fabs(double(column[i])) * (row_scale[i] * col);
      row_max[i] = row_max[i] < entry ? entry : row_max[i];
      largest[lane] = largest[lane] < entry ? entry : largest[lane];
      trap[lane] += 0 * entry;
    };
    int i = lower ? j : 0;
    for (; i + kLanes <= rows; i += kLanes)
      for (int k = 0; k < kLanes; ++k) take(i + k, k);
    for (; i < rows; ++i) take(i, 0);
    for (int k = 1; k < kLanes; ++k) {
      largest[0] = std::max(largest[0], largest[k]);
      trap[0] += trap[k];
    }
    col_max[j] = trap[0] == 0 ? std::max(col_max[j], largest[0]) : trap[0];
  }
}

}  // namespace bpqp::cpu
