// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/losses/example_loss.hpp"

namespace plumbline {

/// The sum over outputs of l(y_j, t_j), or their mean, of a functor for one number. Its constructor
/// takes Settings&. It has
///   static constexpr bool kMean;                               // the mean, not the sum
///   template <typename T> double value(T y, T t) const;        // l
///   template <typename T> T slope(T y, T t) const;             // dl/dy
///   template <typename T> T curvature(T y, T t) const;         // d^2 l/dy^2
/// and, where it has them,
///   double drawn(double y, double scale, Random&) const;       // t from exp(-scale l(y, t))
///   double distance_to_kink(double y, double t) const;         // by how far y may move
template <class Functor>
class Outputwise {
 public:
  static constexpr bool kNeedsLabels = false;

  explicit Outputwise(Settings& settings) : functor_(settings) {}

  template <typename T, class Target>
  double value(std::span<const T> y, const Target& target, std::span<T> slope) const {
    double sum = 0;
    for (std::size_t j = 0; j < y.size(); ++j) sum += functor_.value(y[j], T(target[j]));
    for (std::size_t j = 0; j < slope.size(); ++j) {
      slope[j] = scale<T>(y.size()) * functor_.slope(y[j], T(target[j]));
    }
    return Functor::kMean ? sum / static_cast<double>(y.size()) : sum;
  }

  template <typename T, class Target>
  void curvature_product(std::span<const T> y, const Target& target, std::span<const T> v,
                         std::span<T> product) const {
    for (std::size_t j = 0; j < y.size(); ++j) {
      product[j] = scale<T>(y.size()) * functor_.curvature(y[j], T(target[j])) * v[j];
    }
  }

  static constexpr bool means_a_distribution() {
    return requires(const Functor& functor, Random& random) { functor.drawn(0.0, 1.0, random); };
  }

  template <typename T>
    requires(means_a_distribution())
  void draw(std::span<const T> y, Random& random, std::span<T> target) const {
    for (std::size_t j = 0; j < y.size(); ++j) {
      target[j] = static_cast<T>(
          functor_.drawn(static_cast<double>(y[j]), scale<double>(y.size()), random));
    }
  }

  template <class Target>
  double distance_to_kink(std::span<const double> y, const Target& target) const {
    double least = std::numeric_limits<double>::infinity();
    if constexpr (requires { functor_.distance_to_kink(0.0, 0.0); }) {
      for (std::size_t j = 0; j < y.size(); ++j) {
        least = std::min(least, functor_.distance_to_kink(y[j], target[j]));
      }
    }
    return least;
  }

 private:
  template <typename T>
  static T scale(std::size_t outputs) {
    return Functor::kMean ? T(1) / static_cast<T>(outputs) : T(1);
  }

  Functor functor_;
};

template <class Functor>
LossEntry outputwise_loss(PluginInfo info) {
  return example_loss<Outputwise<Functor>>(std::move(info));
}

}  // namespace plumbline
