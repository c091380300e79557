// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"
#include "engine/optimizers/stability_limit.hpp"

namespace plumbline::optimizers {

namespace {

// RMSProp of Hinton's lecture, with the momentum and the centred form of Graves, section 4.2:
//   v <- decay v + (1 - decay) g^2
//   b <- momentum b + g / (sqrt(v) + epsilon), or g / sqrt(v + epsilon)        w <- w - lr b
// centred: v - g_bar^2 in the place of v, with g_bar <- decay g_bar + (1 - decay) g.
// No bias correction. Unlike Graves, lr multiplies the momentum's buffer after it is summed.
//
// The centred form computes s = v - g_bar^2 by its own recursion,
//   s <- decay s + decay (1 - decay) (g - g_bar)^2, with g_bar before its update,
// which is the same number and, unlike the difference, never cancels nor falls below zero.
template <typename T>
class RmsProp final : public Optimizer<T>, public HasStabilityLimit<T> {
 public:
  RmsProp(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-2, kPositive, "learning rate")),
        decay_(settings.number("decay", 0.99, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        inside_(settings.choice("epsilon_place", "outside", {"outside", "inside"},
                                "of the root, where epsilon is added") == "inside"),
        momentum_(settings.number("momentum", 0, kDecay, "share of the last step kept")),
        centered_(settings.flag("centered", false, "divide by the variance, not the square")),
        v_(layout.size()),
        buffer_(layout.size()),
        mean_(centered_ ? layout.size() : 0) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto lr = constant<Batch<T>>(lr_ * context.schedule_factor);
    const auto decay = constant<Batch<T>>(decay_);
    const auto rest = constant<Batch<T>>(1 - decay_);
    const auto inside = constant<Batch<T>>(inside_ ? epsilon_ : 0);
    const auto outside = constant<Batch<T>>(inside_ ? 0 : epsilon_);
    const auto momentum = constant<Batch<T>>(momentum_);
    const auto move = [&](auto& w, const auto& g, const auto& v, auto& b) {
      b = momentum * b + g / (xsimd::sqrt(v + inside) + outside);
      w -= lr * b;
    };
    if (centered_) {
      for_each_batch(
          parameters.size(),
          [&](auto& w, const auto& g, auto& s, auto& b, auto& mean) {
            s = decay * (s + rest * (g - mean) * (g - mean));
            mean = decay * mean + rest * g;
            move(w, g, s, b);
          },
          parameters.data(), gradient.data(), v_.data(), buffer_.data(), mean_.data());
    } else {
      for_each_batch(
          parameters.size(),
          [&](auto& w, const auto& g, auto& v, auto& b) {
            v = decay * v + rest * g * g;
            move(w, g, v, b);
          },
          parameters.data(), gradient.data(), v_.data(), buffer_.data());
    }
  }
  StabilityLimit stability_limit(std::span<const T> gradient,
                                 const StepContext<T>& context) const override {
    const RootOfSquares p{
        .decay = decay_, .inside = inside_ ? epsilon_ : 0, .outside = inside_ ? 0 : epsilon_};
    const double limit = 2 * (1 + momentum_) / (lr_ * context.schedule_factor);
    if (!centered_) return {limit, p.diagonal<T>(gradient, v_)};
    // s <- decay s + (1 - decay) d^2 with d = sqrt(decay) (g - mean).
    std::vector<T> deviation(gradient.begin(), gradient.end());
    for (std::size_t i = 0; i < deviation.size(); ++i) {
      deviation[i] = static_cast<T>(std::sqrt(decay_)) * (deviation[i] - mean_[i]);
    }
    return {limit, p.diagonal<T>(deviation, v_)};
  }
  std::vector<StateBlock> state() const override {
    return {{"v", v_}, {"b", buffer_}, {"mean", mean_}};
  }
  void archive(StateArchive& kept) override { kept(v_, buffer_, mean_); }
  std::size_t state_size() const override { return v_.size() + buffer_.size() + mean_.size(); }

 private:
  double lr_;
  double decay_;
  double epsilon_;
  bool inside_;
  double momentum_;
  bool centered_;
  std::vector<T> v_;
  std::vector<T> buffer_;
  std::vector<T> mean_;
};

}  // namespace

OptimizerEntry rmsprop() {
  return optimizer_entry<RmsProp>({
      .summary = "Gradient over the root of its mean square.",
      .formula = "v <- decay v + (1 - decay) g^2; b <- momentum b + g / (sqrt(v) + epsilon); w <- "
                 "w - lr b",
      .paper = "Tieleman & Hinton, Neural networks for machine learning, lecture 6e, 2012; Graves, "
               "Generating sequences with recurrent neural networks, 2013, arXiv:1308.0850",
  });
}

}  // namespace plumbline::optimizers
