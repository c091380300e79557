// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// Each component of the gradient is held within [-max_value, max_value]. The direction changes,
// unlike that of clip_norm. NaN stays NaN.
template <typename T>
class ClipValue final : public OptimizerWrapper<T> {
 public:
  ClipValue(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout),
        max_value_(settings.number("max_value", 1, kPositive, "largest size of a component")),
        clipped_(layout.size()) {
    this->refuse_inner_that_asks_for_gradients(settings);
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto most = static_cast<T>(max_value_);
    // Comparisons with NaN are false, so it is handed on.
    std::ranges::transform(gradient, clipped_.begin(), [most](T g) {
      if (g > most) return most;
      return g < -most ? -most : g;
    });
    inner_->step(parameters, clipped_, context);
  }
  std::size_t state_size() const override { return clipped_.size() + inner_->state_size(); }

 private:
  using OptimizerWrapper<T>::inner_;

  double max_value_;
  std::vector<T> clipped_;
};

}  // namespace

OptimizerEntry clip_value() {
  return optimizer_entry<ClipValue>(
      {
          .summary = "Bounds each component of the gradient before another rule sees it.",
          .formula = "g <- max(-max_value, min(max_value, g)), component by component",
          .paper =
              "Mikolov, Statistical language models based on neural networks, PhD thesis, Brno "
              "University of Technology, 2012",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
