#include "ragged.hpp"

#include <algorithm>
#include <functional>

#include "validate.hpp"

namespace bpqp {
namespace {

/// The arrays of a piece; null stays null.
template <class V>
V* at(V* data, std::int64_t place) {
  return data ? data + place : nullptr;
}

template <class R>
Problem<R> part_of(const RaggedProblem<R>& p, const RaggedPiece& piece) {
  const RaggedPlace& o = piece.at;
  return contiguous(
      piece.shape, piece.count, at(p.P, o.P), at(p.q, o.x), at(p.A, o.A), at(p.l, o.y),
      at(p.u, o.y));
}

template <class R>
VectorBatch<R> vectors(const R* data, std::int64_t place, int size) {
  return {at(data, place), size, size};
}

}  // namespace

template <class R>
Ragged<R>::Ragged(
    const std::vector<Shape>& shapes, const Settings& settings, const MakeEngine& make)
    : settings_((validate(shapes, settings), settings)),
      places_(ragged_places(shapes)),
      executor_(settings.device == Device::cuda ? 1 : settings.threads),
      reports_(shapes.size()) {
  for (const RaggedPiece& piece : ragged_pieces(shapes, settings)) {
    parts_.push_back({piece, make(piece.shape, piece.count, settings_of(piece, settings))});
    alone_ += piece.alone;
  }
}

template <class R>
template <class Body>
void Ragged<R>::for_parts(const Body& body) {
  for (int i = 0; i < alone_; ++i) body(parts_[std::size_t(i)]);
  const auto rest = [&](int, int begin, int end) {
    for (int i = begin; i < end; ++i) body(parts_[std::size_t(alone_ + i)]);
  };
  executor_.for_chunks(int(parts_.size()) - alone_, 1, std::ref(rest));
}

template <class R>
void Ragged<R>::require_derivatives(const char* call) const {
  bpqp::require_derivatives(call, settings_, solved_);
}

template <class R>
void Ragged<R>::solve(const RaggedProblem<R>& p, const Solution<R>& out, Changed changed) {
  require("q", p.q);
  if (places_.back().y > 0) {
    require("A", p.A);
    require("l", p.l);
    require("u", p.u);
  }
  validate(changed, settings_, solved_);
  if (changed == Changed::everything) solved_ = false;
  for_parts([&](const Part& part) {
    const RaggedPlace& o = part.piece.at;
    const Solution<R> mine{
        at(out.x, o.x), at(out.y, o.y), at(out.active, o.y), at(out.report, o.index)};
    part.engine->solve(part_of(p, part.piece), mine, changed);
  });
  solved_ = true;
}

template <class R>
void Ragged<R>::warm_start(const R* x, const R* y) {
  require_gradients("warm_start", settings_);
  for_parts([&](const Part& part) {
    const RaggedPiece& piece = part.piece;
    part.engine->warm_start(
        piece.count, vectors(x, piece.at.x, piece.shape.n), vectors(y, piece.at.y, piece.shape.m));
  });
}

template <class R>
void Ragged<R>::backward(const RaggedSolutionGradient<R>& g, const RaggedProblemGradient<R>& out) {
  require_derivatives("backward");
  for_parts([&](const Part& part) {
    const RaggedPlace& o = part.piece.at;
    const int columns = part.piece.shape.n, rows = part.piece.shape.m;
    const std::int64_t n = columns, m = rows;
    ProblemGradient<R> mine;
    mine.P = {at(out.P, o.P), n * n}, mine.q = {at(out.q, o.x), n};
    if (rows > 0)  // a stride of 0 would mean a sum
      mine.A = {at(out.A, o.A), m * n}, mine.l = {at(out.l, o.y), m}, mine.u = {at(out.u, o.y), m};
    part.engine->backward({vectors(g.x, o.x, columns), vectors(g.y, o.y, rows)}, mine);
  });
}

template <class R>
void Ragged<R>::adjoint_solve(const R* g_x, const R* g_y, R* w, R* d) {
  require_derivatives("adjoint_solve");
  for_parts([&](const Part& part) {
    const RaggedPlace& o = part.piece.at;
    part.engine->adjoint_solve(1, at(g_x, o.x), at(g_y, o.y), at(w, o.x), at(d, o.y));
  });
}

template <class R>
void Ragged<R>::jvp(const RaggedProblem<R>& tangent, const SolutionTangent<R>& out) {
  require_derivatives("jvp");
  for_parts([&](const Part& part) {
    const RaggedPlace& o = part.piece.at;
    const Problem<R> t = part_of(tangent, part.piece);
    part.engine->jvp({t.P, t.q, t.A, t.l, t.u}, {at(out.x, o.x), at(out.y, o.y)});
  });
}

template <class R>
const Report* Ragged<R>::reports() {
  for (const Part& part : parts_)
    std::copy_n(part.engine->reports(), part.piece.count, reports_.begin() + part.piece.at.index);
  return reports_.data();
}

template <class R>
std::size_t Ragged<R>::bytes() const {
  std::size_t bytes = 0;
  for (const Part& part : parts_) bytes += part.engine->bytes();
  return bytes;
}

template class Ragged<float>;
template class Ragged<double>;

}  // namespace bpqp
