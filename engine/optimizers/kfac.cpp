// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/core/lapack.hpp"
#include "engine/kernels/dense_matrix.hpp"
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
      layers_.emplace_back(index, weight,
                           has_bias(tensors, index) ? tensors[index + 1] : ParameterTensor());
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
  void archive(StateArchive& kept) override {
    kept(updates_, velocity_);
    for (Layer& layer : layers_) {
      kept(layer.input_factor.values(), layer.signal_factor.values());
      if (update_every_ > 1) kept(layer.input_inverse.values(), layer.signal_inverse.values());
    }
  }
  std::size_t state_size() const override {
    std::size_t size = direction_.size() + velocity_.size();
    for (const Layer& layer : layers_) {
      size += 2 * (layer.input_factor.values().size() + layer.signal_factor.values().size()) *
              sizeof(double) / sizeof(T);
    }
    return size;
  }
  std::size_t state_size_over(const ParameterLayout& layout) const override {
    const std::vector<ParameterTensor>& tensors = layout.tensors();
    std::size_t factors = 0;
    for (std::size_t index = 0; index < tensors.size(); ++index) {
      if (!tensors[index].is_weight_matrix()) continue;
      const std::size_t sides = tensors[index].cols + (has_bias(tensors, index) ? 1 : 0);
      factors += sides * sides + tensors[index].rows * tensors[index].rows;
    }
    return 2 * layout.size() + 2 * factors * sizeof(double) / sizeof(T);
  }
  bool draws_targets() const override { return true; }
  bool looks_into_layers() const override { return true; }

 private:
  // Whether the bias of this weight tensor's layer stands behind it.
  static bool has_bias(const std::vector<ParameterTensor>& tensors, std::size_t weight) {
    return weight + 1 < tensors.size() && tensors[weight + 1].group == ParameterGroup::bias &&
           tensors[weight + 1].layer == tensors[weight].layer;
  }

  struct Layer {
    Layer(std::size_t index, const ParameterTensor& weight_tensor,
          const ParameterTensor& bias_tensor)
        : tensor(index),
          weight(weight_tensor),
          bias(bias_tensor),
          sides(weight.cols + (bias.size() > 0 ? 1 : 0)),
          input_factor(sides, sides),
          signal_factor(weight.rows, weight.rows),
          input_inverse(input_factor),
          signal_inverse(signal_factor) {}

    // Both factors from a pass over the examples, and their damped inverses.
    void take(const typename Objective<T>::LayerPass& pass, double kept, double root_damping) {
      accumulate(input_factor, kept, in_double(pass.inputs, sides));
      accumulate(signal_factor, kept, in_double(pass.error_signals, weight.rows));
      const double input_mean = mean_diagonal(input_factor);
      const double signal_mean = mean_diagonal(signal_factor);
      const double pi =
          input_mean == 0 || signal_mean == 0 ? 1 : std::sqrt(input_mean / signal_mean);
      invert(input_factor, pi * root_damping, input_inverse);
      invert(signal_factor, root_damping / pi, signal_inverse);
    }

    // U into the layer's part of `direction`.
    void precondition(std::span<const T> gradient, std::span<T> direction) const {
      const std::size_t cols = weight.cols;
      DenseMatrix<double> joined(weight.rows, sides);  // [dW db]
      for (std::size_t i = 0; i < weight.rows; ++i) {
        double* row = joined.view().row(i);
        std::copy_n(gradient.data() + weight.offset + i * cols, cols, row);
        if (sides > cols) row[cols] = gradient[bias.offset + i];
      }
      const DenseMatrix<double> u =
          product(as_is(signal_inverse), as_is(product(as_is(joined), as_is(input_inverse))));
      const auto rounded = [](double value) { return static_cast<T>(value); };
      for (std::size_t i = 0; i < weight.rows; ++i) {
        const double* row = u.view().row(i);
        std::transform(row, row + cols, direction.data() + weight.offset + i * cols, rounded);
        if (sides > cols) direction[bias.offset + i] = rounded(row[cols]);
      }
    }

    std::size_t tensor;
    ParameterTensor weight;
    ParameterTensor bias;               // of size 0 where the layer has none here
    std::size_t sides;                  // of A: the inputs and, with a bias, the one
    DenseMatrix<double> input_factor;   // A
    DenseMatrix<double> signal_factor;  // S
    DenseMatrix<double> input_inverse;
    DenseMatrix<double> signal_inverse;
  };

  // The examples in double, with ones in the columns beyond theirs.
  static DenseMatrix<double> in_double(MatrixView<const T> examples, std::size_t cols) {
    DenseMatrix<double> result(examples.rows, cols);
    for (std::size_t i = 0; i < examples.rows; ++i) {
      double* row = result.view().row(i);
      std::copy_n(examples.row(i), examples.cols, row);
      std::fill(row + examples.cols, row + cols, 1.0);
    }
    return result;
  }

  // factor <- kept factor + (1 - kept) mean over the examples, one a row, of x x^T.
  static void accumulate(DenseMatrix<double>& factor, double kept,
                         const DenseMatrix<double>& examples) {
    const DenseMatrix<double> sum = product(transposed(examples), as_is(examples));
    const double share = (1 - kept) / static_cast<double>(examples.rows());
    std::ranges::transform(factor.values(), sum.values(), factor.values().begin(),
                           [=](double f, double s) { return kept * f + share * s; });
  }

  static double mean_diagonal(const DenseMatrix<double>& matrix) {
    double trace = 0;
    for (std::size_t i = 0; i < matrix.rows(); ++i) trace += matrix.view()(i, i);
    return trace / static_cast<double>(matrix.rows());
  }

  static void invert(DenseMatrix<double> matrix, double damping, DenseMatrix<double>& inverse) {
    for (std::size_t i = 0; i < matrix.rows(); ++i) matrix.view()(i, i) += damping;
    inverse_root(std::as_const(matrix).view(), 1, damping, inverse.view());
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
