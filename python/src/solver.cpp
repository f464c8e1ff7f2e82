// bpqp::Solver over addresses. An input is its address (0: null) and the elements from one problem
// to the next (0: shared); the package has checked types, shapes and devices.
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "bpqp/bpqp.hpp"

namespace nb = nanobind;

namespace bpqp::python {
namespace {

using Address = std::uintptr_t;
using Stride = std::int64_t;

template <class T>
T* at(Address address) {
  return reinterpret_cast<T*>(address);  // NOLINT(performance-no-int-to-ptr)
}

/// A Solver of float or double data.
class AnySolver {
 public:
  AnySolver(
      const std::string& type,
      int n,
      int m,
      std::vector<int> cones,
      int capacity,
      const nb::dict& dict,
      Address stream)
      : solver_(make(type, {n, m, std::move(cones)}, capacity, dict, stream)),
        n_(n),
        m_(m),
        on_host_(nb::cast<std::string>(dict["device"]) != "cuda") {}

  /// The number of problems without an answer (neither solved nor solved_inaccurate), or -1 where
  /// the reports are on a device.
  int solve(
      int batch,
      Address P,
      Stride P_stride,
      Address q,
      Stride q_stride,
      Address A,
      Stride A_stride,
      Address l,
      Stride l_stride,
      Address u,
      Stride u_stride,
      Address x,
      Address y,
      Address active,
      Address report) {
    const nb::gil_scoped_release unlocked;
    std::visit(
        [&]<class R>(Solver<R>& solver) {
          const Problem<R> problem = {
              batch,
              {at<const R>(P), n_, n_, P_stride},
              {at<const R>(q), n_, q_stride},
              {at<const R>(A), m_, n_, A_stride},
              {at<const R>(l), m_, l_stride},
              {at<const R>(u), m_, u_stride}};
          const Solution<R> solution = {
              at<R>(x), at<R>(y), at<std::int8_t>(active), at<Report>(report)};
          solver.solve(problem, solution);
        },
        solver_);
    if (!on_host_) return -1;
    int unanswered = 0;
    const auto* reports = at<const Report>(report);
    for (int b = 0; b < batch; ++b) unanswered += reports[b].status > Status::solved_inaccurate;
    return unanswered;
  }

  void warm_start(int batch, Address x, Stride x_stride, Address y, Stride y_stride) {
    std::visit(
        [&]<class R>(Solver<R>& solver) {
          solver.warm_start(batch, {at<const R>(x), n_, x_stride}, {at<const R>(y), m_, y_stride});
        },
        solver_);
  }

  void backward(
      Address gx,
      Stride gx_stride,
      Address gy,
      Stride gy_stride,
      Address P,
      Stride P_stride,
      Address q,
      Stride q_stride,
      Address A,
      Stride A_stride,
      Address l,
      Stride l_stride,
      Address u,
      Stride u_stride) {
    const nb::gil_scoped_release unlocked;
    std::visit(
        [&]<class R>(Solver<R>& solver) {
          solver.backward(
              {{at<const R>(gx), n_, gx_stride}, {at<const R>(gy), m_, gy_stride}},
              {{at<R>(P), P_stride},
               {at<R>(q), q_stride},
               {at<R>(A), A_stride},
               {at<R>(l), l_stride},
               {at<R>(u), u_stride}});
        },
        solver_);
  }

  /// Of the last derivative, into the reports of a batch on the host.
  void backward_residuals(int batch, Address reports) const {
    std::visit(
        [&](const auto& solver) {
          const Report* from = solver.reports();
          for (int b = 0; b < batch; ++b)
            at<Report>(reports)[b].backward_residual = from[b].backward_residual;
        },
        solver_);
  }

  void adjoint(int k, Address gx, Address gy, Address w, Address d) {
    const nb::gil_scoped_release unlocked;
    std::visit(
        [&]<class R>(Solver<R>& solver) {
          solver.adjoint_solve(k, at<const R>(gx), at<const R>(gy), at<R>(w), at<R>(d));
        },
        solver_);
  }

  void differentiate(
      int batch,
      Address P,
      Stride P_stride,
      Address A,
      Stride A_stride,
      Address x,
      Stride x_stride,
      Address y,
      Stride y_stride,
      Address active,
      Address gradient,
      Stride gradient_stride,
      Address violation,
      Stride violation_stride,
      Address report) {
    const nb::gil_scoped_release unlocked;
    std::visit(
        [&]<class R>(Solver<R>& solver) {
          const KktPoint<R> point = {
              batch,
              {at<const R>(P), n_, n_, P_stride},
              {at<const R>(A), m_, n_, A_stride},
              {at<const R>(x), n_, x_stride},
              {at<const R>(y), m_, y_stride},
              at<const std::int8_t>(active),
              {at<const R>(gradient), n_, gradient_stride},
              {at<const R>(violation), m_, violation_stride}};
          solver.differentiate(point, at<Report>(report));
        },
        solver_);
  }

  int capacity() const {
    return std::visit([](const auto& solver) { return solver.capacity(); }, solver_);
  }

  std::size_t bytes() const {
    return std::visit([](const auto& solver) { return solver.bytes(); }, solver_);
  }

 private:
  using Either = std::variant<Solver<float>, Solver<double>>;

  static Either make(
      const std::string& type,
      const Shape& shape,
      int capacity,
      const nb::dict& dict,
      Address stream) {
    Settings settings = settings_from(dict);
    settings.stream = at<void>(stream);
    if (type == "float32")
      return Either(std::in_place_type<Solver<float>>, shape, capacity, settings);
    if (type == "float64")
      return Either(std::in_place_type<Solver<double>>, shape, capacity, settings);
    throw nb::type_error(("type: expected float32 or float64, got " + type).c_str());
  }

  Either solver_;
  int n_, m_;
  bool on_host_;
};

/// Of a Solver that is not made; throws for what none can be made of.
std::size_t bytes_needed(
    const std::string& type,
    int n,
    int m,
    std::vector<int> cones,
    int capacity,
    const nb::dict& dict) {
  const Shape shape{n, m, std::move(cones)};
  const Settings settings = settings_from(dict);
  return type == "float32" ? Solver<float>::bytes_needed(shape, capacity, settings)
                           : Solver<double>::bytes_needed(shape, capacity, settings);
}

/// An array [1] with a number in it that keeps `owner` alive as long as its memory is: what holds a
/// Solver from a forward pass to its backward pass where only arrays are handed on.
nb::ndarray<std::int64_t, nb::shape<1>, nb::device::cpu> token(
    std::int64_t number, nb::object owner) {
  struct Kept {
    std::int64_t number;
    nb::object owner;
  };
  auto* kept = new Kept{number, std::move(owner)};
  const nb::capsule deleter(kept, [](void* p) noexcept { delete static_cast<Kept*>(p); });
  return nb::ndarray<std::int64_t, nb::shape<1>, nb::device::cpu>(&kept->number, {1}, deleter);
}

}  // namespace

void bind_solver(nb::module_& module) {
  nb::class_<AnySolver>(module, "Solver")
      .def(
          nb::init<const std::string&, int, int, std::vector<int>, int, const nb::dict&, Address>())
      .def("solve", &AnySolver::solve)
      .def("warm_start", &AnySolver::warm_start)
      .def("backward", &AnySolver::backward)
      .def("backward_residuals", &AnySolver::backward_residuals)
      .def("adjoint", &AnySolver::adjoint)
      .def("differentiate", &AnySolver::differentiate)
      .def_prop_ro("capacity", &AnySolver::capacity)
      .def_prop_ro("bytes", &AnySolver::bytes);
  module.def("bytes_needed", &bytes_needed);
  module.def("token", &token);
}

}  // namespace bpqp::python
