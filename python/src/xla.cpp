// The calls of cached_calls.hpp for XLA's typed foreign function interface, on the host and on CUDA
// devices:
//
//   solve    P, q, A, l, u, x0, y0 -> x, y, active, whole, real, state
//   adjoint  g, h, state, P, q, A, l, u, x0, y0 -> w, d
//
// Arrays have as many leading dimensions as the others, each 1 or that of the result; those of
// size 0, but q, are not there.
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "bpqp/bpqp.hpp"
#include "cached_calls.hpp"
#include "settings_text.hpp"
#include "solver_cache.hpp"
#include "xla/ffi/api/ffi.h"

namespace nb = nanobind;
namespace ffi = xla::ffi;

namespace bpqp::python {
namespace {

/// In a handler's context: it is called for arrays of the host.
struct OnHost {};
/// It is called for arrays of a CUDA device, with a stream.
using OnCuda = ffi::PlatformStream<void*>;

}  // namespace
}  // namespace bpqp::python

template <>
struct xla::ffi::CtxDecoding<bpqp::python::OnHost> {
  using Type = bpqp::python::HostCaller;
  static std::optional<Type> Decode(
      const XLA_FFI_Api*, XLA_FFI_ExecutionContext*, DiagnosticEngine&) {
    return Type();
  }
};

namespace bpqp::python {
namespace {

using In = ffi::AnyBuffer;
using Out = ffi::Result<ffi::AnyBuffer>;

HostCaller caller_of(HostCaller caller, const In&) {
  return caller;
}
CudaCaller caller_of(void* stream, const In& q) {
  return {stream, q.untyped_data()};
}

template <class R>
R* at(const ffi::AnyBuffer& buffer) {
  return static_cast<R*>(buffer.untyped_data());
}

template <class R>
Blocks<R> blocks_of(const ffi::AnyBuffer& buffer, std::size_t own) {
  const auto all = buffer.dimensions();
  return {at<const R>(buffer), Dimensions(all.begin(), all.end()), own};
}

template <class R>
Inputs<R> inputs(In P, In q, In A, In l, In u, In x0, In y0) {
  return {blocks_of<R>(P, 2), blocks_of<R>(q, 1),  blocks_of<R>(A, 2), blocks_of<R>(l, 1),
          blocks_of<R>(u, 1), blocks_of<R>(x0, 1), blocks_of<R>(y0, 1)};
}

template <class Body>
ffi::Error guarded(const Body& body) {
  try {
    body();
    return ffi::Error::Success();
  } catch (const std::exception& error) {
    return ffi::Error(ffi::ErrorCode::kInvalidArgument, std::string("bpqp: ") + error.what());
  }
}

template <class Context>
ffi::Error solve_handler(
    Context context,
    In P,
    In q,
    In A,
    In l,
    In u,
    In x0,
    In y0,
    Out x,
    Out y,
    Out active,
    Out whole,
    Out real,
    Out state,
    std::string_view cones,
    std::string_view settings,
    bool keep) {
  const auto call = [&]<class R>(R) {
    const SolveOutputs<R> out = {
        blocks_of<R>(*x, 1).lead,
        at<R>(*x),
        at<R>(*y),
        at<std::int8_t>(*active),
        at<std::int32_t>(*whole),
        at<R>(*real),
        at<std::uint32_t>(*state)};
    const Inputs<R> in = inputs<R>(P, q, A, l, u, x0, y0);
    solve_call(caller_of(context, q), in, out, {cones, settings}, keep);
  };
  return guarded([&] { q.element_type() == ffi::F32 ? call(0.0F) : call(0.0); });
}

template <class Context>
ffi::Error adjoint_handler(
    Context context,
    In g,
    In h,
    In state,
    In P,
    In q,
    In A,
    In l,
    In u,
    In x0,
    In y0,
    Out w,
    Out d,
    std::string_view cones,
    std::string_view settings) {
  const auto call = [&]<class R>(R) {
    adjoint_call(
        caller_of(context, q), blocks_of<R>(g, 1), blocks_of<R>(h, 1),
        blocks_of<std::uint32_t>(state, 1), inputs<R>(P, q, A, l, u, x0, y0),
        blocks_of<R>(*w, 1).lead, at<R>(*w), at<R>(*d), {cones, settings});
  };
  return guarded([&] { q.element_type() == ffi::F32 ? call(0.0F) : call(0.0); });
}

// clang-format off
template <class Context>
auto solve_binding() {
  return ffi::Ffi::Bind().Ctx<Context>()
      .template Arg<In>().template Arg<In>().template Arg<In>().template Arg<In>()
      .template Arg<In>().template Arg<In>().template Arg<In>()
      .template Ret<In>().template Ret<In>().template Ret<In>()
      .template Ret<In>().template Ret<In>().template Ret<In>()
      .template Attr<std::string_view>("cones").template Attr<std::string_view>("settings")
      .template Attr<bool>("keep");
}

template <class Context>
auto adjoint_binding() {
  return ffi::Ffi::Bind().Ctx<Context>()
      .template Arg<In>().template Arg<In>().template Arg<In>()
      .template Arg<In>().template Arg<In>().template Arg<In>().template Arg<In>()
      .template Arg<In>().template Arg<In>().template Arg<In>()
      .template Ret<In>().template Ret<In>()
      .template Attr<std::string_view>("cones").template Attr<std::string_view>("settings");
}
// clang-format on

XLA_FFI_DEFINE_HANDLER(kSolveOnHost, solve_handler<HostCaller>, solve_binding<OnHost>());
XLA_FFI_DEFINE_HANDLER(kSolveOnCuda, solve_handler<void*>, solve_binding<OnCuda>());
XLA_FFI_DEFINE_HANDLER(kAdjointOnHost, adjoint_handler<HostCaller>, adjoint_binding<OnHost>());
XLA_FFI_DEFINE_HANDLER(kAdjointOnCuda, adjoint_handler<void*>, adjoint_binding<OnCuda>());

/// By call and XLA's name of the platform.
nb::dict handlers() {
  const auto capsule = [](const auto& handler) {
    return nb::capsule(reinterpret_cast<const void*>(handler));
  };
  nb::dict solve, adjoint, calls;
  solve["cpu"] = capsule(kSolveOnHost);
  solve["CUDA"] = capsule(kSolveOnCuda);
  adjoint["cpu"] = capsule(kAdjointOnHost);
  adjoint["CUDA"] = capsule(kAdjointOnCuda);
  calls["solve"] = solve;
  calls["adjoint"] = adjoint;
  return calls;
}

nb::dict cache_state() {
  const SolverCache& cache = SolverCache::instance();
  nb::dict d;
  d["solves"] = cache.solves();
  d["bytes"] = cache.bytes();
  d["made"] = cache.made();
  d["repeated"] = cache.repeated();
  return d;
}

}  // namespace

void bind_xla(nb::module_& module) {
  module.def("xla_handlers", &handlers);
  module.attr("XLA_INTERFACE") = nb::make_tuple(XLA_FFI_API_MAJOR, XLA_FFI_API_MINOR);
  // As the calls take them.
  module.def(
      "xla_settings", [](const nb::dict& dict) { return settings_text(settings_from(dict)); });
  module.def("xla_cache", &cache_state);
  module.def("xla_limit_cache", [](std::size_t solves, std::size_t bytes) {
    SolverCache::instance().limit(solves, bytes);
  });
}

}  // namespace bpqp::python
