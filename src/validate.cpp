#include "validate.hpp"

#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>

namespace bpqp {
namespace {

[[noreturn]] void fail(
    const std::string& name, const std::string& expected, const std::string& got) {
  std::string message = name;
  message.append(": expected ").append(expected).append(", got ").append(got);
  throw InvalidArgument(message);
}

std::string text(double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", v);
  return buffer;
}

std::string size_text(int rows, int cols) {
  std::string text = "[";
  return text.append(std::to_string(rows)).append(" x ").append(std::to_string(cols)).append("]");
}

void check_stride(const char* name, std::int64_t stride, std::int64_t least, int batch) {
  if (stride != 0 && stride < least)
    fail(
        std::string(name) + ".stride", "0 (shared) or at least " + std::to_string(least),
        std::to_string(stride) + " (batch " + std::to_string(batch) + ")");
}

template <class Enum>
void check_enum(const char* name, Enum value, Enum last) {
  const int v = int(value);
  if (v < 0 || v > int(last))
    fail(
        name, "a value of its enumeration (0 ... " + std::to_string(int(last)) + ")",
        std::to_string(v));
}

void check_settings(const Settings& s) {
  check_enum("method", s.method, Method::interior_point);
  check_enum("backward_method", s.backward_method, BackwardMethod::admm);
  check_enum("device", s.device, Device::cuda);
  check_enum("precision", s.precision, Precision::fp32);
  const auto non_negative = [](const char* name, double v) {
    if (!(v >= 0) || !std::isfinite(v)) fail(name, "a finite number >= 0", text(v));
  };
  non_negative("eps_abs", s.eps_abs);
  non_negative("eps_rel", s.eps_rel);
  non_negative("time_limit", s.time_limit);
  non_negative("rho", s.rho);
  non_negative("kappa", s.kappa);
  if (s.kappa > 0 && !(s.gradients && s.polish))
    fail("kappa", "0 without Settings::gradients and Settings::polish", text(s.kappa));
  if (s.eps_abs == 0 && s.eps_rel == 0) fail("eps_abs, eps_rel", "not both 0", "0 and 0");
  if (!(s.alpha > 0 && s.alpha < 2)) fail("alpha", "a number in (0, 2)", text(s.alpha));
  if (s.max_iter < 1) fail("max_iter", ">= 1", std::to_string(s.max_iter));
  if (s.max_exchanges < 0) fail("max_exchanges", ">= 0", std::to_string(s.max_exchanges));
  if (s.scaling < 0 || s.scaling > 100) fail("scaling", "0 ... 100", std::to_string(s.scaling));
  if (s.threads < 0 || s.threads > 4096) fail("threads", "0 ... 4096", std::to_string(s.threads));
  if (s.precision == Precision::mixed)
    throw InvalidArgument(
        "precision: mixed is not built yet; expected fp64 (data may be float: Solver<float>)");
  if (s.precision == Precision::fp32)
    throw InvalidArgument(
        "precision: fp32 arithmetic is not built yet; expected fp64 (data may be float: "
        "Solver<float>)");
}

}  // namespace

void require(const char* name, const void* pointer) {
  if (!pointer) fail(name, "a pointer to data", "null");
}

void require_gradients(const char* call, const Settings& settings) {
  if (!settings.gradients)
    throw InvalidArgument(
        std::string(call) + ": expected Settings::gradients to be true, got false");
}

void require_derivatives(const char* call, const Settings& settings, bool solved) {
  require_gradients(call, settings);
  const std::string name(call);
  if (!settings.polish)
    throw InvalidArgument(
        name + ": expected Settings::polish to be true, got false (no active set is known)");
  if (!solved)
    throw InvalidArgument(name + ": expected a call of solve or differentiate before, got none");
}

void validate(Changed changed, const Settings& settings, bool kept) {
  if (changed != Changed::everything && changed != Changed::vectors)
    throw InvalidArgument(
        "changed: expected everything or vectors, got " + std::to_string(int(changed)));
  if (changed == Changed::everything) return;
  if (!settings.gradients)
    throw InvalidArgument(
        "changed: expected everything, got vectors, but Settings::gradients is false, so that no "
        "factors are kept");
  if (!kept)
    throw InvalidArgument(
        "changed: expected everything in the first solve, got vectors, but no factors are kept");
}

void validate(const Shape& shape, int capacity, const Settings& settings) {
  if (shape.n < 1) fail("shape.n", "at least one variable", std::to_string(shape.n));
  if (shape.m < 0) fail("shape.m", ">= 0", std::to_string(shape.m));
  for (int d : shape.cones)
    if (d < 1) fail("shape.cones", "sizes >= 1", std::to_string(d));
  const auto rows = std::accumulate(shape.cones.begin(), shape.cones.end(), std::int64_t(0));
  if (rows > shape.m)
    fail(
        "shape.cones", "at most m = " + std::to_string(shape.m) + " rows in all",
        std::to_string(rows));
  if (capacity < 1) fail("capacity", ">= 1", std::to_string(capacity));
  check_settings(settings);
}

template <class R>
void validate_matrix(const char* name, const MatrixBatch<R>& v, int rows, int cols, int batch) {
  if (v.structure != Structure::dense) fail(std::string(name) + ".structure", "dense", "another");
  if (!v.data) return;
  if (v.rows != rows || v.cols != cols)
    fail(name, size_text(rows, cols), size_text(v.rows, v.cols));
  check_stride(name, v.stride, std::int64_t(rows) * cols, batch);
}

template <class R>
void validate_vector(const char* name, const VectorBatch<R>& v, int size, int batch) {
  if (!v.data) return;
  if (v.size != size) fail(name, std::to_string(size) + " entries", std::to_string(v.size));
  check_stride(name, v.stride, size, batch);
}

template <class R>
void validate_output(const char* name, const GradientOut<R>& v, std::int64_t size, int batch) {
  if (v.data) check_stride(name, v.stride, size, batch);
}

template <class R>
void validate(const Problem<R>& p, const Shape& shape, int capacity) {
  if (p.batch < 1 || p.batch > capacity)
    fail(
        "problem.batch", "1 ... " + std::to_string(capacity) + " (the capacity)",
        std::to_string(p.batch));
  require("q", p.q.data);
  if (shape.m > 0) {
    require("A", p.A.data);
    require("l", p.l.data);
    require("u", p.u.data);
  }
  validate_matrix("P", p.P, shape.n, shape.n, p.batch);
  validate_vector("q", p.q, shape.n, p.batch);
  validate_matrix("A", p.A, shape.m, shape.n, p.batch);
  validate_vector("l", p.l, shape.m, p.batch);
  validate_vector("u", p.u, shape.m, p.batch);
}

#define BPQP_INSTANTIATE(R)                                                         \
  template void validate(const Problem<R>&, const Shape&, int);                     \
  template void validate_matrix(const char*, const MatrixBatch<R>&, int, int, int); \
  template void validate_vector(const char*, const VectorBatch<R>&, int, int);      \
  template void validate_output(const char*, const GradientOut<R>&, std::int64_t, int);
BPQP_INSTANTIATE(float)
BPQP_INSTANTIATE(double)
#undef BPQP_INSTANTIATE

}  // namespace bpqp
