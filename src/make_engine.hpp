/// \file
/// The engine that settings ask for.
#pragma once

#include <memory>

#include "engine.hpp"

namespace bpqp {

/// Throws InvalidArgument for what is out of range, DeviceError if the device is not there or has
/// no memory.
template <class R>
std::unique_ptr<Engine<R>> make_engine(const Shape& shape, int capacity, const Settings& settings);

/// What its bytes() would be.
template <class R>
std::size_t engine_bytes(const Shape& shape, int capacity, const Settings& settings);

}  // namespace bpqp
