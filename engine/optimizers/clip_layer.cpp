// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// As clip_norm, for the gradient of each tensor by itself:
//   g_l <- g_l min(1, max_norm / |g_l|)
// so that one layer's explosion does not shorten the steps of the others. A weight matrix and its
// bias are two tensors. A shorter gradient stays bit for bit.
template <typename T>
class ClipLayer final : public OptimizerWrapper<T> {
 public:
  ClipLayer(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout),
        max_norm_(settings.number("max_norm", 1, kPositive, "longest norm of a tensor's gradient")),
        tensors_(layout.tensors()),
        clipped_(layout.size()) {
    this->refuse_inner_that_asks_for_gradients(settings);
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    std::ranges::copy(gradient, clipped_.begin());
    for (const ParameterTensor& tensor : tensors_) {
      const std::span<T> own = std::span<T>(clipped_).subspan(tensor.offset, tensor.size());
      const double length = norm(std::span<const T>(own));
      if (!(length > max_norm_)) continue;
      const auto factor = static_cast<T>(max_norm_ / length);
      for (T& g : own) g *= factor;
    }
    inner_->step(parameters, clipped_, context);
  }
  std::size_t state_size() const override { return clipped_.size() + inner_->state_size(); }

 private:
  using OptimizerWrapper<T>::inner_;

  double max_norm_;
  std::vector<ParameterTensor> tensors_;
  std::vector<T> clipped_;
};

}  // namespace

OptimizerEntry clip_layer() {
  return optimizer_entry<ClipLayer>(
      {
          .summary = "Shortens each tensor's gradient to a largest norm before another rule.",
          .formula = "g_l <- g_l min(1, max_norm / |g_l|), for each tensor l",
          .paper = "Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural "
                   "networks, ICML 2013, arXiv:1211.5063, Algorithm 1, tensor by tensor",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
