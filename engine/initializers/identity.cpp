// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/initializers/initializer.hpp"

namespace plumbline::initializers {

namespace {

// W = gain I: the paper's recurrent matrix, here every layer's; in a rectangular one the units beyond
// the inputs start at 0, or the inputs beyond the units are not looked at.
class Identity final : public Initializer {
 public:
  explicit Identity(Settings& settings)
      : gain_(settings.number("gain", 1, kAny, "each weight of the diagonal")) {}

  void fill_weights(const ParameterTensor& /*tensor*/, MatrixView<double> weights,
                    Random& /*random*/) const override {
    for (std::size_t i = 0; i < weights.rows; ++i) {
      std::fill_n(weights.row(i), weights.cols, 0.0);
      if (i < weights.cols) weights(i, i) = gain_;
    }
  }
  std::optional<double> weight_variance(std::size_t /*fan_in*/,
                                        std::size_t /*fan_out*/) const override {
    return std::nullopt;
  }
  bool independent_weights() const override { return false; }

 private:
  double gain_;
};

}  // namespace

InitializerEntry identity() {
  return initializer_entry<Identity>({
      .summary = "The identity matrix times a gain: each layer starts as a copy of its inputs.",
      .formula = "W_ij = gain where i = j, else 0; b = 0",
      .paper = "Le, Jaitly & Hinton, A simple way to initialize recurrent networks of rectified "
               "linear units, 2015, arXiv:1504.00941",
  });
}

}  // namespace plumbline::initializers
