// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <stdexcept>
#include <vector>

#include "engine/initializers/initializer.hpp"
#include "engine/initializers/random_orthogonal.hpp"

namespace plumbline::initializers {

namespace {

// Whether phi makes (max(0, z), max(0, -z)) of z, or max(0, z); told by what it does to four numbers.
enum class Rectifier { none, concatenated, plain };

Rectifier rectifier(const Activation& activation) {
  constexpr std::array<double, 4> z = {1000, -3, 0.001, -0.25};
  constexpr std::array<double, 8> rectified = {1000, 0, 0.001, 0, 0, 3, 0, 0.25};
  if (activation.units(4) != 4 || activation.parameters(4) != 0) return Rectifier::none;
  std::vector<double> a(activation.outputs(4));
  activation.forward({z.data(), 1, 4, 4}, {}, {a.data(), 1, a.size(), a.size()});
  if (a == std::vector<double>(rectified.begin(), rectified.end())) return Rectifier::concatenated;
  if (a == std::vector<double>(rectified.begin(), rectified.begin() + 4)) return Rectifier::plain;
  return Rectifier::none;
}

// Mirrored weights, so that the net starts as a product of orthogonal matrices Q, for
// max(0, z) - max(0, -z) = z. With crelu a layer's inputs are (max(0, z), max(0, -z)): W = [Q, -Q], and
// Q in layer 1. With relu a layer has to make z and -z itself, in its two halves:
// W = [[Q, -Q], [-Q, Q]], in layer 1 [[Q], [-Q]], in the output layer [Q, -Q].
class LooksLinear final : public Initializer {
 public:
  LooksLinear(Settings& /*settings*/, const HiddenActivation& activation)
      : rectifier_(rectifier(activation.phi)), activation_(activation.name) {}

  std::string problem(const ParameterLayout& layout) const override {
    if (rectifier_ == Rectifier::none) {
      return "is 'looks_linear', which is for relu and crelu alone, not for " + activation_;
    }
    for (const ParameterTensor& tensor : layout.tensors()) {
      if (mirrors_units(tensor) && tensor.rows % 2 != 0) {
        return "is 'looks_linear', which needs even widths with " + activation_ + "; layer " +
               std::to_string(tensor.layer) + " has " + std::to_string(tensor.rows) + " units";
      }
    }
    return {};
  }

  void fill_weights(const ParameterTensor& tensor, MatrixView<double> weights,
                    Random& random) const override {
    const std::size_t row_signs = mirrors_units(tensor) ? 2 : 1;
    const std::size_t col_signs = tensor.layer > 1 ? 2 : 1;
    const std::size_t rows = weights.rows / row_signs;
    const std::size_t cols = weights.cols / col_signs;
    if (rows * row_signs != weights.rows || cols * col_signs != weights.cols) {
      throw std::invalid_argument("looks_linear cannot halve " + tensor.name);
    }
    std::vector<double> q(rows * cols);
    fill_random_orthogonal({q.data(), rows, cols, cols}, random);
    for (std::size_t i = 0; i < weights.rows; ++i) {
      for (std::size_t j = 0; j < weights.cols; ++j) {
        const double entry = q[i % rows * cols + j % cols];
        weights(i, j) = (i < rows) == (j < cols) ? entry : -entry;
      }
    }
  }
  // Depends on the layer.
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return std::nullopt;
  }
  bool independent_weights() const override { return false; }

 private:
  bool mirrors_units(const ParameterTensor& tensor) const {
    return rectifier_ == Rectifier::plain &&
           (tensor.group == ParameterGroup::input || tensor.group == ParameterGroup::hidden) &&
           !tensor.name.ends_with(".table");  // of an embedding, which has no units
  }

  Rectifier rectifier_;
  std::string activation_;
};

}  // namespace

InitializerEntry looks_linear() {
  return initializer_entry<LooksLinear>({
      .summary = "Mirrored orthogonal weights: a net of rectifiers that starts as a linear map.",
      .formula = "crelu: W = [Q, -Q], W_1 = Q; relu: W = [[Q, -Q], [-Q, Q]], W_1 = [Q; -Q], "
                 "output [Q, -Q]; Q^T Q = I or Q Q^T = I; b = 0",
      .paper =
          "Balduzzi, Frean, Leary, Lewis, Ma & McWilliams, The shattered gradients problem: if "
          "resnets are the answer, then what is the question?, ICML 2017, arXiv:1702.08591",
  });
}

}  // namespace plumbline::initializers
