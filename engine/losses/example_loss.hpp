// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "engine/losses/loss.hpp"

namespace plumbline {

/// Makes a Loss of a functor that treats one example. Its constructor takes Settings&; it has
///   static constexpr bool kNeedsLabels;
///   template <typename T> double with_label(std::span<const T> y, std::size_t label,
///                                           std::span<T> slope) const;
///   template <typename T> double with_values(std::span<const T> y, std::span<const T> target,
///                                            std::span<T> slope) const;  // unless kNeedsLabels
/// which return L_i and, unless `slope` is empty, fill it with dL_i/dy.
template <class Functor>
class ExampleLoss final : public Loss {
 public:
  explicit ExampleLoss(Settings& settings) : functor_(settings) {}

  bool needs_labels() const override { return Functor::kNeedsLabels; }

  double evaluate(MatrixView<const float> outputs, const Targets<float>& targets,
                  MatrixView<float> gradient) const override {
    return sum(outputs, targets, gradient);
  }
  double evaluate(MatrixView<const double> outputs, const Targets<double>& targets,
                  MatrixView<double> gradient) const override {
    return sum(outputs, targets, gradient);
  }

 private:
  template <typename T>
  double sum(MatrixView<const T> outputs, const Targets<T>& targets, MatrixView<T> gradient) const {
    if (outputs.empty()) throw std::invalid_argument("a loss needs at least one example");
    double total = 0;
    for (std::size_t i = 0; i < outputs.rows; ++i) {
      const std::span<const T> y(outputs.row(i), outputs.cols);
      const std::span<T> slope =
          gradient.empty() ? std::span<T>() : std::span<T>(gradient.row(i), outputs.cols);
      if (!targets.labels.empty()) {
        const auto label = static_cast<std::size_t>(targets.labels[i]);
        assert(label < y.size());
        total += functor_.with_label(y, label, slope);
      } else if constexpr (!Functor::kNeedsLabels) {
        const std::span<const T> target(targets.values.row(i), targets.values.cols);
        total += functor_.with_values(y, target, slope);
      } else {
        throw std::invalid_argument("this loss needs class labels");
      }
    }
    return total;
  }

  Functor functor_;
};

template <class Functor>
LossEntry example_loss(PluginInfo info) {
  info.settings = declared_settings([](Settings& settings) { Functor functor(settings); });
  return {std::move(info), [](Settings& settings) -> std::shared_ptr<const Loss> {
            return std::make_shared<ExampleLoss<Functor>>(settings);
          }};
}

}  // namespace plumbline
