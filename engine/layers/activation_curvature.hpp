// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "engine/activations/activation.hpp"
#include "engine/activations/curved_activation.hpp"
#include "engine/core/matrix_view.hpp"
#include "engine/layers/buffer.hpp"

namespace plumbline {

/// The second derivative of an activation at the point of one backward pass. For a = phi(z), g = dL_i/da
/// and delta = g phi'(z), along a direction that is written R{}:
///   R{delta} = R{g} phi'(z) + g phi''(z) R{z}.
/// At a kink phi'' is that of one of the two sides.
template <typename T>
class ActivationCurvature {
 public:
  /// What keeps an activation from having one, as the end of a sentence about its layer; empty where
  /// nothing does.
  static std::string problem(const Activation& activation);

  /// For a layer of this width with batches of at most so many rows.
  ActivationCurvature(std::shared_ptr<const Activation> activation, std::size_t rows,
                      std::size_t width);

  /// Sets the point: z and g, before a backward pass uses g up.
  void keep(MatrixView<const T> z, MatrixView<const T> g);

  /// R{delta} and, summed over examples, the derivative of dL/dparameter, at the point of keep() for the
  /// same z.
  void backward_tangent(MatrixView<const T> z, MatrixView<const T> a, std::span<const T> parameters,
                        MatrixView<const T> z_direction, std::span<const T> parameter_direction,
                        MatrixView<const T> g_direction, MatrixView<T> delta_direction,
                        std::span<T> gradient_direction) const;

 private:
  std::shared_ptr<const Activation> activation_;
  const ElementwiseActivation* elementwise_;  // one of these two is not null
  const CurvedActivation* curved_;
  Buffer<T> kept_;  // g phi''(z) of an element-wise activation, g of another
  std::size_t rows_ = 0;
};

extern template class ActivationCurvature<float>;
extern template class ActivationCurvature<double>;

}  // namespace plumbline
