// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// Stochastic weight averaging, Algorithm 1 of the paper: after every c-th step of its phase, with n
// models averaged so far,
//   a <- (n a + w) / (n + 1)
// and the model is evaluated at a, training not. The phase begins when `start` of the run's steps
// are done; in a run without an end, at once. The schedule is the run's own: the paper's cyclical or
// constant rate is to be chosen there. The weights at which the phase begins are no model of it.
template <typename T>
class Swa final : public OptimizerWrapper<T> {
 public:
  Swa(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout),
        start_(settings.number("start", 0, kDecay, "share of the run before the average begins")),
        every_(settings.integer("every", 1, at_least(1), "c, steps from one model to the next")),
        average_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    inner_->step(parameters, gradient, context);
    const auto before =
        static_cast<std::int64_t>(std::floor(start_ * static_cast<double>(context.steps)));
    const std::int64_t i = context.step - before;
    if (i <= 0 || i % every_ != 0) return;
    ++models_;
    // The same as two shares, and exact where the parameters stand still.
    const Batch<T> share(static_cast<T>(1 / static_cast<double>(models_)));
    for_each_batch(
        parameters.size(), [share](const auto& w, auto& a) { a += share * (w - a); },
        static_cast<const T*>(parameters.data()), average_.data());
  }
  std::vector<StateBlock> state() const override { return this->with_inner({"a", average_}); }
  void archive(StateArchive& kept) override {
    OptimizerWrapper<T>::archive(kept);
    kept(average_, models_);
  }
  std::size_t state_size() const override { return average_.size() + inner_->state_size(); }
  std::span<const T> evaluation_point(std::span<const T> parameters) override {
    return models_ > 0 ? std::span<const T>(average_) : inner_->evaluation_point(parameters);
  }

 private:
  using OptimizerWrapper<T>::inner_;

  double start_;
  std::int64_t every_;
  std::vector<T> average_;
  std::int64_t models_ = 0;
};

}  // namespace

OptimizerEntry swa() {
  return optimizer_entry<Swa>(
      {
          .summary = "Evaluates at the plain mean of the parameters of the later part of a run.",
          .formula = "after every c-th step of the phase: a <- (n a + w) / (n + 1), n <- n + 1; "
                     "evaluated at a",
          .paper = "Izmailov, Podoprikhin, Garipov, Vetrov & Wilson, Averaging weights leads to "
                   "wider optima and better generalization, UAI 2018, arXiv:1803.05407, "
                   "Algorithm 1",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
