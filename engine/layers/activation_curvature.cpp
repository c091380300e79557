// SPDX-License-Identifier: Apache-2.0
#include "engine/layers/activation_curvature.hpp"

#include <algorithm>
#include <utility>

namespace plumbline {

template <typename T>
std::string ActivationCurvature<T>::problem(const Activation& activation) {
  if (dynamic_cast<const ElementwiseActivation*>(&activation) != nullptr) return {};
  if (dynamic_cast<const CurvedActivation*>(&activation) != nullptr) return {};
  return "has an activation without a second derivative";
}

template <typename T>
ActivationCurvature<T>::ActivationCurvature(std::shared_ptr<const Activation> activation,
                                            std::size_t rows, std::size_t width)
    : activation_(std::move(activation)),
      elementwise_(dynamic_cast<const ElementwiseActivation*>(activation_.get())),
      curved_(dynamic_cast<const CurvedActivation*>(activation_.get())),
      kept_(rows, Shape::vector(activation_->outputs(width))) {}

// Once for each point, and not for each product: phi'' may cost a virtual call and be in double.
template <typename T>
void ActivationCurvature<T>::keep(MatrixView<const T> z, MatrixView<const T> g) {
  rows_ = g.rows;
  const MatrixView<T> kept = kept_.first_rows(rows_);
  for (std::size_t i = 0; i < rows_; ++i) {
    if (elementwise_ == nullptr) {
      std::copy_n(g.row(i), g.cols, kept.row(i));
      continue;
    }
    for (std::size_t j = 0; j < g.cols; ++j) {
      kept(i, j) = g(i, j) * static_cast<T>(elementwise_->curvature(static_cast<double>(z(i, j))));
    }
  }
}

template <typename T>
void ActivationCurvature<T>::backward_tangent(MatrixView<const T> z, MatrixView<const T> a,
                                              std::span<const T> parameters,
                                              MatrixView<const T> z_direction,
                                              std::span<const T> parameter_direction,
                                              MatrixView<const T> g_direction,
                                              MatrixView<T> delta_direction,
                                              std::span<T> gradient_direction) const {
  activation_->backward(z, a, parameters, g_direction, delta_direction, gradient_direction);
  const MatrixView<const T> kept = kept_.first_rows(rows_);
  if (elementwise_ == nullptr) {
    curved_->add_curvature(z, kept, z_direction, parameter_direction, delta_direction,
                           gradient_direction);
    return;
  }
  for_each_batch_of_rows(
      [](auto& sum, const auto& bend, const auto& along) { sum += bend * along; }, delta_direction,
      kept, z_direction);
}

template class ActivationCurvature<float>;
template class ActivationCurvature<double>;

}  // namespace plumbline
