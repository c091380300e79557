// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// Lookahead, Algorithm 1 of the paper: the inner rule moves fast weights w; after every k of its
// steps the slow weights phi go a share of the way to them, and the fast weights go back there:
//   phi <- phi + alpha (w - phi);  w <- phi
// The inner rule keeps its state over this. The model is evaluated at phi.
template <typename T>
class Lookahead final : public OptimizerWrapper<T> {
 public:
  Lookahead(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout),
        every_(settings.integer("every", 5, at_least(1), "k, inner steps for one slow step")),
        alpha_(settings.number("alpha", 0.5, {.low = 0, .high = 1, .low_included = false},
                               "share of the way that the slow weights go")),
        slow_(layout.size()) {
    this->refuse_inner_that_keeps_its_position(settings);
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    if (!started_) std::ranges::copy(parameters, slow_.begin());
    started_ = true;
    inner_->step(parameters, gradient, context);
    if (context.step % every_ != 0) return;
    // The same as phi + alpha (w - phi), and exact where alpha is 1 or the parameters stand still.
    const Batch<T> rest(static_cast<T>(1 - alpha_));
    for_each_batch(
        parameters.size(),
        [rest](auto& w, auto& phi) {
          phi = w - rest * (w - phi);
          w = phi;
        },
        parameters.data(), slow_.data());
  }
  std::vector<StateBlock> state() const override { return this->with_inner({"phi", slow_}); }
  void archive(StateArchive& kept) override {
    OptimizerWrapper<T>::archive(kept);
    kept(slow_, started_);
  }
  std::size_t state_size() const override { return slow_.size() + inner_->state_size(); }
  std::span<const T> evaluation_point(std::span<const T> parameters) override {
    return started_ ? std::span<const T>(slow_) : inner_->evaluation_point(parameters);
  }

 private:
  using OptimizerWrapper<T>::inner_;

  std::int64_t every_;
  double alpha_;
  std::vector<T> slow_;
  bool started_ = false;
};

}  // namespace

OptimizerEntry lookahead() {
  return optimizer_entry<Lookahead>(
      {
          .summary = "Slow weights that follow the fast weights of another rule.",
          .formula = "after every k inner steps: phi <- phi + alpha (w - phi); w <- phi",
          .paper = "Zhang, Lucas, Hinton & Ba, Lookahead optimizer: k steps forward, 1 step back, "
                   "NeurIPS 2019, arXiv:1907.08610, Algorithm 1",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
