// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/core/lapack.hpp"
#include "engine/core/tensor.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline::optimizers {

namespace {

// The Fisher matrix of a layer as a Kronecker product A (x) S, of a' = (a, 1), the layer's inputs with
// a one for the bias, and of delta, its error signals with targets drawn from the model:
//   A <- e A + (1 - e) mean of a' a'^T,  S <- e S + (1 - e) mean of delta delta^T,
//   e = min(1 - 1/n, decay) at the n-th of these updates;
//   pi = sqrt((tr A / dim A) / (tr S / dim S)),
//   U = (S + sqrt(damping)/pi I)^-1 [dW db] (A + pi sqrt(damping) I)^-1   (sections 3, 5 and 6.3);
//   v <- momentum v - lr U,  w <- w + v.
// The block-diagonal variant with a fixed damping and step size, in the place of the paper's sections
// 6.4 to 7, which adapt both by the exact Fisher matrix. The inverses are made in double. A weight
// without its bias (in a parameter group of its own) has A of the inputs alone; any other tensor takes
// the plain gradient as U.
template <typename T>
class Kfac final : public Optimizer<T> {
 public:
  Kfac(Settings& settings, const ParameterLayout& layout)
      : lr_(settings.number("lr", 0.1, kPositive, "learning rate")),
        momentum_(settings.number("momentum", 0.9, kDecay, "mu, the share of velocity kept")),
        damping_(settings.number("damping", 0.1, kPositive, "lambda of the damped inverses")),
        decay_(settings.number("decay", 0.95, kDecay, "decay rate of both factors, at most")),
        update_every_(
            settings.integer("update_every", 1, at_least(1), "updates between new factors")),
        direction_(layout.size()),
        velocity_(layout.size()) {
    const std::vector<ParameterTensor>& tensors = layout.tensors();
    for (std::size_t index = 0; index < tensors.size(); ++index) {
      const ParameterTensor& weight = tensors[index];
      if (!weight.is_weight_matrix()) continue;
      const bool has_bias = index + 1 < tensors.size() &&
                            tensors[index + 1].group == ParameterGroup::bias &&
                            tensors[index + 1].layer == weight.layer;
      layers_.emplace_back(index, weight, has_bias ? tensors[index + 1] : ParameterTensor());
    }
  }

  void step(std::span<T> parameters, std::span<const T> gradient,
            const StepContext<T>& context) override {
    if ((context.step - 1) % update_every_ == 0) {
      context.objective->sampled_gradient(parameters, static_cast<std::uint32_t>(context.step),
                                          direction_);
      ++updates_;
      const double kept = std::min(1 - 1 / static_cast<double>(updates_), decay_);
      for (Layer& layer : layers_) {
        layer.take(context.objective->layer_pass(layer.tensor), kept, std::sqrt(damping_));
      }
    }
    std::ranges::copy(gradient, direction_.begin());
    for (const Layer& layer : layers_) layer.precondition(gradient, direction_);
    const Batch<T> lr(static_cast<T>(lr_ * context.schedule_factor));
    const Batch<T> mu(static_cast<T>(momentum_));
    for_each_batch(
        parameters.size(),
        [lr, mu](auto& w, const auto& u, auto& v) {
          v = mu * v - lr * u;
          w += v;
        },
        parameters.data(), static_cast<const T*>(direction_.data()), velocity_.data());
  }
  std::vector<UpdateRule> rules(const ParameterTensor& tensor) const override {
    const bool has_factors = std::ranges::any_of(layers_, [&](const Layer& layer) {
      return layer.weight.name == tensor.name || layer.bias.name == tensor.name;
    });
    if (has_factors) return Optimizer<T>::rules(tensor);
    return {this->rule_with("v <- momentum v - lr g; w <- w + v", "momentum")};
  }
  std::vector<StateBlock> state() const override { return {{"v", velocity_}}; }
  std::size_t state_size() const override {
    std::size_t size = direction_.size() + velocity_.size();
    for (const Layer& layer : layers_) {
      size +=
          2 * (layer.input_factor.size() + layer.signal_factor.size()) * sizeof(double) / sizeof(T);
    }
    return size;
  }
  bool draws_targets() const override { return true; }

 private:
  static Matrix<double> square(std::size_t side) {
    return Matrix<double>(Matrix<double>::shape_type{side, side}, 0.0);
  }

  struct Layer {
    Layer(std::size_t index, const ParameterTensor& weight_tensor,
          const ParameterTensor& bias_tensor)
        : tensor(index),
          weight(weight_tensor),
          bias(bias_tensor),
          sides(weight.cols + (bias.size() > 0 ? 1 : 0)),
          input_factor(square(sides)),
          signal_factor(square(weight.rows)),
          input_inverse(input_factor),
          signal_inverse(signal_factor) {}

    // Both factors from a pass over the examples, and their damped inverses.
    void take(const typename Objective<T>::LayerPass& pass, double kept, double root_damping) {
      const std::size_t inputs = weight.cols;
      accumulate(input_factor, kept, pass.inputs.rows, [&](std::size_t i, std::size_t j) {
        return j < inputs ? static_cast<double>(pass.inputs(i, j)) : 1.0;
      });
      accumulate(signal_factor, kept, pass.error_signals.rows, [&](std::size_t i, std::size_t j) {
        return static_cast<double>(pass.error_signals(i, j));
      });
      const double input_mean = mean_diagonal(input_factor);
      const double signal_mean = mean_diagonal(signal_factor);
      const double pi =
          input_mean == 0 || signal_mean == 0 ? 1 : std::sqrt(input_mean / signal_mean);
      invert(input_factor, pi * root_damping, input_inverse);
      invert(signal_factor, root_damping / pi, signal_inverse);
    }

    // U into the layer's part of `direction`.
    void precondition(std::span<const T> gradient, std::span<T> direction) const {
      const std::size_t rows = weight.rows;
      const std::size_t cols = weight.cols;
      Matrix<double> right(Matrix<double>::shape_type{rows, sides}, 0.0);  // [dW db] A^-1
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t k = 0; k < sides; ++k) {
          const T g = k < cols ? gradient[weight.offset + i * cols + k] : gradient[bias.offset + i];
          for (std::size_t j = 0; j < sides; ++j) {
            right(i, j) += static_cast<double>(g) * input_inverse(k, j);
          }
        }
      }
      std::vector<double> row(sides);
      for (std::size_t i = 0; i < rows; ++i) {
        std::ranges::fill(row, 0.0);
        for (std::size_t k = 0; k < rows; ++k) {
          for (std::size_t j = 0; j < sides; ++j) row[j] += signal_inverse(i, k) * right(k, j);
        }
        std::transform(row.data(), row.data() + cols, direction.data() + weight.offset + i * cols,
                       [](double u) { return static_cast<T>(u); });
        if (sides > cols) direction[bias.offset + i] = static_cast<T>(row[cols]);
      }
    }

    std::size_t tensor;
    ParameterTensor weight;
    ParameterTensor bias;          // of size 0 where the layer has none here
    std::size_t sides;             // of A: the inputs and, with a bias, the one
    Matrix<double> input_factor;   // A
    Matrix<double> signal_factor;  // S
    Matrix<double> input_inverse;
    Matrix<double> signal_inverse;
  };

  // factor <- kept factor + (1 - kept) mean over the examples of x x^T, x_j = value(example, j).
  template <class Value>
  static void accumulate(Matrix<double>& factor, double kept, std::size_t examples,
                         const Value& value) {
    const std::size_t side = factor.shape()[0];
    Matrix<double> sum = square(side);
    for (std::size_t i = 0; i < examples; ++i) {
      for (std::size_t j = 0; j < side; ++j) {
        const double x = value(i, j);
        for (std::size_t k = 0; k < side; ++k) sum(j, k) += x * value(i, k);
      }
    }
    const double share = (1 - kept) / static_cast<double>(examples);
    for (std::size_t j = 0; j < side; ++j) {
      for (std::size_t k = 0; k < side; ++k) {
        factor(j, k) = kept * factor(j, k) + share * sum(j, k);
      }
    }
  }

  static double mean_diagonal(const Matrix<double>& matrix) {
    double trace = 0;
    for (std::size_t i = 0; i < matrix.shape()[0]; ++i) trace += matrix(i, i);
    return trace / static_cast<double>(matrix.shape()[0]);
  }

  static void invert(Matrix<double> matrix, double damping, Matrix<double>& inverse) {
    for (std::size_t i = 0; i < matrix.shape()[0]; ++i) matrix(i, i) += damping;
    inverse_root(view(std::as_const(matrix)), 1, damping, view(inverse));
  }

  double lr_;
  double momentum_;
  double damping_;
  double decay_;
  std::int64_t update_every_;
  std::int64_t updates_ = 0;
  std::vector<Layer> layers_;
  std::vector<T> direction_;
  std::vector<T> velocity_;
};

}  // namespace

OptimizerEntry kfac() {
  return optimizer_entry<Kfac>(
      {
          .summary = "Natural gradient with a Kronecker-factored Fisher matrix for each layer.",
          .formula =
              "A, S averages of a a^T (a = inputs and 1) and delta delta^T; U = (S + "
              "sqrt(damping)/pi I)^-1 dW (A + pi sqrt(damping) I)^-1; v <- momentum v - lr U; "
              "w <- w + v",
          .paper =
              "Martens & Grosse, Optimizing neural networks with Kronecker-factored approximate "
              "curvature, ICML 2015, arXiv:1503.05671",
      },
      UpdateScope::objective);
}

}  // namespace plumbline::optimizers
