// The layer for LibTorch. Built where BPQP_TORCH says where PyTorch is.
#include <gtest/gtest.h>

#include <bpqp/torch.hpp>

#include <torch/csrc/autograd/autograd.h>

namespace {

using at::Tensor;

// Five problems with half of the rows active; the first row an equality.
struct Data {
  Tensor P, q, A, l, u;

  explicit Data(at::ScalarType type = at::kDouble, std::int64_t batch = 5) {
    at::manual_seed(7);
    const auto real = at::TensorOptions().dtype(at::kDouble);
    const Tensor R = at::randn({batch, 4, 4}, real);
    P = at::matmul(R, R.mT()) / 4 + at::eye(4, real);
    q = 3 * at::randn({batch, 4}, real);
    A = at::randn({batch, 5, 4}, real);
    l = at::matmul(A, 0.3 * at::randn({batch, 4, 1}, real)).squeeze(-1);
    u = l.clone();
    l.slice(1, 1) -= at::rand({batch, 4}, real);
    u.slice(1, 1) += at::rand({batch, 4}, real);
    for (Tensor* t : {&P, &q, &A, &l, &u}) *t = t->to(type);
  }
};

const bpqp::Shape kShape = {.n = 4, .m = 5};
const bpqp::Settings kTight = {.eps_abs = 1e-12, .eps_rel = 1e-12};

// Central differences along q and u, of answers right to 1e-14: 1e-14/1e-6 and step squared.
TEST(TorchLayer, GradientsAreThoseOfDifferences) {
  Data d;
  bpqp::torch::QpLayer layer(kShape, kTight);
  const auto loss = [&](const Tensor& q, const Tensor& u) {
    const auto s = layer(d.P, q, d.A, at::cat({u.slice(1, 0, 1), d.l.slice(1, 1)}, 1), u);
    return (s.x.pow(3).sum() + s.y.square().sum());
  };
  const Tensor q = d.q.clone().requires_grad_(), u = d.u.clone().requires_grad_();
  loss(q, u).backward();
  for (const auto& [leaf, other, first] : {std::tuple(q, u, true), std::tuple(u, q, false)}) {
    const Tensor direction = at::randn_like(leaf), base = leaf.detach();
    const double step = 1e-6;
    const auto at_step = [&](double s) {
      const Tensor moved = base + s * direction;
      return (first ? loss(moved, other.detach()) : loss(other.detach(), moved)).item<double>();
    };
    const double difference = (at_step(step) - at_step(-step)) / (2 * step);
    const double slope = (leaf.grad() * direction).sum().item<double>();
    EXPECT_NEAR(slope, difference, 1e-6 * std::max(1.0, std::fabs(difference)));
  }
}

TEST(TorchLayer, GradientOfASharedMatrixIsTheSum) {
  Data d;
  bpqp::torch::QpLayer layer(kShape, kTight);
  const Tensor shared = d.P[0].clone().requires_grad_();
  const Tensor copies = d.P[0].repeat({5, 1, 1}).requires_grad_();
  layer(shared, d.q, d.A, d.l, d.u).x.square().sum().backward();
  layer(copies, d.q, d.A, d.l, d.u).x.square().sum().backward();
  EXPECT_TRUE(at::allclose(shared.grad(), copies.grad().sum(0), 1e-9, 1e-10));
}

TEST(TorchLayer, CallsInFlightHaveTheirOwnSolvers) {
  Data d;
  bpqp::torch::QpLayer layer(kShape);
  const Tensor q = d.q.clone().requires_grad_();
  const Tensor first = layer(d.P, q, d.A, d.l, d.u).x.sum();
  const Tensor second = layer(d.P, 2 * q, d.A, d.l, d.u).x.sum();
  const Tensor late = torch::autograd::grad({first}, {q})[0];
  const Tensor alone = torch::autograd::grad({layer(d.P, q, d.A, d.l, d.u).x.sum()}, {q})[0];
  EXPECT_TRUE(at::equal(late, alone));
  EXPECT_TRUE(torch::autograd::grad({second}, {q})[0].isfinite().all().item<bool>());
}

TEST(TorchLayer, FloatDataGiveFloatAnswers) {
  Data d(at::kFloat), exact;
  bpqp::torch::QpLayer layer(kShape);
  const Tensor q = d.q.clone().requires_grad_();
  const Tensor x = layer(d.P, q, d.A, d.l, d.u).x;
  x.sum().backward();
  EXPECT_EQ(q.grad().scalar_type(), at::kFloat);
  // Data rounded to 6e-8, times the condition of these problems, below 1e3.
  EXPECT_TRUE(at::allclose(
      x.to(at::kDouble), layer(exact.P, exact.q, exact.A, exact.l, exact.u).x, 1e-3, 1e-4));
}

TEST(TorchLayer, ABadProblemHasAStatusAndZeroGradients) {
  Data d;
  bpqp::torch::QpLayer layer(kShape);
  d.l[1][2] = 2;
  d.u[1][2] = 1;
  const Tensor q = d.q.clone().requires_grad_();
  const auto s = layer(d.P, q, d.A, d.l, d.u);
  EXPECT_EQ(s.status[1].item<int>(), int(bpqp::Status::primal_infeasible));
  EXPECT_EQ(s.status[0].item<int>(), int(bpqp::Status::solved));
  s.x.nan_to_num().sum().backward();
  EXPECT_TRUE((q.grad()[1] == 0).all().item<bool>());
  EXPECT_TRUE((q.grad()[0] != 0).any().item<bool>());
}

TEST(TorchLayer, AWrongShapeOrTypeIsNamed) {
  Data d;
  bpqp::torch::QpLayer layer(kShape);
  const auto message = [&](const Data& data) -> std::string {
    try {
      layer(data.P, data.q, data.A, data.l, data.u);
    } catch (const bpqp::InvalidArgument& error) {
      return error.what();
    }
    return "";
  };
  Data shape = d, type = d, none = d, batch = d;
  shape.A = d.A.slice(2, 0, 3);
  EXPECT_NE(
      message(shape).find("A: expected shape [B, ...] or [...] with [5, 4] last, got"),
      std::string::npos)
      << message(shape);
  type.P = d.P.to(at::kFloat);
  EXPECT_NE(
      message(type).find("P: expected the type of q, got Float of shape [5, 4, 4]"),
      std::string::npos)
      << message(type);
  none.u = Tensor();
  EXPECT_NE(
      message(none).find("u: expected a tensor on the CPU, got no tensor"), std::string::npos);
  batch.l = d.l.slice(0, 0, 2);
  EXPECT_NE(
      message(batch).find("l: expected batch 5, got Double of shape [2, 5]"), std::string::npos)
      << message(batch);
}

}  // namespace
