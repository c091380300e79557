// SPDX-License-Identifier: Apache-2.0
// An objective whose loss, gradient and Hessian are known in closed form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/optimizers/optimizer.hpp"

namespace plumbline {

/// L(w) = 1/2 sum_i h_i (w_i - c_i)^2 + coupling/4 (sum_i (w_i - c_i)^2)^2, one example whose outputs
/// are w itself, so that the Gauss-Newton matrix is the Hessian. There are no targets to draw and no
/// layers.
template <typename T>
class QuadraticObjective : public Objective<T> {
 public:
  QuadraticObjective(std::vector<double> curvature, std::vector<double> center, double coupling = 0)
      : curvature_(std::move(curvature)), center_(std::move(center)), coupling_(coupling) {}

  double loss(std::span<const T> parameters) override {
    ++losses;
    return value(parameters);
  }
  double gradient(std::span<const T> parameters, std::span<T> gradient) override {
    ++gradients;
    const double square = distance_squared(parameters);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      gradient[i] = static_cast<T>((curvature_[i] + coupling_ * square) * offset(parameters, i));
    }
    return value(parameters);
  }
  void gauss_newton_product(std::span<const T> parameters, std::span<const T> direction,
                            std::span<T> product) override {
    const double square = distance_squared(parameters);
    double along = 0;
    for (std::size_t i = 0; i < direction.size(); ++i) {
      along += offset(parameters, i) * static_cast<double>(direction[i]);
    }
    for (std::size_t i = 0; i < direction.size(); ++i) {
      product[i] =
          static_cast<T>((curvature_[i] + coupling_ * square) * static_cast<double>(direction[i]) +
                         2 * coupling_ * along * offset(parameters, i));
    }
  }
  void sampled_gradient(std::span<const T> /*parameters*/, std::uint32_t /*draw*/,
                        std::span<T> /*gradient*/) override {
    throw std::invalid_argument("a quadratic has no distribution of targets");
  }
  typename Objective<T>::LayerPass layer_pass(std::size_t /*tensor*/) override {
    throw std::invalid_argument("a quadratic has no layers");
  }
  std::size_t examples() const override { return 1; }

  /// How often it was asked.
  int losses = 0;
  int gradients = 0;

 private:
  double offset(std::span<const T> parameters, std::size_t i) const {
    return static_cast<double>(parameters[i]) - center_[i];
  }
  double distance_squared(std::span<const T> parameters) const {
    double sum = 0;
    for (std::size_t i = 0; i < center_.size(); ++i) {
      sum += offset(parameters, i) * offset(parameters, i);
    }
    return sum;
  }
  double value(std::span<const T> parameters) const {
    double sum = 0;
    for (std::size_t i = 0; i < center_.size(); ++i) {
      sum += 0.5 * curvature_[i] * offset(parameters, i) * offset(parameters, i);
    }
    const double square = distance_squared(parameters);
    return sum + 0.25 * coupling_ * square * square;
  }

  std::vector<double> curvature_;
  std::vector<double> center_;
  double coupling_;
};

}  // namespace plumbline
