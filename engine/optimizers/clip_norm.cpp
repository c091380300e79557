// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// The whole gradient, all tensors as one vector, is shortened to max_norm where it is longer; its
// direction stays:
//   g <- g min(1, max_norm / |g|)
// A shorter one stays bit for bit. NaN stays NaN; an infinity becomes NaN, the others 0.
template <typename T>
class ClipNorm final : public OptimizerWrapper<T> {
 public:
  ClipNorm(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout),
        max_norm_(settings.number("max_norm", 1, kPositive, "longest norm of the whole gradient")),
        clipped_(layout.size()) {
    this->refuse_inner_that_asks_for_gradients(settings);
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const double length = norm(gradient);
    if (!(length > max_norm_)) {
      inner_->step(parameters, gradient, context);
      return;
    }
    const auto factor = static_cast<T>(max_norm_ / length);
    std::ranges::transform(gradient, clipped_.begin(), [factor](T g) { return factor * g; });
    inner_->step(parameters, clipped_, context);
  }
  std::size_t state_size() const override { return clipped_.size() + inner_->state_size(); }

 private:
  using OptimizerWrapper<T>::inner_;

  double max_norm_;
  std::vector<T> clipped_;
};

}  // namespace

OptimizerEntry clip_norm() {
  return optimizer_entry<ClipNorm>(
      {
          .summary = "Shortens the whole gradient to a largest norm before another rule sees it.",
          .formula = "g <- g min(1, max_norm / |g|), over all parameters",
          .paper = "Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural "
                   "networks, ICML 2013, arXiv:1211.5063, Algorithm 1",
      },
      UpdateScope::block);
}

}  // namespace plumbline::optimizers
