/// \file
/// What a wrong call is told.
#pragma once

#include <string>

#include "bpqp/status.hpp"

namespace bpqp::test {

/// The message of the call's InvalidArgument; "none" if it throws none.
template <class F>
std::string refusal(const F& call) {
  try {
    call();
  } catch (const InvalidArgument& e) {
    return e.what();
  }
  return "none";
}

}  // namespace bpqp::test
