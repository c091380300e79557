// SPDX-License-Identifier: Apache-2.0
#include "engine/training/initial_state.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/layers/buffer.hpp"

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The largest |phi'|, from which saturation is counted; infinity where phi is not flat at both ends. In
/// units of the activation's scale, within which its slope varies.
double largest_slope(const ElementwiseActivation& phi) {
  constexpr double kFar = 64;  // 1 / (1 + z)^2, the slowest to flatten, is 0.0002 there
  constexpr double kNear = 8;
  constexpr int kPoints = 256;  // on each side
  double largest = 0;
  for (int i = -kPoints; i <= kPoints; ++i) {
    largest = std::max(largest, std::abs(phi.slope(phi.scale() * kNear * i / kPoints)));
  }
  const double ends =
      std::max(std::abs(phi.slope(-kFar * phi.scale())), std::abs(phi.slope(kFar * phi.scale())));
  return ends < kSaturatedSlope * largest ? largest : std::numeric_limits<double>::infinity();
}

template <typename T>
double lost_share(MatrixView<const T> error_signal) {
  std::size_t normal = 0;
  std::size_t subnormal = 0;
  for (std::size_t i = 0; i < error_signal.rows; ++i) {
    const T* row = error_signal.row(i);
    for (std::size_t j = 0; j < error_signal.cols; ++j) {
      const bool is_small = !(std::abs(row[j]) >= std::numeric_limits<T>::min());
      normal += is_small ? 0 : 1;
      subnormal += is_small && row[j] != 0 ? 1 : 0;
    }
  }
  if (normal + subnormal == 0) return 1;
  return static_cast<double>(subnormal) / static_cast<double>(normal + subnormal);
}

/// Looks at the slopes of one layer after the other.
template <typename T>
class SlopeCount {
 public:
  SlopeCount(const ElementwiseActivation& phi, std::size_t rows, std::size_t units)
      : phi_(phi),
        largest_(largest_slope(phi)),
        ones_(padded_stride<T>(units), T(1)),
        slopes_(rows, Shape::vector(units)) {}

  void look_at(const WeightLayer<T>& layer, InitialState& state, std::size_t index) {
    const MatrixView<const T> z = layer.pre_activation();
    MatrixView<T> slopes = slopes_.first_rows(z.rows);
    slopes.cols = z.cols;
    // What comes back of a slope of 1 in each output: one row of ones serves for all.
    phi_.backward(z, layer.output(), std::span<const T>(), {ones_.data(), z.rows, z.cols, 0},
                  slopes, std::span<T>());
    const T flat = static_cast<T>(kSaturatedSlope * largest_);
    std::size_t saturated = 0;
    zeros_.assign(z.cols, 0);
    for (std::size_t i = 0; i < slopes.rows; ++i) {
      const T* row = slopes.row(i);
      for (std::size_t j = 0; j < slopes.cols; ++j) {
        saturated += std::abs(row[j]) < flat ? 1 : 0;
        zeros_[j] += row[j] == 0 ? 1 : 0;
      }
    }
    state.units[index] = static_cast<double>(z.cols);
    state.silent[index] = static_cast<double>(std::ranges::count(zeros_, z.rows));
    state.active[index] = static_cast<double>(std::ranges::count(zeros_, 0));
    if (std::isfinite(largest_)) {
      state.saturated[index] =
          static_cast<double>(saturated) / static_cast<double>(z.rows * z.cols);
    }
  }

 private:
  const ElementwiseActivation& phi_;
  double largest_;
  std::vector<T> ones_;
  Buffer<T> slopes_;
  std::vector<std::size_t> zeros_;  // examples for which the slope of a unit is zero
};

}  // namespace

std::string reason_without_theory(const ModelSettings& model, const ParameterLayout& layout) {
  if (model.takes_shapes && model.kind == "mlp") return "a list of layers";
  if (!model.is_dense()) {
    for (const ParameterTensor& tensor : layout.tensors()) {
      if (tensor.name.starts_with("batch_norm")) return "batch normalization";
    }
    if (model.kind != "mlp" && model.kind != "linear")
      return "the model is of the kind " + model.kind;
    return "a normalization";
  }
  const Initializer& initializer = *model.initializer;
  if (initializer.weight_mean() != 0) return "weights whose mean is not 0";
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (!tensor.is_weight_matrix()) continue;
    if (!(initializer.weight_variance(tensor.cols, tensor.rows).value_or(0) > 0)) {
      return "the initializer " + model.initializer_name + " has no variance of weights";
    }
  }
  return {};
}

template <typename T>
InitialState initial_state(const Network<T>& network, const ModelSettings& model) {
  const std::size_t depth = network.depth();
  const std::vector<double> unknown(depth, kNaN);
  InitialState state{unknown, unknown, unknown, unknown, unknown, unknown};
  std::size_t units = 0;
  for (std::size_t l = 0; l < depth; ++l) {
    const MatrixView<const T> signal = network.layer(l).error_signal();
    state.error_signal[l] = norm(signal) / std::sqrt(static_cast<double>(network.batch()));
    state.lost[l] = lost_share(signal);
    if (l + 1 < depth) units = std::max(units, signal.cols);
  }
  const auto* phi = dynamic_cast<const ElementwiseActivation*>(model.activation.get());
  if (phi == nullptr || depth < 2 || model.takes_shapes || !model.is_dense()) return state;
  SlopeCount<T> slopes(*phi, network.layer(0).error_signal().rows, units);
  for (std::size_t l = 0; l + 1 < depth; ++l) slopes.look_at(network.layer(l), state, l);
  return state;
}

template InitialState initial_state(const Network<float>&, const ModelSettings&);
template InitialState initial_state(const Network<double>&, const ModelSettings&);

}  // namespace plumbline
