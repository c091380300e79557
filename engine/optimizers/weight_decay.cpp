// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// Weight decay around any rule, with f the schedule's factor and w before the step:
//   decoupled: w <- inner(w, g) - f rate w     (not multiplied by the inner rule's learning rate)
//   coupled:   w <- inner(w, g + rate w)       (L2 regularization; the recorded loss has no such term)
// The two are the same for sgd when rates are made to fit, and differ for adaptive rules, which is
// what the paper is about. Learned slopes of activations do not decay (He et al. 2015).
template <typename T>
class WeightDecay final : public OptimizerWrapper<T> {
 public:
  WeightDecay(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout),
        coupled_(settings.choice("kind", "decoupled", {"decoupled", "coupled"},
                                 "decay beside the inner step, or in the gradient it sees") ==
                 "coupled"),
        rate_(settings.number("rate", 1e-4, kNonNegative, "how much of a weight decays")),
        biases_(settings.flag("biases", true, "whether biases decay too")),
        own_(layout.size()) {
    if (coupled_) {
      this->refuse_inner_that_asks_for_gradients(settings);
    } else {
      this->refuse_inner_that_keeps_its_position(settings);
    }
    for (const ParameterTensor& tensor : layout.tensors()) {
      const bool decays =
          tensor.is_weight_matrix() || (biases_ && tensor.group == ParameterGroup::bias);
      if (decays) tensors_.push_back(tensor);
    }
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    if (coupled_) {
      std::ranges::copy(gradient, own_.begin());
      for_each_decaying([&](std::size_t i) { own_[i] += static_cast<T>(rate_) * parameters[i]; });
      inner_->step(parameters, own_, context);
      return;
    }
    const auto rate = static_cast<T>(rate_ * context.schedule_factor);
    for_each_decaying([&](std::size_t i) { own_[i] = rate * parameters[i]; });
    inner_->step(parameters, gradient, context);
    for_each_decaying([&](std::size_t i) { parameters[i] -= own_[i]; });
  }
  std::vector<UpdateRule> rules(const ParameterTensor& tensor) const override {
    std::vector<UpdateRule> rules = inner_->rules(tensor);
    if (std::ranges::find(tensors_, tensor) == tensors_.end()) return rules;
    rules.insert(rules.begin(), this->rule_with(coupled_ ? "w <- inner(w, g + rate w)"
                                                         : "w <- inner(w, g) - f rate w"));
    return rules;
  }
  std::size_t state_size() const override { return own_.size() + inner_->state_size(); }

 private:
  using OptimizerWrapper<T>::inner_;

  template <class Function>
  void for_each_decaying(const Function& function) const {
    for (const ParameterTensor& tensor : tensors_) {
      for (std::size_t i = 0; i < tensor.size(); ++i) function(tensor.offset + i);
    }
  }

  bool coupled_;
  double rate_;
  bool biases_;
  std::vector<ParameterTensor> tensors_;
  std::vector<T> own_;  // the decay, or the gradient with it
};

}  // namespace

OptimizerEntry weight_decay() {
  return optimizer_entry<WeightDecay>(
      {
          .summary = "Lets the parameters decay, beside another rule's steps or in its gradient.",
          .formula = "decoupled: w <- inner(w, g) - f rate w; coupled: w <- inner(w, g + rate w)",
          .paper = "Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019, "
                   "arXiv:1711.05101",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
