// SPDX-License-Identifier: Apache-2.0
#include "engine/training/initial_state.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "engine/kernels/reduce.hpp"
#include "engine/probes/unit_slopes.hpp"

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

template <typename T>
double largest(MatrixView<const T> values) {
  T most = 0;
  for (std::size_t i = 0; i < values.rows; ++i) {
    const T* row = values.row(i);
    // A NaN, as of infinity less infinity, counts as infinite.
    for (std::size_t j = 0; j < values.cols; ++j) {
      const T size = std::abs(row[j]);
      most = size <= most ? most : std::isnan(size) ? std::numeric_limits<T>::infinity() : size;
    }
  }
  return static_cast<double>(most);
}

/// Counts the slopes phi'(z) of a hidden layer that are flat, and the units for which none or all are zero.
template <typename T>
void count_slopes(MatrixView<const T> slopes, double largest, InitialState& state,
                  std::size_t index) {
  const T flat = static_cast<T>(kSaturatedSlope * largest);
  std::size_t saturated = 0;
  std::vector<std::size_t> zeros(slopes.cols, 0);  // examples, of each unit
  for (std::size_t i = 0; i < slopes.rows; ++i) {
    const T* row = slopes.row(i);
    for (std::size_t j = 0; j < slopes.cols; ++j) {
      saturated += std::abs(row[j]) < flat ? 1 : 0;
      zeros[j] += row[j] == 0 ? 1 : 0;
    }
  }
  state.units[index] = static_cast<double>(slopes.cols);
  state.silent[index] = static_cast<double>(std::ranges::count(zeros, slopes.rows));
  state.active[index] = static_cast<double>(std::ranges::count(zeros, 0));
  if (std::isfinite(largest)) {
    state.saturated[index] =
        static_cast<double>(saturated) / static_cast<double>(slopes.rows * slopes.cols);
  }
}

}  // namespace

std::string reason_without_theory(const ModelSettings& model, const ParameterLayout& layout) {
  if (model.takes_shapes && model.kind == "mlp") return "a list of layers";
  if (!model.is_dense()) {
    if (model.layers(1).keeps_statistics()) return "batch normalization";
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
  InitialState state{unknown, unknown, unknown, unknown, unknown, unknown, unknown};
  for (std::size_t l = 0; l < depth; ++l) {
    const MatrixView<const T> signal = network.layer(l).error_signal();
    state.error_signal[l] = norm(signal) / std::sqrt(static_cast<double>(network.batch()));
    state.lost[l] = lost_share(signal);
    if (!network.layer(l).is_shared()) state.input[l] = largest(network.layer(l).input());
  }
  const auto* phi = dynamic_cast<const ElementwiseActivation*>(model.activation.get());
  if (phi == nullptr || depth < 2 || !model.is_plain_stack()) return state;
  UnitSlopes<T> slopes(model);
  const double steepest = largest_slope(*phi);
  for (std::size_t l = 0; l + 1 < depth; ++l) {
    count_slopes(slopes.of(network, l), steepest, state, l);
  }
  return state;
}

template InitialState initial_state(const Network<float>&, const ModelSettings&);
template InitialState initial_state(const Network<double>&, const ModelSettings&);

}  // namespace plumbline
