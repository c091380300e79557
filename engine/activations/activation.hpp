// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>

#include "engine/core/catalogue.hpp"
#include "engine/kernels/elementwise.hpp"

namespace plumbline {

/// An element-wise function phi of a layer's pre-activation z, with its slope phi'. Virtual once an
/// array; the loops inside are those of kernels/elementwise.hpp.
class Activation {
 public:
  virtual ~Activation() = default;

  virtual double value(double z) const = 0;
  virtual double slope(double z) const = 0;

  /// a = phi(z). The arrays have one length and may be the same one.
  virtual void apply(std::span<const float> z, std::span<float> a) const = 0;
  virtual void apply(std::span<const double> z, std::span<double> a) const = 0;

  /// delta *= phi'(z), with a = phi(z) at hand. The arrays have one length.
  virtual void multiply_slope(std::span<const float> z, std::span<const float> a,
                              std::span<float> delta) const = 0;
  virtual void multiply_slope(std::span<const double> z, std::span<const double> a,
                              std::span<double> delta) const = 0;
};

struct ActivationEntry {
  PluginInfo info;
  std::shared_ptr<const Activation> (*make)(Settings&) = nullptr;
};

const Catalogue<ActivationEntry>& activation_catalogue();

/// Makes an Activation of a functor. The functor's constructor takes Settings&; its members
///   template <typename V> V value(V z) const;
///   template <typename V> V slope(V z, V a) const;   // a = value(z)
/// serve V = a SIMD batch in the kernels and V = double everywhere else.
template <class Functor>
class ElementwiseActivation final : public Activation {
 public:
  explicit ElementwiseActivation(Settings& settings) : functor_(settings) {}

  double value(double z) const override { return functor_.value(z); }
  double slope(double z) const override { return functor_.slope(z, functor_.value(z)); }

  void apply(std::span<const float> z, std::span<float> a) const override { apply_all(z, a); }
  void apply(std::span<const double> z, std::span<double> a) const override { apply_all(z, a); }
  void multiply_slope(std::span<const float> z, std::span<const float> a,
                      std::span<float> delta) const override {
    multiply_all(z, a, delta);
  }
  void multiply_slope(std::span<const double> z, std::span<const double> a,
                      std::span<double> delta) const override {
    multiply_all(z, a, delta);
  }

 private:
  template <typename T>
  void apply_all(std::span<const T> z, std::span<T> a) const {
    for_each_batch(
        a.size(), [this](const auto& z_batch, auto& a_batch) { a_batch = functor_.value(z_batch); },
        z.data(), a.data());
  }

  template <typename T>
  void multiply_all(std::span<const T> z, std::span<const T> a, std::span<T> delta) const {
    for_each_batch(
        delta.size(),
        [this](const auto& z_batch, const auto& a_batch, auto& delta_batch) {
          delta_batch *= functor_.slope(z_batch, a_batch);
        },
        z.data(), a.data(), delta.data());
  }

  Functor functor_;
};

template <class Functor>
ActivationEntry elementwise_activation(PluginInfo info) {
  info.settings = declared_settings([](Settings& settings) { Functor functor(settings); });
  return {std::move(info), [](Settings& settings) -> std::shared_ptr<const Activation> {
            return std::make_shared<ElementwiseActivation<Functor>>(settings);
          }};
}

}  // namespace plumbline
