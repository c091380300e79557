// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "engine/initializers/initializer.hpp"
#include "engine/initializers/random_orthogonal.hpp"

namespace plumbline::initializers {

namespace {

// Kernels that are 0 but at the centre, where they are gain Q: with H channels of C, C <= H, Q^T Q = I, so
// that a convolution with stride 1 and an equal padding keeps the length of each image (algorithm 2).
// Kernels of even size have no centre, and Q of C > H keeps no lengths: neither is taken. A dense layer
// is a kernel of one place, where Q may be wide: Q Q^T = I, as in `orthogonal`.
class DeltaOrthogonal final : public Initializer {
 public:
  explicit DeltaOrthogonal(Settings& settings)
      : gain_(settings.number("gain", 1, kPositive, "what the orthogonal matrix is scaled by")) {}

  std::string problem(const ParameterLayout& layout) const override {
    for (const ParameterTensor& tensor : layout.tensors()) {
      if (!tensor.is_weight_matrix()) continue;
      const std::string wrong = problem(tensor);
      if (!wrong.empty()) return "is 'delta_orthogonal', which needs " + wrong;
    }
    return {};
  }

  void fill_weights(const ParameterTensor& tensor, MatrixView<double> weights,
                    Random& random) const override {
    if (const std::string wrong = problem(tensor); !wrong.empty()) {
      throw std::invalid_argument("delta_orthogonal needs " + wrong);
    }
    const std::size_t channels = weights.cols / tensor.places;
    std::vector<double> q(weights.rows * channels);
    fill_random_orthogonal({q.data(), weights.rows, channels, channels}, random);
    // The middle one of an odd number of places, line by line.
    const std::size_t centre = tensor.places / 2 * channels;
    for (std::size_t i = 0; i < weights.rows; ++i) {
      std::fill_n(weights.row(i), weights.cols, 0.0);
      std::transform(q.data() + i * channels, q.data() + (i + 1) * channels,
                     weights.row(i) + centre, [this](double value) { return gain_ * value; });
    }
  }
  // Of a convolution over all places: C H (gain^2 / H) / (places C H), H channels being more than C.
  std::optional<double> weight_variance(std::size_t fan_in, std::size_t fan_out) const override {
    return gain_ * gain_ / static_cast<double>(std::max(fan_in, fan_out));
  }
  bool independent_weights() const override { return false; }

 private:
  static std::string problem(const ParameterTensor& tensor) {
    if (tensor.places == 1) return {};
    const auto here = [&](const std::string& has) {
      return "; layer " + std::to_string(tensor.layer) + " has " + has;
    };
    if (tensor.places % 2 == 0) {
      const std::string size = std::to_string(std::lround(std::sqrt(tensor.places)));
      return "kernels of odd size, which have a centre" + here(size + " x " + size);
    }
    const std::size_t channels = tensor.cols / tensor.places;
    if (channels > tensor.rows) {
      return "convolutions with at least as many channels as their input" +
             here(std::to_string(tensor.rows) + " on " + std::to_string(channels));
    }
    return {};
  }

  double gain_;
};

}  // namespace

InitializerEntry delta_orthogonal() {
  return initializer_entry<DeltaOrthogonal>({
      .summary = "Kernels that are 0 but for an orthogonal centre: convolutions that keep lengths.",
      .formula = "W = gain Q at the centre of the kernel, Q^T Q = I, 0 around it; b = 0",
      .paper =
          "Xiao, Bahri, Sohl-Dickstein, Schoenholz & Pennington, Dynamical isometry and a mean "
          "field theory of CNNs: how to train 10,000-layer vanilla convolutional neural "
          "networks, ICML 2018, arXiv:1806.05393",
  });
}

}  // namespace plumbline::initializers
