// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// LAMB, Algorithm 2 of the paper: Adam's direction with decay, as long in each tensor as the tensor is,
//   r = m_hat / (sqrt(v_hat) + epsilon);  u = r + weight_decay w
//   w <- w - lr phi(|w|) / |u| u
// with phi the identity, and the ratio 1 where |w| or |u| is 0. A weight matrix and its bias are two
// tensors.
template <typename T>
class Lamb final : public Optimizer<T> {
 public:
  Lamb(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-6, kPositive, "keeps the quotient finite")),
        weight_decay_(settings.number("weight_decay", 1e-2, kNonNegative, "decay in the step")),
        tensors_(layout.tensors()),
        m_(layout.size()),
        v_(layout.size()),
        u_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const Batch<T> beta1(static_cast<T>(beta1_));
    const Batch<T> beta2(static_cast<T>(beta2_));
    const Batch<T> rest1(static_cast<T>(1 - beta1_));
    const Batch<T> rest2(static_cast<T>(1 - beta2_));
    const Batch<T> correction1(static_cast<T>(1 / (1 - std::pow(beta1_, t))));
    const Batch<T> correction2(static_cast<T>(1 / std::sqrt(1 - std::pow(beta2_, t))));
    const Batch<T> epsilon(static_cast<T>(epsilon_));
    const Batch<T> decay(static_cast<T>(weight_decay_));
    for_each_batch(
        parameters.size(),
        [&](const auto& w, const auto& g, auto& m, auto& v, auto& u) {
          m = beta1 * m + rest1 * g;
          v = beta2 * v + rest2 * g * g;
          u = m * correction1 / (xsimd::sqrt(v) * correction2 + epsilon) + decay * w;
        },
        static_cast<const T*>(parameters.data()), gradient.data(), m_.data(), v_.data(), u_.data());
    for (const ParameterTensor& tensor : tensors_) {
      const auto w = parameters.subspan(tensor.offset, tensor.size());
      const auto u = std::span<const T>(u_).subspan(tensor.offset, tensor.size());
      const double w_norm = norm(std::span<const T>(w));
      const double u_norm = norm(u);
      const double ratio = w_norm == 0 || u_norm == 0 ? 1 : w_norm / u_norm;
      const auto step_size = static_cast<T>(lr_ * context.schedule_factor * ratio);
      for (std::size_t i = 0; i < w.size(); ++i) w[i] -= step_size * u[i];
    }
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"v", v_}}; }
  void archive(StateArchive& kept) override { kept(m_, v_); }
  std::size_t state_size() const override { return m_.size() + v_.size() + u_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double weight_decay_;
  std::vector<ParameterTensor> tensors_;
  std::vector<T> m_;
  std::vector<T> v_;
  std::vector<T> u_;
};

}  // namespace

OptimizerEntry lamb() {
  return optimizer_entry<Lamb>(
      {
          .summary = "Adam's direction, with steps in proportion to the norm of each tensor.",
          .formula =
              "u = m_hat / (sqrt(v_hat) + epsilon) + weight_decay w; w <- w - lr |w| / |u| u, "
              "norms of each tensor",
          .paper = "You et al., Large batch optimization for deep learning: training BERT in 76 "
                   "minutes, ICLR 2020, arXiv:1904.00962, Algorithm 2",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
