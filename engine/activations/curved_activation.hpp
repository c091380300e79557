// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "engine/core/matrix_view.hpp"

namespace plumbline {

/// What second derivatives need of an activation that is not element-wise, beside its passes. With J the
/// Jacobian of the outputs in z and in the activation's own parameters, and g = dL_i/da:
/// add_curvature() adds to `delta_direction` and, summed over examples, to `gradient_direction` the
/// derivative of J^T g along a direction of z and of the parameters, while g stays as it is. By default
/// that is nothing, as for pieces that are linear in z and learn nothing.
class CurvedActivation {
 public:
  virtual ~CurvedActivation() = default;

  virtual void add_curvature(MatrixView<const float> /*z*/, MatrixView<const float> /*g*/,
                             MatrixView<const float> /*z_direction*/,
                             std::span<const float> /*parameter_direction*/,
                             MatrixView<float> /*delta_direction*/,
                             std::span<float> /*gradient_direction*/) const {}
  virtual void add_curvature(MatrixView<const double> /*z*/, MatrixView<const double> /*g*/,
                             MatrixView<const double> /*z_direction*/,
                             std::span<const double> /*parameter_direction*/,
                             MatrixView<double> /*delta_direction*/,
                             std::span<double> /*gradient_direction*/) const {}
};

}  // namespace plumbline
