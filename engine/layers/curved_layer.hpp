// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/core/matrix_view.hpp"
#include "engine/layers/stack.hpp"

namespace plumbline {

/// What a Layer has beside its passes where exact products with the Hessian go through it: the derivative
/// of backward() along a direction of the parameters and of what backward() is given. Pearlmutter, Fast
/// exact multiplication by the Hessian, Neural Computation 6, 1994, whose R{} the word "direction" stands
/// for. Forward and backward once, then tangent() and backward_tangent() for each direction.
template <typename T>
class CurvedLayer {
 public:
  virtual ~CurvedLayer() = default;

  /// What keeps this layer from it after all, as the end of a sentence that begins with the layer; empty
  /// where nothing does.
  virtual std::string curvature_problem() const { return {}; }

  /// Once, before the first pass, where there is no problem: from then on backward() and tangent() leave
  /// what backward_tangent() needs.
  virtual void keep_curvature() = 0;

  /// As large as the outputs: the layer above writes R{dL_i/d(output)} here.
  virtual MatrixView<T> output_gradient_direction() = 0;

  /// For the direction of the last tangent(), at the point of the last backward(): writes `mean` times the
  /// sum over examples of R{gradient} into the layer's part of `gradient_direction`, and
  /// R{dL_i/d(input)} into `input_gradient_direction` unless that is empty. Uses up
  /// output_gradient_direction().
  virtual void backward_tangent(std::span<const T> parameters, std::span<const T> direction, T mean,
                                std::span<T> gradient_direction,
                                MatrixView<T> input_gradient_direction) = 0;
};

/// The layers of a stack as curved ones.
template <typename T>
class CurvedStack {
 public:
  static constexpr const char* kNoCurvature =
      "is no dense layer, no activation and no residual block of such layers";

  CurvedStack() = default;
  /// The stack must outlive it.
  explicit CurvedStack(const Stack<T>& stack) {
    for (const auto& layer : stack.layers()) {
      layers_.push_back(dynamic_cast<CurvedLayer<T>*>(layer.get()));
    }
  }

  std::size_t size() const { return layers_.size(); }
  /// CurvedLayer::curvature_problem() of one layer.
  std::string problem(std::size_t layer) const {
    return layers_[layer] == nullptr ? kNoCurvature : layers_[layer]->curvature_problem();
  }
  /// Throws std::invalid_argument where a layer has a problem.
  void keep_curvature() {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      if (!problem(l).empty()) throw std::invalid_argument("a layer " + problem(l));
      layers_[l]->keep_curvature();
    }
  }

  MatrixView<T> output_gradient_direction() { return layers_.back()->output_gradient_direction(); }
  void backward_tangent(std::span<const T> parameters, std::span<const T> direction, T mean,
                        std::span<T> gradient_direction, MatrixView<T> input_gradient_direction) {
    for (std::size_t l = layers_.size(); l-- > 0;) {
      layers_[l]->backward_tangent(
          parameters, direction, mean, gradient_direction,
          l == 0 ? input_gradient_direction : layers_[l - 1]->output_gradient_direction());
    }
  }

 private:
  std::vector<CurvedLayer<T>*> layers_;
};

}  // namespace plumbline
