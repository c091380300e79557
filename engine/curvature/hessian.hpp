// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "engine/core/matrix_view.hpp"
#include "engine/core/parameters.hpp"
#include "engine/core/shape.hpp"
#include "engine/layers/curved_layer.hpp"
#include "engine/layers/stack.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/model_settings.hpp"

namespace plumbline {

/// Why a net of this model has no HessianProduct, as "layer 2 of the mlp model is no ..."; empty where it
/// has one. Dense layers, activations and residual blocks of these have one; layers that normalize,
/// convolve, recur, gate or draw noise have none here.
std::string hessian_problem(const ModelSettings& model, const Shape& input, std::size_t outputs);

/// Exact products H v with the Hessian of a batch's mean loss in the parameters, by Pearlmutter's R{}
/// (Neural Computation 6, 1994): the derivative of back-propagation along v, at 1.8 times the cost of a
/// gradient. Has buffers of its own, so that it disturbs no training. At a kink of an activation or of
/// the loss, H is that of the smooth pieces on one side; where these are linear, as in a relu net under
/// `hinge`, only products of different layers' weights are left.
template <typename T>
class HessianProduct {
 public:
  /// For batches of at most so many examples. Throws std::invalid_argument where hessian_problem() is not
  /// empty.
  HessianProduct(const ModelSettings& model, const Shape& input, std::size_t outputs,
                 std::size_t batch, std::shared_ptr<const Loss> loss);

  HessianProduct(const HessianProduct&) = delete;
  HessianProduct& operator=(const HessianProduct&) = delete;

  const ParameterLayout& layout() const { return layout_; }

  /// Sets where and for which examples the products are; what is given must stay until the last product.
  /// Returns the mean loss and writes its gradient.
  double move_to(std::span<const T> parameters, MatrixView<const T> inputs,
                 const Targets<T>& targets, std::span<T> gradient);

  /// After move_to(), any number of times: H v. `product` must not be `direction`.
  void multiply(std::span<const T> direction, std::span<T> product);

 private:
  ParameterLayout layout_;
  Stack<T> layers_;
  CurvedStack<T> curved_;
  std::shared_ptr<const Loss> loss_;
  std::span<const T> parameters_;
  MatrixView<const T> inputs_;
  MatrixView<const T> outputs_;
  Targets<T> targets_;
  T mean_ = 0;
};

extern template class HessianProduct<float>;
extern template class HessianProduct<double>;

}  // namespace plumbline
