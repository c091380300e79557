// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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

/// `moments`, or NaN for infinite q.
inline GaussianMoments finite_moments(double q, const GaussianMoments& moments) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  return std::isfinite(q) ? moments : GaussianMoments{kNan, kNan, kNan};
}

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
  /// n times the relative variance, over random weights, of what a layer of n outputs passes back, in
  /// leading order of 1/n. For outputs that are independent: 3 E[J^4] / E[J^2]^2 - 1.
  virtual double gain_spread(const GaussianMoments& moments) const {
    return 3 * moments.slope_fourth / (moments.slope_square * moments.slope_square) - 1;
  }
  /// moments(q).square alone.
  virtual double mean_square(double q) const { return moments(q).square; }
};

/// An activation without parameters of its own that treats each number by itself: a = phi(z).
class ElementwiseActivation : public Activation {
 public:
  virtual double value(double z) const = 0;  ///< phi(z)
  virtual double slope(double z) const = 0;  ///< phi'(z); at a kink one of the two sides or between
  virtual double curvature(double z) const = 0;  ///< phi''(z); at a kink one of the two sides
  /// Where phi' or phi'' jumps, in rising order.
  virtual std::vector<double> kinks() const = 0;
  /// phi varies over distances of this order in z, or longer ones.
  virtual double scale() const { return 1; }

  GaussianMoments moments(double q) const final {
    return {mean_square(q), mean(q, [this](double z) { return slope(z) * slope(z); }),
            mean(q, [this](double z) { return slope(z) * slope(z) * slope(z) * slope(z); })};
  }
  double mean_square(double q) const final {
    return mean(q, [this](double z) { return value(z) * value(z); });
  }

 private:
  // By quadrature in z / scale, where phi varies over distances of 1.
  template <class Function>
  double mean(double q, const Function& function) const {
    const double unit = scale();
    std::vector<double> ends = kinks();
    for (double& end : ends) end /= unit;
    return normal_mean(q / (unit * unit), [&](double z) { return function(unit * z); }, ends);
  }
};

/// Implements the passes of Activation in both precisions by three members of Derived that are
/// templates on T: forward_rows(), backward_rows() and tangent_rows(), with the same arguments.
template <class Derived, class Base = Activation>
class InBothPrecisions : public Base {
 public:
  void forward(MatrixView<const float> z, std::span<const float> parameters,
               MatrixView<float> a) const final {
    derived().forward_rows(z, parameters, a);
  }
  void forward(MatrixView<const double> z, std::span<const double> parameters,
               MatrixView<double> a) const final {
    derived().forward_rows(z, parameters, a);
  }
  void backward(MatrixView<const float> z, MatrixView<const float> a,
                std::span<const float> parameters, MatrixView<const float> upstream,
                MatrixView<float> delta, std::span<float> gradient) const final {
    derived().backward_rows(z, a, parameters, upstream, delta, gradient);
  }
  void backward(MatrixView<const double> z, MatrixView<const double> a,
                std::span<const double> parameters, MatrixView<const double> upstream,
                MatrixView<double> delta, std::span<double> gradient) const final {
    derived().backward_rows(z, a, parameters, upstream, delta, gradient);
  }
  void tangent(MatrixView<const float> z, MatrixView<const float> a,
               std::span<const float> parameters, MatrixView<const float> z_direction,
               std::span<const float> parameter_direction,
               MatrixView<float> a_direction) const final {
    derived().tangent_rows(z, a, parameters, z_direction, parameter_direction, a_direction);
  }
  void tangent(MatrixView<const double> z, MatrixView<const double> a,
               std::span<const double> parameters, MatrixView<const double> z_direction,
               std::span<const double> parameter_direction,
               MatrixView<double> a_direction) const final {
    derived().tangent_rows(z, a, parameters, z_direction, parameter_direction, a_direction);
  }

 private:
  const Derived& derived() const { return static_cast<const Derived&>(*this); }
};

struct ActivationEntry {
  PluginInfo info;
  std::shared_ptr<const Activation> (*make)(Settings&) = nullptr;
};

const Catalogue<ActivationEntry>& activation_catalogue();

/// The activation of this name with the settings that it has by default.
inline std::shared_ptr<const Activation> plain_activation(std::string_view name) {
  const SettingsTable empty;
  SettingsReport unused;
  Settings none(empty, "", unused);
  return activation_catalogue().find(name)->make(none);
}

/// For a plug-in that needs one to declare its settings, which do not depend on it.
inline std::shared_ptr<const Activation> any_activation() { return plain_activation("linear"); }

/// Makes an ElementwiseActivation of a functor. The functor's constructor takes Settings&; its members
///   template <typename V> V value(V z) const;
///   template <typename V> V slope(V z, V a) const;      // a = value(z)
///   template <typename V> V curvature(V z, V a) const;  // used with V = double alone so far
/// serve V = a SIMD batch in the kernels and V = double everywhere else. A functor whose slope or
/// curvature jumps also has
///   std::vector<double> kinks() const;                  // where, in rising order
/// and one that a setting can make vary over distances far below 1
///   double scale() const;                               // the distance
template <class Functor>
class FunctorActivation final
    : public InBothPrecisions<FunctorActivation<Functor>, ElementwiseActivation> {
 public:
  explicit FunctorActivation(Settings& settings) : functor_(settings) {}

  double value(double z) const override { return functor_.value(z); }
  double slope(double z) const override { return functor_.slope(z, functor_.value(z)); }
  double curvature(double z) const override { return functor_.curvature(z, functor_.value(z)); }
  std::vector<double> kinks() const override {
    if constexpr (requires { functor_.kinks(); }) return functor_.kinks();
    return {};
  }
  double scale() const override {
    if constexpr (requires { functor_.scale(); }) return functor_.scale();
    return 1;
  }

  template <typename T>
  void forward_rows(MatrixView<const T> z, std::span<const T> /*parameters*/,
                    MatrixView<T> a) const {
    for_each_batch_of_rows(
        [this](const auto& z_batch, auto& a_batch) { a_batch = functor_.value(z_batch); }, z, a);
  }
  template <typename T>
  void backward_rows(MatrixView<const T> z, MatrixView<const T> a,
                     std::span<const T> /*parameters*/, MatrixView<const T> upstream,
                     MatrixView<T> delta, std::span<T> /*gradient*/) const {
    times_slope(z, a, upstream, delta);
  }
  template <typename T>
  void tangent_rows(MatrixView<const T> z, MatrixView<const T> a, std::span<const T> /*parameters*/,
                    MatrixView<const T> z_direction, std::span<const T> /*parameter_direction*/,
                    MatrixView<T> a_direction) const {
    times_slope(z, a, z_direction, a_direction);
  }

 private:
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

/// The entry of an activation of any class that is made of Settings&.
template <class Made>
ActivationEntry activation_entry(PluginInfo info) {
  info.settings = declared_settings([](Settings& settings) { Made declared(settings); });
  return {std::move(info), [](Settings& settings) -> std::shared_ptr<const Activation> {
            return std::make_shared<Made>(settings);
          }};
}

template <class Functor>
ActivationEntry elementwise_activation(PluginInfo info) {
  return activation_entry<FunctorActivation<Functor>>(std::move(info));
}

}  // namespace plumbline
