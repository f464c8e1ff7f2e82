#include "bpqp/solver.hpp"

#include "solver_impl.hpp"
#include "validate.hpp"

namespace bpqp {

template <class R>
Solver<R>::Solver(const Shape& shape, int capacity, const Settings& settings)
    : impl_(std::make_unique<Impl>(shape, capacity, settings)) {}
template <class R>
Solver<R>::~Solver() = default;
template <class R>
Solver<R>::Solver(Solver&&) noexcept = default;
template <class R>
Solver<R>& Solver<R>::operator=(Solver&&) noexcept = default;

template <class R>
void Solver<R>::solve(const Problem<R>& problem, const Solution<R>& solution, Changed changed) {
  impl_->solve(problem, solution, changed);
}
template <class R>
void Solver<R>::warm_start(int batch, const VectorBatch<R>& x, const VectorBatch<R>& y) {
  impl_->warm_start(batch, x, y);
}
template <class R>
void Solver<R>::backward(const SolutionGradient<R>& gradient, const ProblemGradient<R>& out) {
  impl_->backward(gradient, out);
}
template <class R>
void Solver<R>::adjoint_solve(int k, const R* g_x, const R* g_y, R* w, R* d) {
  impl_->adjoint_solve(k, g_x, g_y, w, d);
}
template <class R>
void Solver<R>::jvp(const ProblemTangent<R>& tangent, const SolutionTangent<R>& out) {
  impl_->jvp(tangent, out);
}
template <class R>
void Solver<R>::differentiate(const KktPoint<R>& point, Report* report) {
  impl_->differentiate(point, report);
}
template <class R>
const Report* Solver<R>::reports() const {
  return impl_->reports.data();
}
template <class R>
std::size_t Solver<R>::bytes() const {
  return impl_->bytes;
}
template <class R>
const Shape& Solver<R>::shape() const {
  return impl_->shape;
}
template <class R>
int Solver<R>::capacity() const {
  return impl_->capacity;
}
template <class R>
const Settings& Solver<R>::settings() const {
  return impl_->settings;
}

template class Solver<float>;
template class Solver<double>;

}  // namespace bpqp
