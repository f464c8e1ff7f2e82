/// \file
/// A layer for training pipelines in C++ with LibTorch: header only; link bpqp and LibTorch.
///
///   bpqp::torch::QpLayer layer({.n = 50, .m = 51});
///   auto [x, y, status] = layer(P, q, A, l, u);
///   loss(x).backward();
///
/// Not included by bpqp/bpqp.hpp. examples/train_torch.cpp trains with it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bpqp/solver.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace bpqp::torch {

/// Solutions of a batch.
struct QpSolution {
  at::Tensor x;       ///< [B, n], differentiable
  at::Tensor y;       ///< [B, m], multipliers, differentiable
  at::Tensor status;  ///< int32 [B] on the CPU, bpqp::Status values
};

namespace detail {

/// Solvers of one layer and type that nobody uses.
template <class R>
struct Idle {
  std::mutex mutex;
  std::vector<std::unique_ptr<Solver<R>>> solvers;
};

/// A Solver from a forward pass to the end of its graph, and what it still reads.
template <class R>
struct Lease : ::torch::CustomClassHolder {
  Lease(std::shared_ptr<Idle<R>> from, const Shape& shape, int batch, const Settings& settings)
      : idle(std::move(from)) {
    {
      const std::lock_guard lock(idle->mutex);
      if (!idle->solvers.empty()) {
        solver = std::move(idle->solvers.back());
        idle->solvers.pop_back();
      }
    }
    if (!solver || solver->capacity() < batch) {
      solver = std::make_unique<Solver<R>>(shape, batch, settings);
    }
  }
  ~Lease() override {
    const std::lock_guard lock(idle->mutex);
    idle->solvers.push_back(std::move(solver));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  std::shared_ptr<Idle<R>> idle;
  std::unique_ptr<Solver<R>> solver;
  std::array<at::Tensor, 5> data;  ///< P, q, A, l, u, contiguous
};

template <class R>
const R* address(const at::Tensor& t) {
  return t.numel() == 0 ? nullptr : t.const_data_ptr<R>();
}

/// Elements from one problem to the next; 0 for an argument without batch dimension, which is
/// shared.
inline std::int64_t stride(const at::Tensor& t, int own) {
  return t.dim() == own ? 0 : t[0].numel();
}

constexpr std::array<int, 5> kOwn = {2, 1, 2, 1, 1};  ///< dimensions of P, q, A, l, u

/// The layer's function: forward solves, backward is one call of Solver::backward. There is no
/// second derivative.
template <class R>
struct Solve : ::torch::autograd::Function<Solve<R>> {
  using Context = ::torch::autograd::AutogradContext;
  using List = ::torch::autograd::variable_list;

  static List forward(
      Context* context,
      const at::Tensor& P,
      const at::Tensor& q,
      const at::Tensor& A,
      const at::Tensor& l,
      const at::Tensor& u,
      const c10::intrusive_ptr<Lease<R>>& lease,
      int batch) {
    const Shape& shape = lease->solver->shape();
    lease->data = {P.contiguous(), q.contiguous(), A.contiguous(), l.contiguous(), u.contiguous()};
    const auto& d = lease->data;
    at::Tensor x = at::empty({batch, shape.n}, q.options());
    at::Tensor y = at::empty({batch, shape.m}, q.options());
    at::Tensor status = at::empty({batch}, at::kInt);
    std::vector<Report> reports(std::size_t(batch), Report{});
    const Problem<R> problem = {
        batch,
        {address<R>(d[0]), shape.n, shape.n, stride(d[0], 2)},
        {address<R>(d[1]), shape.n, stride(d[1], 1)},
        {address<R>(d[2]), shape.m, shape.n, stride(d[2], 2)},
        {address<R>(d[3]), shape.m, stride(d[3], 1)},
        {address<R>(d[4]), shape.m, stride(d[4], 1)}};
    lease->solver->solve(
        problem, {x.data_ptr<R>(), shape.m ? y.data_ptr<R>() : nullptr, nullptr, reports.data()});
    for (int b = 0; b < batch; ++b) status.data_ptr<int>()[b] = int(reports[std::size_t(b)].status);
    context->saved_data["lease"] = c10::IValue::make_capsule(lease);
    context->mark_non_differentiable({status});
    return {x, y, status};
  }

  static List backward(Context* context, List gradients) {
    const auto held = context->saved_data["lease"].toCapsule();
    const auto* lease = static_cast<const Lease<R>*>(held.get());
    const Shape& shape = lease->solver->shape();
    List out(7);
    std::array<GradientOut<R>, 5> wanted = {};
    for (std::size_t i = 0; i < 5; ++i) {
      if (!context->needs_input_grad(i)) continue;
      out[i] = at::empty_like(lease->data[i]);
      wanted[i] = {out[i].template data_ptr<R>(), stride(out[i], kOwn[i])};
    }
    for (std::size_t i = 0; i < 2; ++i) {
      if (gradients[i].defined()) gradients[i] = gradients[i].contiguous();
    }
    const auto given = [&](std::size_t i, int size) {
      return gradients[i].defined() ? VectorBatch<R>{address<R>(gradients[i]), size, size}
                                    : VectorBatch<R>{};
    };
    lease->solver->backward(
        {given(0, shape.n), given(1, shape.m)},
        {wanted[0], wanted[1], wanted[2], wanted[3], wanted[4]});
    return out;
  }
};

}  // namespace detail

/// Problems of one shape as a differentiable function of tensors on the CPU, float or double. Any
/// number of calls may be in flight before their backward passes, each with a Solver of its own,
/// which is used again when its graph is gone. Calls may come from several threads.
class QpLayer {
 public:
  /// Throws as Solver does, at the first call.
  explicit QpLayer(Shape shape, Settings settings = {})
      : shape_(std::move(shape)), settings_(std::move(settings)) {}

  /// P [B, n, n], q [B, n], A [B, m, n], l and u [B, m], all of q's type. Without the batch
  /// dimension an argument is shared by the batch (its gradient is the sum); if all are, B is 1.
  /// Problems without an answer have NaN and zero gradients. Throws InvalidArgument, naming the
  /// argument, for other shapes, types or devices.
  QpSolution operator()(
      const at::Tensor& P,
      const at::Tensor& q,
      const at::Tensor& A,
      const at::Tensor& l,
      const at::Tensor& u) {
    const int batch = check({P, q, A, l, u});
    return q.scalar_type() == at::kDouble ? solve(doubles_, batch, P, q, A, l, u)
                                          : solve(floats_, batch, P, q, A, l, u);
  }

  const Shape& shape() const { return shape_; }

 private:
  template <class R, class... Tensors>
  QpSolution solve(
      const std::shared_ptr<detail::Idle<R>>& idle, int batch, const Tensors&... data) const {
    auto lease = c10::make_intrusive<detail::Lease<R>>(idle, shape_, batch, settings_);
    auto out = detail::Solve<R>::apply(data..., lease, batch);
    return {out[0], out[1], out[2]};
  }

  /// The batch size.
  int check(const std::array<at::Tensor, 5>& data) const {
    constexpr std::array<const char*, 5> kNames = {"P", "q", "A", "l", "u"};
    const std::int64_t n = shape_.n, m = shape_.m;
    const std::array<std::vector<std::int64_t>, 5> own = {{{n, n}, {n}, {m, n}, {m}, {m}}};
    std::int64_t batch = -1;
    for (std::size_t i = 0; i < 5; ++i) {
      const at::Tensor& t = data[i];
      const auto refuse = [&](const std::string& expected) {
        std::ostringstream given;
        if (t.defined()) {
          given << t.scalar_type() << " of shape " << t.sizes() << " on " << t.device();
        } else {
          given << "no tensor";
        }
        throw InvalidArgument(
            std::string(kNames[i]) + ": expected " + expected + ", got " + given.str());
      };
      if (!t.defined() || !t.device().is_cpu()) refuse("a tensor on the CPU");
      if (t.scalar_type() != at::kDouble && t.scalar_type() != at::kFloat)
        refuse("float or double");
      if (t.scalar_type() != data[1].scalar_type()) refuse("the type of q");
      const auto rank = std::int64_t(own[i].size());
      if ((t.dim() != rank && t.dim() != rank + 1) ||
          t.sizes().slice(std::size_t(t.dim() - rank)) != at::IntArrayRef(own[i])) {
        std::ostringstream wanted;
        wanted << "shape [B, ...] or [...] with " << at::IntArrayRef(own[i]) << " last";
        refuse(wanted.str());
      }
      if (t.dim() == rank) continue;
      if (batch >= 0 && t.size(0) != batch) refuse("batch " + std::to_string(batch));
      batch = t.size(0);
      if (batch < 1) refuse("at least one problem");
    }
    return batch < 0 ? 1 : int(batch);
  }

  Shape shape_;
  Settings settings_;
  std::shared_ptr<detail::Idle<double>> doubles_ = std::make_shared<detail::Idle<double>>();
  std::shared_ptr<detail::Idle<float>> floats_ = std::make_shared<detail::Idle<float>>();
};

}  // namespace bpqp::torch
