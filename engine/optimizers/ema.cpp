// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// An exponential moving average of the parameters after each inner step, at which the model is
// evaluated; training does not see it:
//   a <- decay a + (1 - decay) w
// a starts at the first parameters seen. With bias_correction it starts at zero, and the model is
// evaluated at a / (1 - decay^t). Polyak & Juditsky's average is the uniform one: see swa.
template <typename T>
class Ema final : public OptimizerWrapper<T> {
 public:
  Ema(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout),
        decay_(settings.number("decay", 0.999, kDecay, "decay rate of the average")),
        bias_correction_(settings.flag("bias_correction", false,
                                       "start at zero, and divide by the weight of what was seen")),
        average_(layout.size()),
        evaluated_(bias_correction_ ? layout.size() : 0) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    if (steps_ == 0 && !bias_correction_) std::ranges::copy(parameters, average_.begin());
    inner_->step(parameters, gradient, context);
    ++steps_;
    // The same as two shares, and exact where the parameters stand still.
    const Batch<T> rest(static_cast<T>(1 - decay_));
    for_each_batch(
        parameters.size(), [rest](const auto& w, auto& a) { a += rest * (w - a); },
        static_cast<const T*>(parameters.data()), average_.data());
  }
  std::vector<StateBlock> state() const override { return this->with_inner({"a", average_}); }
  void archive(StateArchive& kept) override {
    OptimizerWrapper<T>::archive(kept);
    kept(average_, steps_);
  }
  std::size_t state_size() const override {
    return average_.size() + evaluated_.size() + inner_->state_size();
  }
  std::span<const T> evaluation_point(std::span<const T> parameters) override {
    if (steps_ == 0) return inner_->evaluation_point(parameters);
    if (!bias_correction_) return average_;
    const auto seen = static_cast<T>(1 - std::pow(decay_, static_cast<double>(steps_)));
    std::ranges::transform(average_, evaluated_.begin(), [seen](T a) { return a / seen; });
    return evaluated_;
  }

 private:
  using OptimizerWrapper<T>::inner_;

  double decay_;
  bool bias_correction_;
  std::vector<T> average_;
  std::vector<T> evaluated_;
  std::int64_t steps_ = 0;
};

}  // namespace

OptimizerEntry ema() {
  return optimizer_entry<Ema>(
      {
          .summary = "Evaluates at an exponential moving average of the parameters.",
          .formula = "after each inner step: a <- decay a + (1 - decay) w; evaluated at a",
          .paper = "Polyak & Juditsky, Acceleration of stochastic approximation by averaging, SIAM "
                   "Journal on Control and Optimization 30, 1992, doi:10.1137/0330046, in the "
                   "exponential form",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
