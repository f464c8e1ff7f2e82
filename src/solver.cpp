/// \file
/// Solver: checks what it is called with, and lets its engine compute.
#include "bpqp/solver.hpp"

#include <string>

#include "make_engine.hpp"
#include "validate.hpp"

namespace bpqp {

template <class R>
class Solver<R>::Impl {
 public:
  Impl(const Shape& shape_in, int capacity_in, const Settings& settings_in)
      : shape(shape_in),
        capacity(capacity_in),
        settings(settings_in),
        engine(make_engine<R>(shape, capacity, settings)) {}

  void solve(const Problem<R>& problem, const Solution<R>& solution, Changed changed);
  void require_batch(const char* name, int batch) const;
  void require_derivatives(const char* call) const;

  Shape shape;
  int capacity;
  Settings settings;
  std::unique_ptr<Engine<R>> engine;

 private:
  void require_kept(const Problem<R>& problem) const;

  Kept kept_;  ///< what `Changed::vectors` must find again: the factors are those of the last solve
};

/// Throws unless the factors of the last solve are those of `problem`, as far as that can be seen.
template <class R>
void Solver<R>::Impl::require_kept(const Problem<R>& problem) const {
  if (kept_.batch != problem.batch)
    throw InvalidArgument(
        "problem.batch: expected " + std::to_string(kept_.batch) +
        " (that of the last solve, whose factors are kept), got " + std::to_string(problem.batch));
  const Kept now = kept_of(problem);
  const auto require_same = [](const char* name, bool kept, bool wanted, std::int64_t stride) {
    if (kept != wanted)
      throw InvalidArgument(
          std::string(name) + ".stride: expected " + (kept ? "0 (shared)" : "one matrix each") +
          ", as in the last solve, whose factors are kept, got " + std::to_string(stride));
  };
  require_same("P", kept_.shares_P, now.shares_P, problem.P.stride);
  require_same("A", kept_.shares_A, now.shares_A, problem.A.stride);
}

template <class R>
void Solver<R>::Impl::require_batch(const char* name, int given) const {
  if (given < 1 || given > capacity)
    throw InvalidArgument(
        std::string(name) + ": expected 1 ... " + std::to_string(capacity) +
        " (the capacity), got " + std::to_string(given));
}

template <class R>
void Solver<R>::Impl::require_derivatives(const char* call) const {
  bpqp::require_derivatives(call, settings, engine->batch() > 0);
}

template <class R>
void Solver<R>::Impl::solve(
    const Problem<R>& problem, const Solution<R>& solution, Changed changed) {
  validate(problem, shape, capacity);
  validate(changed, settings, kept_.batch > 0);
  if (changed == Changed::vectors)
    require_kept(problem);
  else
    kept_ = {};
  engine->solve(problem, solution, changed);
  kept_ = kept_of(problem);
}

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
  require_gradients("warm_start", impl_->settings);
  impl_->require_batch("batch", batch);
  validate_vector("x", x, impl_->shape.n, batch);
  validate_vector("y", y, impl_->shape.m, batch);
  impl_->engine->warm_start(batch, x, y);
}

template <class R>
void Solver<R>::backward(const SolutionGradient<R>& gradient, const ProblemGradient<R>& out) {
  impl_->require_derivatives("backward");
  const std::int64_t n = impl_->shape.n, m = impl_->shape.m;
  const int batch = impl_->engine->batch();
  validate_vector("gradient.x", gradient.x, impl_->shape.n, batch);
  validate_vector("gradient.y", gradient.y, impl_->shape.m, batch);
  validate_output("out.P", out.P, n * n, batch);
  validate_output("out.q", out.q, n, batch);
  validate_output("out.A", out.A, m * n, batch);
  validate_output("out.l", out.l, m, batch);
  validate_output("out.u", out.u, m, batch);
  impl_->engine->backward(gradient, out);
}

template <class R>
void Solver<R>::adjoint_solve(int k, const R* g_x, const R* g_y, R* w, R* d) {
  impl_->require_derivatives("adjoint_solve");
  if (k < 1) throw InvalidArgument("k: expected at least 1, got " + std::to_string(k));
  impl_->engine->adjoint_solve(k, g_x, g_y, w, d);
}

template <class R>
void Solver<R>::jvp(const ProblemTangent<R>& t, const SolutionTangent<R>& out) {
  impl_->require_derivatives("jvp");
  const int n = impl_->shape.n, m = impl_->shape.m, batch = impl_->engine->batch();
  validate_matrix("tangent.P", t.P, n, n, batch);
  validate_vector("tangent.q", t.q, n, batch);
  validate_matrix("tangent.A", t.A, m, n, batch);
  validate_vector("tangent.l", t.l, m, batch);
  validate_vector("tangent.u", t.u, m, batch);
  impl_->engine->jvp(t, out);
}

template <class R>
void Solver<R>::differentiate(const KktPoint<R>& point, Report* report) {
  const Shape& shape = impl_->shape;
  require_gradients("differentiate", impl_->settings);
  if (!shape.cones.empty())
    throw InvalidArgument(
        "differentiate: expected a Solver without cones (a point's cones are active rows and "
        "curvature in P), got a shape with " +
        std::to_string(shape.cones.size()));
  impl_->require_batch("point.batch", point.batch);
  require("point.x", point.x.data);
  if (shape.m > 0) {
    require("point.A", point.A.data);
    require("point.y", point.y.data);
  }
  validate_matrix("point.P", point.P, shape.n, shape.n, point.batch);
  validate_matrix("point.A", point.A, shape.m, shape.n, point.batch);
  validate_vector("point.x", point.x, shape.n, point.batch);
  validate_vector("point.y", point.y, shape.m, point.batch);
  validate_vector("point.gradient", point.gradient, shape.n, point.batch);
  validate_vector("point.violation", point.violation, shape.m, point.batch);
  impl_->engine->differentiate(point, report);
}

template <class R>
const Report* Solver<R>::reports() const {
  return impl_->engine->reports();
}
template <class R>
std::size_t Solver<R>::bytes() const {
  return impl_->engine->bytes();
}
template <class R>
std::size_t Solver<R>::bytes_needed(const Shape& shape, int capacity, const Settings& settings) {
  return engine_bytes<R>(shape, capacity, settings);
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
