// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "engine/kernels/dense_matrix.hpp"
#include "engine/kernels/reduce.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// The quintic of Jordan's post: its slope at 0 is steep, and it takes (0, 1] to about [0.7, 1.2].
constexpr double kA = 3.4445;
constexpr double kB = -4.7750;
constexpr double kC = 2.0315;
constexpr double kLeastNorm = 1e-7;

constexpr const char* kHidden =
    "B <- mu B + g; w <- w - lr (sqrt(max(1, rows / cols)) O + weight_decay w), with O from g + mu "
    "B "
    "(from B without nesterov) by Newton-Schulz steps X <- a X + b (X X^T) X + c (X X^T)^2 X";
constexpr const char* kElsewhere =
    "m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2; w <- w - adam_lr ((m / (1 - "
    "beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay w)";

// An approximation of U V^T, for G = U S V^T: singular values s of G / |G| become p(p(...p(s))) with
// p(s) = a s + b s^3 + c s^5.
template <typename T>
DenseMatrix<T> orthogonalized(const DenseMatrix<T>& g, std::int64_t newton_schulz_steps) {
  const bool tall = g.rows() > g.cols();
  // The smaller Gram matrix: X X^T of a wide X.
  DenseMatrix<T> x(std::min(g.rows(), g.cols()), std::max(g.rows(), g.cols()));
  const auto factor = static_cast<T>(1 / (norm(g.values()) + kLeastNorm));
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < x.cols(); ++j) {
      x.view()(i, j) = factor * (tall ? g.view()(j, i) : g.view()(i, j));
    }
  }
  for (std::int64_t step = 0; step < newton_schulz_steps; ++step) {
    const DenseMatrix<T> gram = product(as_is(x), transposed(x));
    DenseMatrix<T> polynomial = product(as_is(gram), as_is(gram));
    std::ranges::transform(
        gram.values(), polynomial.values(), polynomial.values().begin(),
        [](T a, T aa) { return static_cast<T>(kB) * a + static_cast<T>(kC) * aa; });
    const DenseMatrix<T> rest = product(as_is(polynomial), as_is(x));
    std::ranges::transform(x.values(), rest.values(), x.values().begin(),
                           [](T one, T other) { return static_cast<T>(kA) * one + other; });
  }
  if (!tall) return x;
  DenseMatrix<T> result(x.cols(), x.rows());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t j = 0; j < x.cols(); ++j) result.view()(j, i) = x.view()(i, j);
  }
  return result;
}

// Muon, for the weights of hidden layers:
//   B <- mu B + g;  G = g + mu B (nesterov) or B
//   w <- w - lr (sqrt(max(1, rows / cols)) O + weight_decay w),  O the orthogonalized G
// The scale is that of Jordan's code, not 0.2 sqrt(max(rows, cols)) of Liu et al. All other tensors
// go by AdamW with adam_lr; the schedule's factor multiplies both rates.
template <typename T>
class Muon final : public Optimizer<T> {
 public:
  Muon(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 0.02, kPositive, "learning rate of hidden weights")),
        momentum_(settings.number("momentum", 0.95, kDecay, "mu, share of B kept")),
        nesterov_(settings.flag("nesterov", true, "orthogonalize g + mu B instead of B")),
        newton_schulz_steps_(settings.integer("newton_schulz_steps", 5, at_least(1),
                                              "steps of the orthogonalization")),
        weight_decay_(settings.number("weight_decay", 0, kNonNegative, "decay, times the rate")),
        adam_lr_(settings.number("adam_lr", 3e-4, kPositive, "learning rate of all else")),
        beta1_(settings.number("beta1", 0.9, kDecay, "AdamW's, of all else")),
        beta2_(settings.number("beta2", 0.95, kDecay, "AdamW's, of all else")),
        epsilon_(settings.number("epsilon", 1e-10, kPositive, "AdamW's, of all else")),
        tensors_(layout.tensors()),
        m_(layout.size()),
        v_(layout.size()) {}

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    for (const ParameterTensor& tensor : tensors_) {
      const auto w = parameters.subspan(tensor.offset, tensor.size());
      const auto g = gradient.subspan(tensor.offset, tensor.size());
      if (tensor.group == ParameterGroup::hidden) {
        hidden_step(tensor, w, g, context.schedule_factor);
      } else {
        adam_step(tensor, w, g, context);
      }
    }
  }
  std::vector<UpdateRule> rules(const ParameterTensor& tensor) const override {
    if (tensor.group == ParameterGroup::hidden) return {this->rule_with(kHidden)};
    return {this->rule_with(kElsewhere, "AdamW")};
  }
  std::vector<StateBlock> state() const override {
    StateBlock b("B", m_);
    StateBlock m("m", m_);
    StateBlock v("v", v_);
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    for (const ParameterTensor& tensor : tensors_) {
      const bool hidden = tensor.group == ParameterGroup::hidden;
      for (StateBlock* other : hidden ? std::vector{&m, &v} : std::vector{&b}) {
        std::fill_n(other->values.begin() + static_cast<std::ptrdiff_t>(tensor.offset),
                    tensor.size(), kNone);
      }
    }
    return {b, m, v};
  }
  void archive(StateArchive& kept) override { kept(m_, v_); }
  // v is unused in hidden weights; their orthogonalization takes more, for one tensor at a time.
  std::size_t state_size() const override { return m_.size() + v_.size(); }

 private:
  void hidden_step(const ParameterTensor& tensor, std::span<T> w, std::span<const T> g,
                   double schedule_factor) {
    const auto mu = static_cast<T>(momentum_);
    T* b = m_.data() + tensor.offset;
    DenseMatrix<T> direction(tensor.rows, tensor.cols);
    for (std::size_t i = 0; i < w.size(); ++i) {
      b[i] = mu * b[i] + g[i];
      direction.values()[i] = nesterov_ ? g[i] + mu * b[i] : b[i];
    }
    const DenseMatrix<T> o = orthogonalized(direction, newton_schulz_steps_);
    const double shape = static_cast<double>(tensor.rows) / static_cast<double>(tensor.cols);
    const double lr = lr_ * schedule_factor;
    const auto step_size = static_cast<T>(lr * std::sqrt(std::max(1.0, shape)));
    const auto decay = static_cast<T>(lr * weight_decay_);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] -= step_size * o.values()[i] + decay * w[i];
  }

  void adam_step(const ParameterTensor& tensor, std::span<T> w, std::span<const T> g,
                 const StepContext<T>& context) {
    const auto t = static_cast<double>(context.step);
    const double lr = adam_lr_ * context.schedule_factor;
    const Batch<T> beta1(static_cast<T>(beta1_));
    const Batch<T> beta2(static_cast<T>(beta2_));
    const Batch<T> rest1(static_cast<T>(1 - beta1_));
    const Batch<T> rest2(static_cast<T>(1 - beta2_));
    const Batch<T> step_size(static_cast<T>(lr / (1 - std::pow(beta1_, t))));
    const Batch<T> correction2(static_cast<T>(1 / std::sqrt(1 - std::pow(beta2_, t))));
    const Batch<T> epsilon(static_cast<T>(epsilon_));
    const Batch<T> decay(static_cast<T>(lr * weight_decay_));
    for_each_batch(
        w.size(),
        [&](auto& one, const auto& slope, auto& m, auto& v) {
          m = beta1 * m + rest1 * slope;
          v = beta2 * v + rest2 * slope * slope;
          one -= step_size * m / (xsimd::sqrt(v) * correction2 + epsilon) + decay * one;
        },
        w.data(), g.data(), m_.data() + tensor.offset, v_.data() + tensor.offset);
  }

  double lr_;
  double momentum_;
  bool nesterov_;
  std::int64_t newton_schulz_steps_;
  double weight_decay_;
  double adam_lr_;
  double beta1_;
  double beta2_;
  double epsilon_;
  std::vector<ParameterTensor> tensors_;
  std::vector<T> m_;  // B of hidden weights
  std::vector<T> v_;
};

}  // namespace

OptimizerEntry muon() {
  return optimizer_entry<Muon>(
      {
          .summary =
              "Orthogonalized momentum in hidden weight matrices; AdamW in the first and the "
              "last layer's weights, in biases and all else.",
          .formula =
              std::string("hidden weights: ") + kHidden +
              "\nfirst and last layer's weights, biases and all else, by AdamW: " + kElsewhere,
          .paper = "Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024, "
                   "kellerjordan.github.io/posts/muon; weight decay as in Liu et al., Muon is "
                   "scalable for LLM training, 2025, arXiv:2502.16982",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
