// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// LARS, Algorithm 1 of the paper: momentum with a learning rate for each tensor, in proportion to how
// long its weights are against its gradient,
//   lambda = trust |w| / (|g| + weight_decay |w|)
//   v <- momentum v + lr lambda (g + weight_decay w);  w <- w - v
// with lambda = 1 where |w| or |g| is 0. A weight matrix and its bias are two tensors.
template <typename T>
class Lars final : public Optimizer<T> {
 public:
  Lars(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 0.1, kPositive, "learning rate")),
        momentum_(settings.number("momentum", 0.9, kDecay, "share of velocity kept")),
        weight_decay_(settings.number("weight_decay", 1e-4, kNonNegative, "decay in the gradient")),
        trust_(settings.number("trust", 1e-3, kPositive, "eta, trust in a tensor's own rate")),
        tensors_(layout.tensors()),
        velocity_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto momentum = static_cast<T>(momentum_);
    const auto decay = static_cast<T>(weight_decay_);
    for (const ParameterTensor& tensor : tensors_) {
      const auto w = parameters.subspan(tensor.offset, tensor.size());
      const auto g = gradient.subspan(tensor.offset, tensor.size());
      const auto v = std::span<T>(velocity_).subspan(tensor.offset, tensor.size());
      const double w_norm = norm(std::span<const T>(w));
      const double g_norm = norm(g);
      const double lambda =
          w_norm == 0 || g_norm == 0 ? 1 : trust_ * w_norm / (g_norm + weight_decay_ * w_norm);
      const auto rate = static_cast<T>(lr_ * context.schedule_factor * lambda);
      for (std::size_t i = 0; i < w.size(); ++i) {
        v[i] = momentum * v[i] + rate * (g[i] + decay * w[i]);
        w[i] -= v[i];
      }
    }
  }
  std::vector<StateBlock> state() const override { return {{"v", velocity_}}; }
  void archive(StateArchive& kept) override { kept(velocity_); }
  std::size_t state_size() const override { return velocity_.size(); }

 private:
  double lr_;
  double momentum_;
  double weight_decay_;
  double trust_;
  std::vector<ParameterTensor> tensors_;
  std::vector<T> velocity_;
};

}  // namespace

OptimizerEntry lars() {
  return optimizer_entry<Lars>(
      {
          .summary = "Momentum with each tensor's rate in proportion to |w| / |g|.",
          .formula =
              "lambda = trust |w| / (|g| + weight_decay |w|); v <- momentum v + lr lambda (g + "
              "weight_decay w); w <- w - v, norms of each tensor",
          .paper = "You, Gitman & Ginsburg, Large batch training of convolutional networks, 2017, "
                   "arXiv:1708.03888, Algorithm 1",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
