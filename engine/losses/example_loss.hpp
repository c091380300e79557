// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cassert>
#include <limits>
#include <stdexcept>
#include <utility>

#include "engine/losses/loss.hpp"

namespace plumbline {

/// The one-hot row of a label; with a single output, the label itself.
template <typename T>
struct OneHot {
  std::size_t label;
  std::size_t outputs;

  T operator[](std::size_t j) const {
    if (outputs == 1) return static_cast<T>(label);
    return j == label ? T(1) : T(0);
  }
};

/// Makes a Loss of a functor that treats one example; batches, class weights and labels are the same
/// for all losses and stand here. The functor's constructor takes Settings&. It has
///   static constexpr bool kNeedsLabels;
///   template <typename T, class Target>
///   double value(std::span<const T> y, const Target& target, std::span<T> slope) const;
///   template <typename T, class Target>
///   void curvature_product(std::span<const T> y, const Target& target, std::span<const T> v,
///                          std::span<T> product) const;
/// where `target` is the label (std::size_t) if kNeedsLabels, and otherwise has target[j]; value()
/// returns L_i and, unless `slope` is empty, fills it with dL_i/dy; product may be v. Where it has them
///   bool means_a_distribution() const;
///   template <typename T> std::size_t drawn_label(std::span<const T> y, Random&) const;
///   template <typename T> void draw(std::span<const T> y, Random&, std::span<T> target) const;
///   template <class Target>
///   double distance_to_kink(std::span<const double> y, const Target& target) const;
/// the second if kNeedsLabels and the third otherwise.
template <class Functor>
class ExampleLoss final : public Loss {
 public:
  explicit ExampleLoss(Settings& settings)
      : functor_(settings),
        class_weights_(settings.numbers(
            "class_weights", kNonNegative,
            "one for each class: what the loss of an example with this label is multiplied by; the "
            "mean over examples is not divided by them; not given: all 1")) {
    if (!class_weights_.empty() && std::ranges::max(class_weights_) == 0) {
      settings.problem("class_weights", "are all 0, which leaves nothing to learn");
    }
  }

  bool needs_labels() const override { return Functor::kNeedsLabels; }

  std::string problem_with(std::size_t outputs, bool labels) const override {
    if (Functor::kNeedsLabels && !labels) {
      return "needs class labels, and the data have target values; try mean_squared_error";
    }
    if (class_weights_.empty()) return "";
    if (!labels) return "has 'class_weights', and the data have target values, not classes";
    const std::size_t classes = outputs == 1 && !Functor::kNeedsLabels ? 2 : outputs;
    if (class_weights_.size() == classes) return "";
    return "has " + std::to_string(class_weights_.size()) + " 'class_weights', and the data have " +
           std::to_string(classes) + " classes";
  }

  double evaluate(MatrixView<const float> outputs, const Targets<float>& targets,
                  MatrixView<float> gradient) const override {
    return sum(outputs, targets, gradient);
  }
  double evaluate(MatrixView<const double> outputs, const Targets<double>& targets,
                  MatrixView<double> gradient) const override {
    return sum(outputs, targets, gradient);
  }

  void curvature_product(MatrixView<const float> outputs, const Targets<float>& targets,
                         MatrixView<const float> directions,
                         MatrixView<float> products) const override {
    multiply(outputs, targets, directions, products);
  }
  void curvature_product(MatrixView<const double> outputs, const Targets<double>& targets,
                         MatrixView<const double> directions,
                         MatrixView<double> products) const override {
    multiply(outputs, targets, directions, products);
  }

  bool means_a_distribution() const override {
    if constexpr (requires { functor_.means_a_distribution(); }) {
      return class_weights_.empty() && functor_.means_a_distribution();
    }
    return false;
  }
  void sample_targets(MatrixView<const float> outputs, Random& random,
                      DrawnTargets<float>& drawn) const override {
    sample(outputs, random, drawn);
  }
  void sample_targets(MatrixView<const double> outputs, Random& random,
                      DrawnTargets<double>& drawn) const override {
    sample(outputs, random, drawn);
  }

  double distance_to_kink(MatrixView<const double> outputs,
                          const Targets<double>& targets) const override {
    double least = std::numeric_limits<double>::infinity();
    for_each_example(outputs, targets, [&](std::size_t i, const auto& target, double /*weight*/) {
      if constexpr (requires { functor_.distance_to_kink(row(outputs, i), target); }) {
        least = std::min(least, functor_.distance_to_kink(row(outputs, i), target));
      }
    });
    return least;
  }

 private:
  template <typename T>
  static std::span<T> row(MatrixView<T> matrix, std::size_t i) {
    return matrix.empty() ? std::span<T>() : std::span<T>(matrix.row(i), matrix.cols);
  }

  /// Calls function(i, target, weight) for each example.
  template <typename T, class Function>
  void for_each_example(MatrixView<const T> outputs, const Targets<T>& targets,
                        const Function& function) const {
    if (outputs.empty()) throw std::invalid_argument("a loss needs at least one example");
    for (std::size_t i = 0; i < outputs.rows; ++i) {
      if (!targets.labels.empty()) {
        const auto label = static_cast<std::size_t>(targets.labels[i]);
        if constexpr (Functor::kNeedsLabels) {
          assert(label < outputs.cols);
          function(i, label, weight_of(label));
        } else {
          assert(label < outputs.cols || outputs.cols == 1);
          function(i, OneHot<T>{label, outputs.cols}, weight_of(label));
        }
      } else if constexpr (!Functor::kNeedsLabels) {
        const T* target = targets.values.row(i);
        function(i, target, 1.0);
      } else {
        throw std::invalid_argument("this loss needs class labels");
      }
    }
  }

  double weight_of(std::size_t label) const {
    if (class_weights_.empty()) return 1;
    if (label < class_weights_.size()) return class_weights_[label];
    throw std::invalid_argument("label " + std::to_string(label) + " has no class weight");
  }

  template <typename T>
  static void scale(std::span<T> values, double weight) {
    if (weight == 1) return;
    for (T& value : values) value *= static_cast<T>(weight);
  }

  template <typename T>
  double sum(MatrixView<const T> outputs, const Targets<T>& targets, MatrixView<T> gradient) const {
    double total = 0;
    for_each_example(outputs, targets, [&](std::size_t i, const auto& target, double weight) {
      total += weight * functor_.value(row(outputs, i), target, row(gradient, i));
      scale(row(gradient, i), weight);
    });
    return total;
  }

  template <typename T>
  void multiply(MatrixView<const T> outputs, const Targets<T>& targets,
                MatrixView<const T> directions, MatrixView<T> products) const {
    for_each_example(outputs, targets, [&](std::size_t i, const auto& target, double weight) {
      functor_.curvature_product(row(outputs, i), target, row(directions, i), row(products, i));
      scale(row(products, i), weight);
    });
  }

  template <typename T>
  void sample(MatrixView<const T> outputs, Random& random, DrawnTargets<T>& drawn) const {
    if (!means_a_distribution()) {
      throw std::invalid_argument("this loss is not the negative log-likelihood of its targets");
    }
    drawn.outputs = outputs.cols;
    drawn.labels.clear();
    drawn.values.clear();
    if constexpr (requires { functor_.drawn_label(row(outputs, 0), random); }) {
      for (std::size_t i = 0; i < outputs.rows; ++i) {
        const std::size_t label = functor_.drawn_label(row(outputs, i), random);
        drawn.labels.push_back(static_cast<std::int32_t>(label));
      }
    } else if constexpr (requires { functor_.draw(row(outputs, 0), random, std::span<T>()); }) {
      drawn.values.resize(outputs.rows * outputs.cols);
      for (std::size_t i = 0; i < outputs.rows; ++i) {
        const std::span<T> target(drawn.values.data() + i * outputs.cols, outputs.cols);
        functor_.draw(row(outputs, i), random, target);
      }
    }
  }

  Functor functor_;
  std::vector<double> class_weights_;
};

template <class Functor>
LossEntry example_loss(PluginInfo info) {
  info.settings =
      declared_settings([](Settings& settings) { ExampleLoss<Functor> loss(settings); });
  return {std::move(info), [](Settings& settings) -> std::shared_ptr<const Loss> {
            return std::make_shared<ExampleLoss<Functor>>(settings);
          }};
}

}  // namespace plumbline
