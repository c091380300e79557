// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// Rectified Adam, Algorithm 2 of the paper. rho_t is the length of the simple moving average that v
// amounts to after t steps, and r_t makes up for the variance of 1 / sqrt(v) while it is short:
//   rho_inf = 2 / (1 - beta2) - 1        rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t)
//   m, v, m_hat, v_hat as in Adam
//   rho_t > 4:   w <- w - lr r_t m_hat / (sqrt(v_hat) + epsilon)
//                r_t = sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t))
//   else:        w <- w - lr m_hat
// The threshold is the paper's 4; PyTorch has 5. The paper has no epsilon.
//
// rho_t is the difference of two numbers near rho_inf at first, so 1 - beta2^t is taken by expm1().
template <typename T>
class RAdam final : public Optimizer<T> {
 public:
  RAdam(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-3, kPositive, "learning rate")),
        beta1_(settings.number("beta1", 0.9, kDecay, "decay rate of the mean of gradients")),
        beta2_(settings.number("beta2", 0.999, kDecay, "decay rate of the mean of squares")),
        epsilon_(settings.number("epsilon", 1e-8, kPositive, "keeps the quotient finite")),
        m_(layout.size()),
        v_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const double bias2 = -std::expm1(t * std::log(beta2_));
    const double rho_inf = 2 / (1 - beta2_) - 1;
    const double rho = rho_inf - 2 * t * std::pow(beta2_, t) / bias2;
    const bool rectified = rho > 4;
    const double r =
        rectified
            ? std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
            : 1;
    const auto beta1 = constant<Batch<T>>(beta1_);
    const auto beta2 = constant<Batch<T>>(beta2_);
    const auto rest1 = constant<Batch<T>>(1 - beta1_);
    const auto rest2 = constant<Batch<T>>(1 - beta2_);
    const auto step_size =
        constant<Batch<T>>(lr_ * context.schedule_factor * r / (1 - std::pow(beta1_, t)));
    const auto correction2 = constant<Batch<T>>(1 / std::sqrt(bias2));
    const auto epsilon = constant<Batch<T>>(epsilon_);
    for_each_batch(
        parameters.size(),
        [&](auto& w, const auto& g, auto& m, auto& v) {
          m = beta1 * m + rest1 * g;
          v = beta2 * v + rest2 * g * g;
          if (rectified) {
            w -= step_size * m / (xsimd::sqrt(v) * correction2 + epsilon);
          } else {
            w -= step_size * m;
          }
        },
        parameters.data(), gradient.data(), m_.data(), v_.data());
  }
  std::vector<StateBlock> state() const override { return {{"m", m_}, {"v", v_}}; }
  void archive(StateArchive& kept) override { kept(m_, v_); }
  std::size_t state_size() const override { return m_.size() + v_.size(); }

 private:
  double lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  std::vector<T> m_;
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry radam() {
  return optimizer_entry<RAdam>({
      .summary = "Adam that divides by the root of v only once enough gradients are in it.",
      .formula =
          "rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t), rho_inf = 2 / (1 - beta2) - 1; w <- w - "
          "lr r_t m_hat / (sqrt(v_hat) + epsilon) where rho_t > 4, else w <- w - lr m_hat; r_t = "
          "sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t))",
      .paper = "Liu, Jiang, He, Chen, Liu, Gao & Han, On the variance of the adaptive learning "
               "rate and beyond, ICLR 2020, arXiv:1908.03265, Algorithm 2",
  });
}

}  // namespace plumbline::optimizers
