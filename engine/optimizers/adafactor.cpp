// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

constexpr const char* kMatrices =
    "R, C: decayed sums of G^2 + epsilon1 over rows and columns; U = G / sqrt(R C / 1^T R); w <- w "
    "- "
    "alpha U / max(1, RMS(U) / clip_threshold), alpha = max(epsilon2, RMS(w)) min(lr, 1 / sqrt(t))";
constexpr const char* kVectors =
    "V: decayed mean of g^2 + epsilon1; U = g / sqrt(V), and w as in matrices";

// Adafactor, Algorithms 4 (matrices) and 5 (vectors) of the paper, without momentum:
//   beta2 = 1 - t^-decay_exponent
//   R <- beta2 R + (1 - beta2) (G^2 + epsilon1) 1,  C <- beta2 C + (1 - beta2) 1^T (G^2 + epsilon1)
//   U = G / sqrt(R C / 1^T R);  w <- w - alpha U / max(1, RMS(U) / clip_threshold)
// A matrix keeps the sums of its rows and columns alone; a tensor of one row or column keeps all of
// V. alpha = max(epsilon2, RMS(w)) min(lr, 1 / sqrt(t)), or without relative_step lr; both times f.
// In double throughout, so that epsilon1 counts.
template <typename T>
class Adafactor final : public Optimizer<T> {
 public:
  Adafactor(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 1e-2, kPositive, "largest relative step, or the step")),
        relative_step_(settings.flag("relative_step", true,
                                     "steps relative to RMS(w), falling with 1 / sqrt(t)")),
        epsilon1_(settings.number("epsilon1", 1e-30, kPositive, "added to squared gradients")),
        epsilon2_(settings.number("epsilon2", 1e-3, kPositive, "least RMS(w) that counts")),
        clip_(settings.number("clip_threshold", 1, kPositive, "largest RMS of an update")),
        exponent_(settings.number("decay_exponent", 0.8, kPositive, "of t in the decay rate")) {
    for (const ParameterTensor& tensor : layout.tensors()) {
      const bool factored = is_factored(tensor);
      parts_.push_back({tensor, std::vector<double>(factored ? tensor.rows : tensor.size()),
                        std::vector<double>(factored ? tensor.cols : 0)});
      longest_ = std::max(longest_, tensor.size());
    }
    update_.resize(longest_);
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    const auto t = static_cast<double>(context.step);
    const double beta2 = 1 - std::pow(t, -exponent_);
    const double rate = relative_step_ ? std::min(lr_, 1 / std::sqrt(t)) : lr_;
    for (Part& part : parts_) {
      const auto w = parameters.subspan(part.tensor.offset, part.tensor.size());
      const auto g = gradient.subspan(part.tensor.offset, part.tensor.size());
      find_update(part, g, beta2);
      const std::span<double> u = std::span<double>(update_).first(w.size());
      // NaN is no larger than 1, and stays in u.
      const double shortening = std::max(1.0, rms(std::span<const double>(u)) / clip_);
      const double scale = relative_step_ ? std::max(epsilon2_, rms(std::span<const T>(w))) : 1;
      const double alpha = scale * rate * context.schedule_factor / shortening;
      for (std::size_t i = 0; i < w.size(); ++i) {
        w[i] = static_cast<T>(static_cast<double>(w[i]) - alpha * u[i]);
      }
    }
  }
  std::vector<UpdateRule> rules(const ParameterTensor& tensor) const override {
    return {this->rule_with(is_factored(tensor) ? kMatrices : kVectors)};
  }
  void archive(StateArchive& kept) override {
    for (Part& part : parts_) kept(part.rows, part.cols);
  }
  std::size_t state_size() const override {
    std::size_t size = longest_;
    for (const Part& part : parts_) size += part.rows.size() + part.cols.size();
    return size * sizeof(double) / sizeof(T);
  }
  std::size_t state_size_over(const ParameterLayout& layout) const override {
    std::size_t longest = 0;
    std::size_t size = 0;
    for (const ParameterTensor& tensor : layout.tensors()) {
      longest = std::max(longest, tensor.size());
      size += is_factored(tensor) ? tensor.rows + tensor.cols : tensor.size();
    }
    return (longest + size) * sizeof(double) / sizeof(T);
  }

 private:
  static bool is_factored(const ParameterTensor& tensor) {
    return tensor.rows >= 2 && tensor.cols >= 2;
  }

  struct Part {
    ParameterTensor tensor;
    std::vector<double> rows;  // R, or all of V where cols is empty
    std::vector<double> cols;  // C
  };

  // Leaves U in update_.
  void find_update(Part& part, std::span<const T> g, double beta2) {
    const auto square = [&](std::size_t i) {
      const auto value = static_cast<double>(g[i]);
      return value * value + epsilon1_;
    };
    for (double& r : part.rows) r *= beta2;
    for (double& c : part.cols) c *= beta2;
    const std::size_t m = part.rows.size();
    const std::size_t n = part.cols.size();
    if (n == 0) {
      for (std::size_t i = 0; i < m; ++i) {
        part.rows[i] += (1 - beta2) * square(i);
        update_[i] = static_cast<double>(g[i]) / std::sqrt(part.rows[i]);
      }
      return;
    }
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const double share = (1 - beta2) * square(i * n + j);
        part.rows[i] += share;
        part.cols[j] += share;
      }
    }
    double total = 0;
    for (const double r : part.rows) total += r;
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const double v = part.rows[i] / total * part.cols[j];
        update_[i * n + j] = static_cast<double>(g[i * n + j]) / std::sqrt(v);
      }
    }
  }

  template <typename Value>
  static double rms(std::span<const Value> values) {
    double sum = 0;
    for (const Value value : values) sum += static_cast<double>(value) * static_cast<double>(value);
    return values.empty() ? 0 : std::sqrt(sum / static_cast<double>(values.size()));
  }

  double lr_;
  bool relative_step_;
  double epsilon1_;
  double epsilon2_;
  double clip_;
  double exponent_;
  std::vector<Part> parts_;
  std::size_t longest_ = 0;
  std::vector<double> update_;
};

}  // namespace

OptimizerEntry adafactor() {
  return optimizer_entry<Adafactor>(
      {
          .summary = "Adam's scaling from sums over rows and columns of squared gradients.",
          .formula = std::string(kMatrices) + "\nbiases: " + kVectors,
          .paper =
              "Shazeer & Stern, Adafactor: adaptive learning rates with sublinear memory cost, "
              "ICML 2018, arXiv:1804.04235, Algorithms 4 and 5",
      },
      UpdateScope::tensor);
}

}  // namespace plumbline::optimizers
