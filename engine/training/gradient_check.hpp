// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "engine/core/parameters.hpp"
#include "engine/datasets/dataset.hpp"
#include "engine/training/run_configuration.hpp"

namespace plumbline {

/// A loss as a function of all parameters; deterministic.
using ParameterLoss = std::function<double(std::span<const double>)>;

struct GradientCheckOptions {
  /// Parameters checked in each tensor: all, or a random sample where it has more.
  std::size_t most = std::numeric_limits<std::size_t>::max();
  std::int64_t seed = 0;  ///< of the sample
};

enum class GradientVerdict {
  agrees,
  differs,
  below_rounding,  ///< what there is of a gradient is too small for differences to see
  not_smooth       ///< no parameter beside which the loss is smooth enough to tell
};

std::string_view to_string(GradientVerdict verdict);

/// What became of one tensor.
struct TensorCheck {
  ParameterTensor tensor;
  std::size_t checked = 0;
  std::size_t skipped = 0;  ///< parameters beside which the loss is not smooth enough to tell
  double largest_gradient = 0;
  /// Of gradient and difference, relative to the largest gradient.
  double largest_difference = 0;
  /// What rounding makes of the difference, at most, relative to the largest gradient.
  double rounding = 0;
  GradientVerdict verdict = GradientVerdict::not_smooth;
};

struct GradientCheck {
  double loss = 0;
  double noise = 0;  ///< by how much rounding changes the loss
  std::vector<TensorCheck> tensors;

  bool holds() const;  ///< no tensor differs
};

/// Gradient and difference of a parameter agree where they are apart by at most this part of the
/// larger one plus the rounding of the difference; gradient_check.cpp derives it.
inline constexpr double kGradientTolerance = 1e-7;

/// Compares `gradient` with four-point differences of `loss` around `parameters`. The loss there must
/// be finite.
GradientCheck check_gradient(const ParameterLoss& loss, const ParameterLayout& layout,
                             std::span<const double> parameters, std::span<const double> gradient,
                             const GradientCheckOptions& options);

/// The same for the net of a run as it starts, over its first batch, whatever its precision in
/// float64.
GradientCheck check_gradient(RunConfiguration run, const Dataset& data,
                             const GradientCheckOptions& options);

}  // namespace plumbline
