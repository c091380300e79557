// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/initializers/he_variance.hpp"
#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

namespace {

// For residual nets without normalization: L branches of m weight layers each (section 3, "Fixup").
//   1. The output layer and the last layer of each branch start at 0: each block is the identity.
//   2. All others as He et al. say, those within branches times L^(-1/(2m-2)), so that the first m - 1
//      layers of a branch change lengths by L^(-1/2), and a step of gradient descent changes the outputs by
//      as much at any depth.
//   3. A scalar bias of 0 before each layer and activation, and a learned factor of 1 for each branch, are
//      the net's own: layers have a bias for each unit, of which those are a part (W (x + b 1) =
//      W x + b W 1), and residual blocks a learned scale, which may start at 1.
class Fixup final : public Initializer {
 public:
  explicit Fixup(Settings& settings) : he_(settings) {}

  std::string problem(const ParameterLayout& layout) const override {
    const auto is_last = [](const ParameterTensor& tensor) {
      return tensor.branch.layers > 0 && tensor.branch.layer == tensor.branch.layers;
    };
    if (std::ranges::none_of(layout.tensors(), is_last)) {
      return "is 'fixup', which is for nets of residual blocks";
    }
    const auto stuck = std::ranges::find_if(layout.tensors(), [](const ParameterTensor& tensor) {
      return tensor.name.starts_with("residual_") && tensor.initial == 0.0;
    });
    if (stuck != layout.tensors().end()) {
      return "is 'fixup', which starts the last layer of each branch at 0; a learned scale that "
             "starts at 0 too would keep both there: let it start at 1 (residual_scale = 1)";
    }
    // The gain of a weight_norm layer: weights of 0 have no direction.
    const auto gain = std::ranges::find_if(layout.tensors(), [&](const ParameterTensor& tensor) {
      return is_last(tensor) && tensor.name.starts_with("layer_") && tensor.name.ends_with(".gain");
    });
    if (gain == layout.tensors().end()) return {};
    return "is 'fixup', which starts the last layer of each branch at 0; layer " +
           std::to_string(gain->layer) + " is a weight_norm layer, whose weights cannot be 0";
  }

  void fill_weights(const ParameterTensor& tensor, MatrixView<double> weights,
                    Random& random) const override {
    const double deviation = factor(tensor) * std::sqrt(he_(tensor.fan_in(), tensor.fan_out()));
    for (std::size_t i = 0; i < weights.rows; ++i) {
      for (std::size_t j = 0; j < weights.cols; ++j) {
        weights(i, j) = deviation == 0 ? 0 : deviation * random.normal();
      }
    }
  }
  // Depends on the layer.
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return std::nullopt;
  }

 private:
  static double factor(const ParameterTensor& tensor) {
    const BranchPlace& branch = tensor.branch;
    if (tensor.group == ParameterGroup::output) return 0;
    if (branch.branches == 0) return 1;
    if (branch.layer == branch.layers) return 0;
    return std::pow(static_cast<double>(branch.branches),
                    -1 / (2 * static_cast<double>(branch.layers) - 2));
  }

  HeVariance he_;
};

}  // namespace

InitializerEntry fixup() {
  return initializer_entry<Fixup>({
      .summary = "He's weights, smaller in residual branches, whose last layers start at 0: depth "
                 "without normalization.",
      .formula = "w ~ N(0, 2 / ((1 + slope^2) fan)), times L^(-1/(2m - 2)) in L branches of m "
                 "layers; 0 in the last layers of branches and net; b = 0",
      .paper = "Zhang, Dauphin & Ma, Fixup initialization: residual learning without "
               "normalization, ICLR 2019, arXiv:1901.09321",
  });
}

}  // namespace plumbline::initializers
