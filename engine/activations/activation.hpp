// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/core/catalogue.hpp"
#include "engine/core/matrix_view.hpp"
#include "engine/core/normal_mean.hpp"
#include "engine/kernels/elementwise.hpp"

namespace plumbline {

/// Means over a layer's outputs a, for pre-activations z that are independent and N(0, q), where J
/// is the Jacobian of the layer's outputs in its pre-activations: what mean-field theory is made of.
/// For an element-wise phi: E[phi(z)^2], E[phi'(z)^2], E[phi'(z)^4].
struct GaussianMoments {
  double square = 0;        ///< E[a^2]
  double slope_square = 0;  ///< E[sum of J^2] / outputs
  double slope_fourth = 0;  ///< E[sum of J^4] / outputs
};

/// What stands between a layer's pre-activations z and its outputs a, one example a row. A layer of
/// some `width` has units(width) pre-activations, outputs(width) outputs and parameters(width)
/// parameters of the activation's own. Virtual once a batch; the loops inside are those of
/// kernels/elementwise.hpp. Methods come in both precisions.
class Activation {
 public:
  virtual ~Activation() = default;

  virtual std::size_t units(std::size_t width) const { return width; }
  virtual std::size_t outputs(std::size_t width) const { return width; }
  virtual std::size_t parameters(std::size_t /*width*/) const { return 0; }
  /// Where the activation's own parameters start.
  virtual double initial_parameter() const { return 0; }

  /// a from z.
  virtual void forward(MatrixView<const float> z, std::span<const float> parameters,
                       MatrixView<float> a) const = 0;
  virtual void forward(MatrixView<const double> z, std::span<const double> parameters,
                       MatrixView<double> a) const = 0;

  /// With dL_i/da of each example in `upstream`: dL_i/dz into `delta`, and dL/dparameter, the sum
  /// over examples, into `gradient`. Where units and outputs are equal, `delta` may be `upstream`.
  virtual void backward(MatrixView<const float> z, MatrixView<const float> a,
                        std::span<const float> parameters, MatrixView<const float> upstream,
                        MatrixView<float> delta, std::span<float> gradient) const = 0;
  virtual void backward(MatrixView<const double> z, MatrixView<const double> a,
                        std::span<const double> parameters, MatrixView<const double> upstream,
                        MatrixView<double> delta, std::span<double> gradient) const = 0;

  /// The derivative of a along a direction of z and of the parameters.
  virtual void tangent(MatrixView<const float> z, MatrixView<const float> a,
                       std::span<const float> parameters, MatrixView<const float> z_direction,
                       std::span<const float> parameter_direction,
                       MatrixView<float> a_direction) const = 0;
  virtual void tangent(MatrixView<const double> z, MatrixView<const double> a,
                       std::span<const double> parameters, MatrixView<const double> z_direction,
                       std::span<const double> parameter_direction,
                       MatrixView<double> a_direction) const = 0;

  /// At the activation's initial parameters; NaN for infinite q.
  virtual GaussianMoments moments(double q) const = 0;
};

/// An activation without parameters of its own that treats each number by itself: a = phi(z).
class ElementwiseActivation : public Activation {
 public:
  virtual double value(double z) const = 0;  ///< phi(z)
  virtual double slope(double z) const = 0;  ///< phi'(z); at a kink one of the two sides or between
  virtual double curvature(double z) const = 0;  ///< phi''(z); at a kink one of the two sides
  /// Where phi' or phi'' jumps, in rising order.
  virtual std::vector<double> kinks() const = 0;

  GaussianMoments moments(double q) const final {
    const auto mean = [&](const auto& function) { return normal_mean(q, function, kinks()); };
    return {mean([this](double z) { return value(z) * value(z); }),
            mean([this](double z) { return slope(z) * slope(z); }),
            mean([this](double z) { return slope(z) * slope(z) * slope(z) * slope(z); })};
  }
};

struct ActivationEntry {
  PluginInfo info;
  std::shared_ptr<const Activation> (*make)(Settings&) = nullptr;
};

const Catalogue<ActivationEntry>& activation_catalogue();

/// Makes an ElementwiseActivation of a functor. The functor's constructor takes Settings&; its members
///   template <typename V> V value(V z) const;
///   template <typename V> V slope(V z, V a) const;      // a = value(z)
///   template <typename V> V curvature(V z, V a) const;  // used with V = double alone so far
/// serve V = a SIMD batch in the kernels and V = double everywhere else. A functor whose slope or
/// curvature jumps also has
///   std::vector<double> kinks() const;                  // where, in rising order
template <class Functor>
class FunctorActivation final : public ElementwiseActivation {
 public:
  explicit FunctorActivation(Settings& settings) : functor_(settings) {}

  double value(double z) const override { return functor_.value(z); }
  double slope(double z) const override { return functor_.slope(z, functor_.value(z)); }
  double curvature(double z) const override { return functor_.curvature(z, functor_.value(z)); }
  std::vector<double> kinks() const override {
    if constexpr (requires { functor_.kinks(); }) return functor_.kinks();
    return {};
  }

  void forward(MatrixView<const float> z, std::span<const float> /*parameters*/,
               MatrixView<float> a) const override {
    apply(z, a);
  }
  void forward(MatrixView<const double> z, std::span<const double> /*parameters*/,
               MatrixView<double> a) const override {
    apply(z, a);
  }
  void backward(MatrixView<const float> z, MatrixView<const float> a,
                std::span<const float> /*parameters*/, MatrixView<const float> upstream,
                MatrixView<float> delta, std::span<float> /*gradient*/) const override {
    times_slope(z, a, upstream, delta);
  }
  void backward(MatrixView<const double> z, MatrixView<const double> a,
                std::span<const double> /*parameters*/, MatrixView<const double> upstream,
                MatrixView<double> delta, std::span<double> /*gradient*/) const override {
    times_slope(z, a, upstream, delta);
  }
  void tangent(MatrixView<const float> z, MatrixView<const float> a,
               std::span<const float> /*parameters*/, MatrixView<const float> z_direction,
               std::span<const float> /*parameter_direction*/,
               MatrixView<float> a_direction) const override {
    times_slope(z, a, z_direction, a_direction);
  }
  void tangent(MatrixView<const double> z, MatrixView<const double> a,
               std::span<const double> /*parameters*/, MatrixView<const double> z_direction,
               std::span<const double> /*parameter_direction*/,
               MatrixView<double> a_direction) const override {
    times_slope(z, a, z_direction, a_direction);
  }

 private:
  template <typename T>
  void apply(MatrixView<const T> z, MatrixView<T> a) const {
    for_each_batch_of_rows(
        [this](const auto& z_batch, auto& a_batch) { a_batch = functor_.value(z_batch); }, z, a);
  }

  template <typename T>
  void times_slope(MatrixView<const T> z, MatrixView<const T> a, MatrixView<const T> factor,
                   MatrixView<T> product) const {
    for_each_batch_of_rows(
        [this](const auto& z_batch, const auto& a_batch, const auto& factor_batch,
               auto& product_batch) {
          product_batch = factor_batch * functor_.slope(z_batch, a_batch);
        },
        z, a, factor, product);
  }

  Functor functor_;
};

template <class Functor>
ActivationEntry elementwise_activation(PluginInfo info) {
  info.settings = declared_settings([](Settings& settings) { Functor functor(settings); });
  return {std::move(info), [](Settings& settings) -> std::shared_ptr<const Activation> {
            return std::make_shared<FunctorActivation<Functor>>(settings);
          }};
}

}  // namespace plumbline
