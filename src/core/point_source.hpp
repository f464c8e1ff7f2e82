/// \file
/// A KKT point from elsewhere, as the steps see it.
#pragma once

#include "bpqp/solution.hpp"

namespace bpqp::core {

/// One problem's part of KktPoint (include/bpqp/solution.hpp). P and A are those of its view.
template <class D>
struct PointSource {
  const D *x = nullptr, *y = nullptr;                 ///< [n], [m]
  const std::int8_t* active = nullptr;                ///< [m] or null
  const D *gradient = nullptr, *violation = nullptr;  ///< [n], [m] or null
};

}  // namespace bpqp::core
