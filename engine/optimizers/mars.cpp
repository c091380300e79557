// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// MARS-AdamW, Algorithm 2 of the paper: AdamW over a gradient with its variance reduced,
//   c = g + gamma beta1 / (1 - beta1) (g - g'),  c <- c / |c| where |c| > 1
//   m <- beta1 m + (1 - beta1) c;  v <- beta2 v + (1 - beta2) c^2
//   w <- w - lr (m_hat / (sqrt(v_hat) + epsilon) + weight_decay w)
// g' is the gradient at the last step's parameters: "exact" on this step's examples, which costs a
// second pass; "approximate", the paper's MARS-approx, the gradient that was used then. g' = g at
// first. |c| is over all parameters.
template <typename T>
class Mars final : public Optimizer<T> {
 public:
  Mars(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 3e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.95, kDecay, "decay rate of the mean of c")),
        beta2_(settings.number("beta2", 0.99, kDecay, "decay rate of the mean of c^2")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        gamma_(settings.number("gamma", 0.025, kNonNegative, "strength of variance reduction")),
        weight_decay_(settings.number("weight_decay", 0, kNonNegative, "decay, times lr")),
        exact_(settings.choice("gradient", "exact", {"exact", "approximate"},
                               "g' on this step's examples, or as it was") == "exact"),
        m_(layout.size()),
        v_(layout.size()),
        c_(layout.size()),
        before_(layout.size()),
        g_before_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    if (!started_) std::ranges::copy(gradient, g_before_.begin());
    if (started_ && exact_) context.objective->gradient(before_, g_before_);
    started_ = true;
    correct(gradient);
    std::ranges::copy(parameters, before_.begin());
    if (!exact_) std::ranges::copy(gradient, g_before_.begin());

    const auto t = static_cast<double>(context.step);
    const double lr = lr_ * context.schedule_factor;
    const Batch<T> beta1(static_cast<T>(beta1_));
    const Batch<T> beta2(static_cast<T>(beta2_));
    const Batch<T> rest1(static_cast<T>(1 - beta1_));
    const Batch<T> rest2(static_cast<T>(1 - beta2_));
    const Batch<T> step_size(static_cast<T>(lr / (1 - std::pow(beta1_, t))));
    const Batch<T> correction2(static_cast<T>(1 / std::sqrt(1 - std::pow(beta2_, t))));
    const Batch<T> epsilon(static_cast<T>(epsilon_));
    const Batch<T> decay(static_cast<T>(lr * weight_decay_));
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& c, auto& m, auto& v) {
          m = beta1 * m + rest1 * c;
          v = beta2 * v + rest2 * c * c;
          w -= step_size * m / (xsimd::sqrt(v) * correction2 + epsilon) + decay * w;
        },
        parameters.data(), static_cast<const T*>(c_.data()), m_.data(), v_.data());
  }
  bool asks_for_gradients() const override { return exact_; }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"v", v_}}; }
  void archive(StateArchive& kept) override {
    kept(started_, m_, v_, exact_ ? before_ : g_before_);
  }
  std::size_t state_size() const override { return 5 * m_.size(); }

 private:
  // Leaves c in c_.
  void correct(std::span<const T> gradient) {
    const auto strength = static_cast<T>(gamma_ * beta1_ / (1 - beta1_));
    std::ranges::transform(gradient, g_before_, c_.begin(),
                           [strength](T g, T before) { return g + strength * (g - before); });
    const double length = norm(std::span<const T>(c_));
    if (!(length > 1)) return;
    const auto factor = static_cast<T>(1 / length);
    for (T& c : c_) c *= factor;
  }

  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double gamma_;
  double weight_decay_;
  bool exact_;
  bool started_ = false;
  std::vector<T> m_;
  std::vector<T> v_;
  std::vector<T> c_;
  std::vector<T> before_;
  std::vector<T> g_before_;
};

}  // namespace

OptimizerEntry mars() {
  return optimizer_entry<Mars>(
      {
          .summary = "AdamW over a gradient whose variance the last step's parameters reduce.",
          .formula =
              "c = g + gamma beta1 / (1 - beta1) (g - g'), at most 1 long; m, v of c; w <- w "
              "- lr (m_hat / (sqrt(v_hat) + epsilon) + weight_decay w)",
          .paper = "Yuan, Liu, Wu, Zhou & Gu, MARS: unleashing the power of variance reduction for "
                   "training large models, 2024, arXiv:2411.10438, Algorithm 2",
      },
      UpdateScope::objective);
}

}  // namespace plumbline::optimizers
