// SPDX-License-Identifier: Apache-2.0
// A random net with a random batch, given to the engine and to the naive oracle alike.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/network.hpp"
#include "tests/oracle/naive_network.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {

struct NetChoice {
  std::vector<std::size_t> sizes;  ///< features, units of each hidden layer, outputs
  std::string activation = "tanh";
  std::string output_activation = "linear";
  std::string loss = "mean_squared_error";
  std::size_t batch = 3;
  bool labels = false;  ///< class labels and not values, for a loss that takes both
  double weight_variance = 2;
  double bias_variance = 0.1;
};

inline ModelSettings model_of(const NetChoice& choice) {
  ModelSettings model;
  model.widths.assign(choice.sizes.begin() + 1, choice.sizes.end() - 1);
  model.activation_name = choice.activation;
  model.activation = make_plugin(activation_catalogue(), choice.activation);
  model.output_activation = make_plugin(activation_catalogue(), choice.output_activation);
  model.initializer_name = "mean_field";
  model.initializer = make_plugin(initializer_catalogue(), "mean_field",
                                  {{"weight_variance", node(choice.weight_variance)},
                                   {"bias_variance", node(choice.bias_variance)}});
  return model;
}

/// Parameters from the initializer, inputs and target values from N(0, 1), labels uniform, all from
/// the seed.
template <typename T>
class NetAndBatch {
 public:
  NetAndBatch(const NetChoice& choice, std::int64_t seed)
      : choice_(choice),
        model_(model_of(choice)),
        loss_(make_plugin(loss_catalogue(), choice.loss)),
        network(model_, features(), output_size(), choice.batch),
        parameters(network.layout().size()),
        gradient(network.layout().size()),
        inputs_(choice.batch * features()),
        values_(choice.batch * output_size()),
        labels_(choice.batch) {
    network.initialize(*model_.initializer, seed, parameters);
    Random random(seed, RandomStream::data, 0);
    for (T& x : inputs_) x = static_cast<T>(random.normal());
    for (T& t : values_) t = static_cast<T>(random.normal());
    for (std::int32_t& label : labels_)
      label = static_cast<std::int32_t>(random.below(output_size()));
  }

  MatrixView<const T> inputs() const {
    return {inputs_.data(), choice_.batch, features(), features()};
  }
  Targets<T> targets() const {
    if (with_labels()) return {labels_, {}};
    return {{}, {values_.data(), choice_.batch, output_size(), output_size()}};
  }

  /// The engine's mean loss of the batch, at any parameters.
  double loss(std::span<const T> at) {
    return loss_->evaluate(network.forward(at, inputs()), targets(), {}) /
           static_cast<double>(choice_.batch);
  }
  /// By how much all outputs may move before the loss passes a kink.
  double loss_distance_to_kink()
    requires std::is_same_v<T, double>
  {
    return loss_->distance_to_kink(network.forward(parameters, inputs()), targets());
  }
  /// The engine's pass forward and back over the first `rows` examples; returns their mean loss.
  double step(std::size_t rows) {
    Targets<T> first = targets();
    first.labels = first.labels.first(std::min(rows, first.labels.size()));
    first.values.rows = std::min(rows, first.values.rows);
    const MatrixView<const T> input = inputs().first_rows(rows);
    const MatrixView<const T> outputs = network.forward(parameters, input);
    const double sum = loss_->evaluate(outputs, first, network.output_gradient());
    network.backward(parameters, input, gradient);
    return sum / static_cast<double>(rows);
  }
  double step() { return step(choice_.batch); }

  const ModelSettings& model() const { return model_; }
  const Loss& loss_function() const { return *loss_; }

  oracle::NaiveNetwork naive_network() const {
    return {choice_.sizes, choice_.activation, choice_.output_activation};
  }
  oracle::Row naive_parameters() const { return {parameters.begin(), parameters.end()}; }
  oracle::Rows naive_inputs() const {
    oracle::Rows rows;
    for (std::size_t i = 0; i < choice_.batch; ++i) {
      const T* row = inputs().row(i);
      rows.emplace_back(row, row + features());
    }
    return rows;
  }
  oracle::Rows naive_targets() const {
    oracle::Rows rows(choice_.batch, oracle::Row(output_size()));
    for (std::size_t i = 0; i < choice_.batch; ++i) {
      if (with_labels()) rows[i][static_cast<std::size_t>(labels_[i])] = 1;
      if (!with_labels()) std::copy_n(&values_[i * output_size()], output_size(), rows[i].begin());
    }
    return rows;
  }
  /// The oracle's step on the first `rows` examples.
  oracle::NaiveStep naive_step(std::size_t rows) const {
    oracle::Rows inputs_of_rows = naive_inputs();
    oracle::Rows targets_of_rows = naive_targets();
    inputs_of_rows.resize(rows);
    targets_of_rows.resize(rows);
    return oracle::naive_step(naive_network(), choice_.loss, naive_parameters(), inputs_of_rows,
                              targets_of_rows);
  }
  oracle::NaiveStep naive_step() const { return naive_step(choice_.batch); }

 private:
  std::size_t features() const { return choice_.sizes.front(); }
  std::size_t output_size() const { return choice_.sizes.back(); }
  bool with_labels() const { return choice_.labels || loss_->needs_labels(); }

  NetChoice choice_;
  ModelSettings model_;
  std::shared_ptr<const Loss> loss_;

 public:
  Network<T> network;
  std::vector<T> parameters;
  std::vector<T> gradient;

 private:
  std::vector<T> inputs_;
  std::vector<T> values_;
  std::vector<std::int32_t> labels_;
};

/// All elements, row by row.
template <typename T>
oracle::Row flat(MatrixView<const T> matrix) {
  oracle::Row row;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    row.insert(row.end(), matrix.row(i), matrix.row(i) + matrix.cols);
  }
  return row;
}
inline oracle::Row flat(const oracle::Rows& rows) {
  oracle::Row row;
  for (const oracle::Row& part : rows) row.insert(row.end(), part.begin(), part.end());
  return row;
}

inline double largest(const oracle::Row& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

/// The largest difference of two elements, relative to the largest element of `expected`. NaN where
/// the lengths differ, where one holds NaN, or where all that is expected is zero: then nothing
/// would be compared.
inline double relative_difference(const oracle::Row& measured, const oracle::Row& expected) {
  if (measured.size() != expected.size()) return std::nan("");
  double most = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(measured[i] - expected[i]);
    if (std::isnan(difference)) return difference;
    most = std::max(most, difference);
  }
  return most == 0 && largest(expected) == 0 ? std::nan("") : most / largest(expected);
}

/// The part of a flat row that a tensor takes.
template <typename T>
oracle::Row part_of(const std::vector<T>& block, const ParameterTensor& tensor) {
  const auto begin = block.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
  return {begin, begin + static_cast<std::ptrdiff_t>(tensor.size())};
}

/// Which smooth piece of its activation each unit of the oracle's net is on, for all examples.
inline std::vector<std::size_t> pieces(const oracle::NaiveNetwork& network,
                                       const oracle::Row& parameters, const oracle::Rows& inputs) {
  std::vector<std::size_t> all;
  for (const oracle::Row& input : inputs) {
    const oracle::Rows z = network.forward(parameters, input).z;
    for (std::size_t l = 1; l <= network.depth(); ++l) {
      const oracle::NaiveActivation& phi = network.activation_of(l);
      if (!phi.pieces) continue;
      const std::vector<std::size_t> of_layer = phi.pieces(z[l]);
      all.insert(all.end(), of_layer.begin(), of_layer.end());
    }
  }
  return all;
}

inline bool has_kinks(const NetChoice& net) {
  return oracle::naive_activation(net.activation).pieces != nullptr ||
         oracle::naive_activation(net.output_activation).pieces != nullptr;
}

}  // namespace plumbline
