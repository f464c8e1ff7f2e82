// Trains a linear model through a batch of quadratic programs with LibTorch: from features it
// predicts costs q, each problem chooses x in the box [0, 1] with sum 1, and the loss is the
// choice's distance to the one made with the true costs.
//
//   cmake -B build/release -DBPQP_TORCH=/path/to/site-packages/torch
//   cmake --build build/release --target train_torch && build/release/examples/train_torch
#include <cstdio>

#include <bpqp/torch.hpp>

#include <torch/torch.h>

int main() {
  torch::manual_seed(1);
  const auto real = torch::TensorOptions().dtype(torch::kDouble);
  const int n = 8, batch = 64;
  const at::Tensor P = torch::eye(n, real);
  const at::Tensor A = torch::cat({torch::ones({1, n}, real), torch::eye(n, real)});
  const at::Tensor l = torch::cat({torch::ones({1}, real), torch::zeros({n}, real)});
  const at::Tensor u = torch::ones({n + 1}, real);
  bpqp::torch::QpLayer layer({.n = n, .m = n + 1});

  const at::Tensor features = torch::randn({batch, 4}, real);
  const at::Tensor truth = 0.2 * torch::mm(features, torch::randn({4, n}, real));
  const at::Tensor best = layer(P, truth, A, l, u).x;

  torch::nn::Linear model(4, n);
  model->to(torch::kDouble);
  torch::optim::Adam optimiser(model->parameters(), torch::optim::AdamOptions(0.05));
  double first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    optimiser.zero_grad();
    const auto [x, y, status] = layer(P, model(features), A, l, u);
    if (status.ne(int(bpqp::Status::solved)).any().item<bool>()) return 2;
    const at::Tensor loss = (x - best).square().sum(1).mean();
    loss.backward();
    optimiser.step();
    last = loss.item<double>();
    if (step == 0) first = last;
    if (step % 20 == 0) std::printf("step %3d: loss %.6f\n", step, last);
  }
  std::printf("loss from %.4f to %.4f\n", first, last);
  return last < 0.1 * first ? 0 : 1;
}
