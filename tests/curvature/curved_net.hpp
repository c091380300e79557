// SPDX-License-Identifier: Apache-2.0
// A small random net with a random batch: its exact products H v, and its dense Hessian by differences of
// the gradients that back-propagation gives.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/curvature/hessian.hpp"
#include "engine/network/network.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {

struct CurvedChoice {
  std::vector<Setting> model = {};
  std::string loss = "mean_squared_error";
  std::vector<Setting> loss_settings = {};
  std::size_t features = 4;
  std::size_t outputs = 3;
  std::size_t batch = 4;
};

inline ModelSettings curved_model(const std::vector<Setting>& settings) {
  std::vector<Setting> all = {{"initializer.name", node("mean_field")},
                              {"initializer.weight_variance", node(2.0)},
                              {"initializer.bias_variance", node(0.1)}};
  all.insert(all.end(), settings.begin(), settings.end());
  const SettingsTable table = settings_table(all);
  SettingsReport report;
  Settings reader(table, "model", report);
  ModelSettings model = ModelSettings::read(reader);
  if (!report.problems.empty()) throw DefinitionError(report.problems);
  return model;
}

/// The four-point difference of a vector of functions of one number: truncation by step^4 / 30 times a
/// fifth derivative, and rounding over the step.
template <class Function>
std::vector<double> four_point_difference(const Function& function, double step) {
  const std::vector<double> far[] = {function(-2 * step), function(2 * step)};
  const std::vector<double> near[] = {function(-step), function(step)};
  std::vector<double> slope(far[0].size());
  for (std::size_t i = 0; i < slope.size(); ++i) {
    slope[i] = (8 * (near[1][i] - near[0][i]) - (far[1][i] - far[0][i])) / (12 * step);
  }
  return slope;
}

/// Parameters from the initializer, inputs and target values from N(0, 1), labels uniform.
template <typename T>
class CurvedNet {
 public:
  CurvedNet(const CurvedChoice& choice, std::int64_t seed)
      : choice_(choice),
        model_(curved_model(choice.model)),
        loss_(make_plugin(loss_catalogue(), choice.loss, choice.loss_settings)),
        network_(model_, choice.features, choice.outputs, choice.batch),
        product_(model_, Shape::vector(choice.features), choice.outputs, choice.batch, loss_),
        parameters(network_.layout().size()),
        inputs_(choice.batch * choice.features),
        values_(choice.batch * choice.outputs),
        labels_(choice.batch) {
    network_.initialize(*model_.initializer, seed, parameters);
    Random random(seed, RandomStream::data, 0);
    for (T& x : inputs_) x = static_cast<T>(random.normal());
    for (T& t : values_) t = static_cast<T>(random.normal());
    for (std::int32_t& label : labels_) {
      label = static_cast<std::int32_t>(random.below(choice.outputs));
    }
  }

  std::size_t size() const { return parameters.size(); }
  const ParameterLayout& layout() const { return network_.layout(); }

  std::vector<T> gradient(const std::vector<T>& at, std::size_t rows) {
    const MatrixView<const T> outputs = network_.forward(at, inputs().first_rows(rows));
    loss_->evaluate(outputs, targets(rows), network_.output_gradient());
    std::vector<T> result(size());
    network_.backward(at, inputs().first_rows(rows), result);
    return result;
  }
  std::vector<T> gradient(const std::vector<T>& at) { return gradient(at, choice_.batch); }

  double loss() {
    return loss_->evaluate(network_.forward(parameters, inputs()), targets(choice_.batch), {}) /
           static_cast<double>(choice_.batch);
  }
  const ModelSettings& model() const { return model_; }
  /// Makes the batch that of another net of this choice.
  template <typename U>
  void take_batch(const CurvedNet<U>& other) {
    for (std::size_t i = 0; i < choice_.batch; ++i) {
      std::copy_n(other.inputs().row(i), choice_.features, &inputs_[i * choice_.features]);
    }
    const Targets<U> targets = other.targets(choice_.batch);
    std::ranges::copy(targets.labels, labels_.begin());
    for (std::size_t i = 0; i < targets.values.rows; ++i) {
      std::copy_n(targets.values.row(i), choice_.outputs, &values_[i * choice_.outputs]);
    }
  }

  /// Sets where product() is: here, with the first `rows` examples. Returns the gradient.
  std::vector<T> settle(std::size_t rows) {
    std::vector<T> result(size());
    product_.move_to(parameters, inputs().first_rows(rows), targets(rows), result);
    return result;
  }
  std::vector<T> settle() { return settle(choice_.batch); }
  std::vector<T> product(const std::vector<T>& direction) {
    std::vector<T> result(size(), T(-99));
    product_.multiply(direction, result);
    return result;
  }

  /// Row after row, by products with the axes.
  std::vector<double> exact_hessian() {
    std::vector<double> rows;
    for (std::size_t k = 0; k < size(); ++k) {
      std::vector<T> axis(size());
      axis[k] = 1;
      const std::vector<T> row = product(axis);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  }
  /// Row after row, by differences of gradient().
  std::vector<double> hessian_by_differences(double step) {
    std::vector<double> rows;
    for (std::size_t k = 0; k < size(); ++k) {
      const std::vector<double> row = four_point_difference(
          [&](double moved) {
            std::vector<T> at = parameters;
            at[k] += static_cast<T>(moved);
            const std::vector<T> slope = gradient(at);
            return std::vector<double>(slope.begin(), slope.end());
          },
          step);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  }

  MatrixView<const T> inputs() const {
    return {inputs_.data(), choice_.batch, choice_.features, choice_.features};
  }
  Targets<T> targets(std::size_t rows) const {
    if (loss_->needs_labels() || !choice_.loss_settings.empty()) {
      return {std::span(labels_).first(rows), {}};
    }
    return {{}, {values_.data(), rows, choice_.outputs, choice_.outputs}};
  }

 private:
  CurvedChoice choice_;
  ModelSettings model_;
  std::shared_ptr<const Loss> loss_;
  Network<T> network_;
  HessianProduct<T> product_;

 public:
  std::vector<T> parameters;

 private:
  std::vector<T> inputs_;
  std::vector<T> values_;
  std::vector<std::int32_t> labels_;
};

/// N(0, 1).
template <typename T = double>
std::vector<T> direction_of(std::size_t n, std::uint32_t part = 0) {
  Random random(5, RandomStream::noise, part);
  std::vector<T> direction(n);
  for (T& value : direction) value = static_cast<T>(random.normal());
  return direction;
}

inline double inner(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

}  // namespace plumbline
