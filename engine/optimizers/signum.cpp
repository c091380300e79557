// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// SignSGD of a mean of gradients, Algorithm 2 of the paper:
//   m <- mu m + (1 - mu) g        w <- w - lr sign(m), with sign(0) = 0
template <typename T>
class Signum final : public Optimizer<T> {
 public:
  Signum(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        momentum_(settings.number("momentum", 0.9, kDecay, "mu, decay rate of the mean")),
        m_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto lr = constant<Batch<T>>(lr_ * context.schedule_factor);
    const auto mu = constant<Batch<T>>(momentum_);
    const auto rest = constant<Batch<T>>(1 - momentum_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m) {
          m = mu * m + rest * g;
          w -= lr * xsimd::sign(m);
        },
        parameters.data(), gradient.data(), m_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}}; }
  void archive(StateArchive& kept) override { kept(m_); }
  std::size_t state_size() const override { return m_.size(); }

 private:
  double lr_;
  double momentum_;
  std::vector<T> m_;
};

}  // namespace

OptimizerEntry signum() {
  return optimizer_entry<Signum>({
      .summary = "Steps of lr in each weight, against the sign of the mean of its gradients.",
      .formula = "m <- momentum m + (1 - momentum) g; w <- w - lr sign(m)",
      .paper =
          "Bernstein, Wang, Azizzadenesheli & Anandkumar, signSGD: compressed optimisation for "
          "non-convex problems, ICML 2018, arXiv:1802.04434, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
