// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/optimizer_wrapper.hpp"

namespace plumbline::optimizers {

namespace {

// L(w + e) as a function of w, with the perturbation e of one step held fixed.
template <typename T>
class PerturbedObjective final : public Objective<T> {
 public:
  /// `point` is room for w + e.
  PerturbedObjective(Objective<T>& objective, std::span<const T> perturbation, std::span<T> point)
      : objective_(objective), perturbation_(perturbation), point_(point) {}

  double loss(std::span<const T> w) override { return objective_.loss(perturbed(w)); }
  double gradient(std::span<const T> w, std::span<T> gradient) override {
    return objective_.gradient(perturbed(w), gradient);
  }
  void gauss_newton_product(std::span<const T> w, std::span<const T> direction,
                            std::span<T> product) override {
    objective_.gauss_newton_product(perturbed(w), direction, product);
  }
  void sampled_gradient(std::span<const T> w, std::uint32_t draw, std::span<T> gradient) override {
    objective_.sampled_gradient(perturbed(w), draw, gradient);
  }
  typename Objective<T>::LayerPass layer_pass(std::size_t tensor) override {
    return objective_.layer_pass(tensor);
  }
  std::size_t examples() const override { return objective_.examples(); }

 private:
  std::span<const T> perturbed(std::span<const T> w) {
    std::ranges::transform(w, perturbation_, point_.begin(), std::plus<>());
    return point_;
  }

  Objective<T>& objective_;
  std::span<const T> perturbation_;
  std::span<T> point_;
};

// Sharpness-aware minimization, Algorithm 1 of the paper with p = 2: another rule steps from w by the
// gradient at the worst point near it, to first order, on the same examples:
//   e = rho g / |g|;  g_sam = grad L(w + e)
// over all parameters as one vector; e = 0 where g = 0. The inner rule's objective is L(w + e).
template <typename T>
class Sam final : public OptimizerWrapper<T> {
 public:
  Sam(Settings& settings, const ParameterLayout& layout)
      : OptimizerWrapper<T>(settings, layout),
        rho_(settings.number("rho", 0.05, kNonNegative, "radius of the neighbourhood")),
        perturbation_(layout.size()),
        point_(layout.size()),
        gradient_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const double length = norm(gradient);
    const double factor = length == 0 ? 0 : rho_ / length;
    std::ranges::transform(gradient, perturbation_.begin(),
                           [factor](T g) { return static_cast<T>(factor * g); });
    PerturbedObjective<T> perturbed(*context.objective, perturbation_, point_);
    perturbed.gradient(parameters, gradient_);
    StepContext<T> inner = context;
    inner.objective = &perturbed;
    inner_->step(parameters, gradient_, inner);
  }
  bool asks_for_gradients() const override { return true; }
  std::size_t state_size() const override {
    return perturbation_.size() + point_.size() + gradient_.size() + inner_->state_size();
  }

 private:
  using OptimizerWrapper<T>::inner_;

  double rho_;
  std::vector<T> perturbation_;
  std::vector<T> point_;
  std::vector<T> gradient_;
};

}  // namespace

OptimizerEntry sam() {
  return optimizer_entry<Sam>(
      {
          .summary = "Lets another rule step by the gradient at the worst point near the weights.",
          .formula = "e = rho g / |g|; the inner rule steps from w by grad L(w + e)",
          .paper = "Foret, Kleiner, Mobahi & Neyshabur, Sharpness-aware minimization for "
                   "efficiently improving generalization, ICLR 2021, arXiv:2010.01412, Algorithm 1",
      },
      UpdateScope::objective);
}

}  // namespace plumbline::optimizers
