/// \file
/// How a ragged batch is dealt out to engines: by shape, and on the CPU also among threads.
#pragma once

#include <vector>

#include "bpqp/ragged.hpp"

namespace bpqp {

/// Problems of one shape that are neighbours in the concatenated arrays, for one engine.
struct RaggedPiece {
  Shape shape;
  int count = 0;
  RaggedPlace at;      ///< of the first
  bool alone = false;  ///< its engine takes all threads; else one, and pieces run side by side
  double work = 0;     ///< multiply-adds, about
};

/// Throws InvalidArgument for an empty list, a shape or setting out of range, or a setting that
/// ragged batches do not have.
void validate(const std::vector<Shape>& shapes, const Settings& settings);

/// Those that run alone first, then the others, the most work first. On a GPU all run alone.
std::vector<RaggedPiece> ragged_pieces(const std::vector<Shape>& shapes, const Settings& settings);

/// Settings of the piece's engine.
Settings settings_of(const RaggedPiece& piece, const Settings& settings);

}  // namespace bpqp
