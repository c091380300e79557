// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// Of another rule's step u only the components that go down the gradient are taken, and lengthened
// by how many are not, the paper's rule over all parameters as one vector of n:
//   phi = 1(-u g > 0);  w <- w + u phi n / (sum phi + 1)
// u holds all that the inner rule does, weight decay too; see cautious_adamw for one that masks the
// Adam part alone. A component of NaN is taken, so that it is seen.
template <typename T>
class Cautious final : public OptimizerWrapper<T> {
 public:
  Cautious(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout), before_(layout.size()) {
    this->refuse_inner_that_keeps_its_position(settings);
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    std::ranges::copy(parameters, before_.begin());
    inner_->step(parameters, gradient, context);
    const std::size_t n = parameters.size();
    // Signs, not the product, which may underflow.
    const auto descends = [&](std::size_t i) {
      const T step = parameters[i] - before_[i];
      return (step > 0 && gradient[i] < 0) || (step < 0 && gradient[i] > 0);
    };
    std::size_t taken = 0;
    for (std::size_t i = 0; i < n; ++i) taken += descends(i) ? 1 : 0;
    const auto scale = static_cast<T>(static_cast<double>(n) / static_cast<double>(taken + 1));
    for (std::size_t i = 0; i < n; ++i) {
      const T step = parameters[i] - before_[i];
      if (descends(i) || std::isnan(step)) {
        parameters[i] = before_[i] + scale * step;
      } else {
        parameters[i] = before_[i];
      }
    }
  }
  std::size_t state_size() const override { return before_.size() + inner_->state_size(); }

 private:
  using OptimizerWrapper<T>::inner_;

  std::vector<T> before_;
};

}  // namespace

OptimizerEntry cautious() {
  return optimizer_entry<Cautious>(
      {
          .summary = "Takes of another rule's step the components that go down the gradient.",
          .formula = "phi = 1(-u g > 0) of the inner step u; w <- w + u phi n / (sum phi + 1)",
          .paper = "Liang, Chen, Liu & Liu, Cautious optimizers: improving training with one line "
                   "of code, 2024, arXiv:2411.16085",
      },
      UpdateScope::block);
}

}  // namespace plumbline::optimizers
