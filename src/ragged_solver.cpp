/// \file
/// RaggedSolver: a Ragged over the engines that settings ask for.
#include "make_engine.hpp"
#include "ragged.hpp"

namespace bpqp {

template <class R>
class RaggedSolver<R>::Impl : public Ragged<R> {
 public:
  Impl(const std::vector<Shape>& shapes, const Settings& settings)
      : Ragged<R>(shapes, settings, make_engine<R>) {}
};

template <class R>
RaggedSolver<R>::RaggedSolver(const std::vector<Shape>& shapes, const Settings& settings)
    : impl_(std::make_unique<Impl>(shapes, settings)) {}
template <class R>
RaggedSolver<R>::~RaggedSolver() = default;
template <class R>
RaggedSolver<R>::RaggedSolver(RaggedSolver&&) noexcept = default;
template <class R>
RaggedSolver<R>& RaggedSolver<R>::operator=(RaggedSolver&&) noexcept = default;

template <class R>
void RaggedSolver<R>::solve(
    const RaggedProblem<R>& problem, const Solution<R>& solution, Changed changed) {
  impl_->solve(problem, solution, changed);
}
template <class R>
void RaggedSolver<R>::warm_start(const R* x, const R* y) {
  impl_->warm_start(x, y);
}
template <class R>
void RaggedSolver<R>::backward(
    const RaggedSolutionGradient<R>& gradient, const RaggedProblemGradient<R>& out) {
  impl_->backward(gradient, out);
}
template <class R>
void RaggedSolver<R>::adjoint_solve(const R* g_x, const R* g_y, R* w, R* d) {
  impl_->adjoint_solve(g_x, g_y, w, d);
}
template <class R>
void RaggedSolver<R>::jvp(const RaggedProblem<R>& tangent, const SolutionTangent<R>& out) {
  impl_->jvp(tangent, out);
}
template <class R>
const Report* RaggedSolver<R>::reports() const {
  return impl_->reports();
}
template <class R>
int RaggedSolver<R>::size() const {
  return int(impl_->places().size()) - 1;
}
template <class R>
const RaggedPlace& RaggedSolver<R>::place(int problem) const {
  return impl_->places()[std::size_t(problem)];
}
template <class R>
const RaggedPlace& RaggedSolver<R>::end() const {
  return impl_->places().back();
}
template <class R>
std::size_t RaggedSolver<R>::bytes() const {
  return impl_->bytes();
}
template <class R>
std::size_t RaggedSolver<R>::bytes_needed(
    const std::vector<Shape>& shapes, const Settings& settings) {
  validate(shapes, settings);
  std::size_t bytes = 0;
  for (const RaggedPiece& piece : ragged_pieces(shapes, settings))
    bytes += engine_bytes<R>(piece.shape, piece.count, settings_of(piece, settings));
  return bytes;
}

template class RaggedSolver<float>;
template class RaggedSolver<double>;

}  // namespace bpqp
