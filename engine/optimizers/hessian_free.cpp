// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/kernels/sum.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Truncated Newton on the generalized Gauss-Newton matrix G of the step's examples (section 4 of the
// paper): p minimizes phi(p) = p^T (G + lambda I) p / 2 + g^T p by conjugate gradients (Hestenes and
// Stiefel 1952) that start from the last solution times cg_decay and stop after iteration i when
//   phi_i < 0 and (phi_i - phi_{i-k}) / phi_i < k tolerance,  k = max(10, i / 10).
// Of the iterates kept at i = ceil(1.3^j) it goes back to earlier ones while the loss does not grow;
// lambda follows Levenberg and Marquardt: times 3/2 where rho = (L(w + p) - L(w)) / phi(p) < 1/4, times
// 2/3 where rho > 3/4; then the step is shortened by 0.8 until Armijo's condition (10^-2) holds.
// Without the paper's preconditioner.
template <typename T>
class HessianFree final : public Optimizer<T> {
 public:
  HessianFree(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1, kPositive, "what the step is multiplied by")),
        damping_(settings.number("initial_damping", 1, kPositive, "lambda of the first update")),
        cg_iterations_(settings.integer("cg_iterations", 250, between(1, 100000),
                                        "most iterations of conjugate gradients in an update")),
        cg_tolerance_(settings.number("cg_tolerance", 5e-4, kPositive,
                                      "relative progress per iteration at which they stop")),
        cg_decay_(settings.number("cg_decay", 0.95, between(0, 1),
                                  "share of the last solution that they start from")),
        last_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const double before = context.objective->loss(parameters);
    if (!std::isfinite(before)) {
      add(parameters, 1, gradient);  // lets what is not finite through
      return;
    }
    for (T& x : last_) x *= static_cast<T>(cg_decay_);
    const std::vector<Iterate> kept = conjugate_gradients(parameters, gradient, context);
    if (kept.empty()) return;
    last_ = kept.back().x;

    const auto loss_at = [&](const std::vector<T>& x, double scale) {
      std::vector<T> moved(parameters.begin(), parameters.end());
      add(moved, scale, x);
      return context.objective->loss(moved);
    };
    auto chosen = kept.end() - 1;
    double after = loss_at(chosen->x, 1);
    while (chosen != kept.begin()) {
      const double earlier = loss_at((chosen - 1)->x, 1);
      if (!(earlier <= after || std::isnan(after))) break;
      --chosen;
      after = earlier;
    }
    // Started from the last solution, an iterate may stand above zero in the model: it was no use. And
    // it may lead uphill: then there is no step.
    adapt_damping(chosen->phi < 0 ? (after - before) / chosen->phi : 0);
    const double slope = dot<T>(gradient, chosen->x);
    if (!(slope < 0)) return;
    double scale = 1;
    for (int trial = 0; !(after <= before + kArmijo * scale * slope); ++trial) {
      if (trial == kMostTrials) return;
      scale *= kShrink;
      after = loss_at(chosen->x, scale);
    }
    add(parameters, lr_ * context.schedule_factor * scale, chosen->x);
  }
  bool asks_for_gradients() const override { return true; }
  bool looks_into_layers() const override { return true; }
  std::vector<StateBlock> state() const override { return {{"p", last_}}; }
  void archive(StateArchive& kept) override { kept(damping_, last_); }
  std::size_t state_size() const override { return last_.size(); }

 private:
  static constexpr double kArmijo = 1e-2;
  static constexpr double kShrink = 0.8;
  static constexpr int kMostTrials = 60;
  static constexpr double kMoreDamping = 1.5;
  static constexpr double kLeastDamping = 1e-12;

  struct Iterate {
    std::vector<T> x;
    double phi = 0;
  };

  static void add(std::span<T> sum, double scale, std::span<const T> x) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<T>(scale) * x[i];
  }

  // The iterates that are kept, from last_ on; none where the gradient is zero or not finite.
  std::vector<Iterate> conjugate_gradients(std::span<const T> parameters,
                                           std::span<const T> gradient,
                                           const StepContext<T>& context) const {
    std::vector<T> product(gradient.size());
    const auto times_curvature = [&](std::span<const T> v) {
      context.objective->gauss_newton_product(parameters, v, product);
      add(product, damping_, v);
    };
    std::vector<T> x = last_;
    times_curvature(x);
    std::vector<T> r(gradient.begin(), gradient.end());
    add(r, 1, product);
    std::vector<T> d = r;
    for (T& value : d) value = -value;
    double rr = dot<T>(r, r);
    std::vector<double> phi = {0.5 * (dot<T>(x, r) + dot<T>(x, gradient))};
    std::vector<Iterate> kept;
    double next_kept = 1;
    std::int64_t i = 0;
    while (i < cg_iterations_ && rr > 0) {
      times_curvature(d);
      const double curvature = dot<T>(d, product);
      if (!(curvature > 0)) break;
      ++i;
      const double alpha = rr / curvature;
      add(x, alpha, d);
      add(r, alpha, product);
      const double rr_before = rr;
      rr = dot<T>(r, r);
      const auto beta = static_cast<T>(rr / rr_before);
      for (std::size_t j = 0; j < d.size(); ++j) d[j] = beta * d[j] - r[j];
      phi.push_back(0.5 * (dot<T>(x, r) + dot<T>(x, gradient)));
      if (static_cast<double>(i) >= std::ceil(next_kept)) {
        while (std::ceil(next_kept) <= static_cast<double>(i)) next_kept *= 1.3;
        kept.push_back({x, phi.back()});
      }
      const std::int64_t k = std::max<std::int64_t>(10, i / 10);
      if (i > k && phi.back() < 0) {
        const double progress = (phi.back() - phi[static_cast<std::size_t>(i - k)]) / phi.back();
        if (progress < static_cast<double>(k) * cg_tolerance_) break;
      }
    }
    if (i > 0 && kept.back().x != x) kept.push_back({x, phi.back()});
    return kept;
  }

  void adapt_damping(double rho) {
    if (!(rho >= 0.25)) damping_ *= kMoreDamping;
    if (rho > 0.75) damping_ = std::max(damping_ / kMoreDamping, kLeastDamping);
  }

  double lr_;
  double damping_;
  std::int64_t cg_iterations_;
  double cg_tolerance_;
  double cg_decay_;
  std::vector<T> last_;
};

}  // namespace

OptimizerEntry hessian_free() {
  return optimizer_entry<HessianFree>(
      {
          .summary = "Newton steps on the damped Gauss-Newton matrix, by conjugate gradients.",
          .formula = "(G + lambda I) p = -g by conjugate gradients; w <- w + lr s p, s by "
                     "backtracking, lambda by Levenberg and Marquardt's rule",
          .paper = "Martens, Deep learning via Hessian-free optimization, ICML 2010",
      },
      UpdateScope::objective);
}

}  // namespace plumbline::optimizers
