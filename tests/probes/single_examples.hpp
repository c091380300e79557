// SPDX-License-Identifier: Apache-2.0
// A net of any kind with a batch, and the gradients of its single examples in another way than the probes have
// them: the whole batch runs forward, and back with the slopes of one example's outputs alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/training/batches.hpp"
#include "tests/probes/measured.hpp"
#include "tests/training/training_run.hpp"

namespace plumbline {

using oracle::Row;
using oracle::Rows;

struct ModelCase {
  std::string name;
  std::vector<Setting> settings;
};

/// Odd shapes, every kind of model, layers that have parameters beside weights and biases.
inline std::vector<ModelCase> models_of_single_examples() {
  const auto of_kind = [](const char* kind, int depth, const std::vector<Setting>& more = {}) {
    return with(
        {{"model.kind", node(kind)}, {"model.depth", node(depth)}, {"model.width", node(7)}}, more);
  };
  const auto sums = [&](const char* kind, int depth) {
    return with(of_kind(kind, depth), {{"data.name", node("adding_problem")},
                                       {"data.steps", node(6)},
                                       {"loss.name", node("mean_squared_error")}});
  };
  const auto table = [](const std::vector<Setting>& settings) {
    return SettingNode{settings_table(settings), {}};
  };
  const SettingNode dropout = table({{"name", node("dropout")}, {"rate", node(0.3)}});
  const SettingNode dense = table({{"name", node("dense")}, {"width", node(9)}});
  const SettingNode block =
      table({{"name", node("residual")},
             {"layers", SettingNode{SettingList{node("activation"), dropout, dense}, {}}}});
  const SettingList noisy = {node("flatten"), dropout, dense, block};
  return {
      {"mlp", of_kind("mlp", 3)},
      {"mlp_of_different_widths",
       {{"model.widths", node(std::vector<int>{19, 5, 33})},
        {"model.activation", node("relu")},
        {"loss.class_weights", {SettingList(10, node(1.5)), {}}}}},
      {"linear_regression", {{"model.depth", node(0)}, {"loss.name", node("mean_squared_error")}}},
      {"maxout", of_kind("mlp", 2, {{"model.activation", node("maxout")}})},
      {"prelu", of_kind("mlp", 2, {{"model.activation", node("prelu")}})},
      {"layer_norm", of_kind("mlp", 2, {{"model.normalization.name", node("layer_norm")}})},
      {"weight_norm", of_kind("mlp", 2, {{"model.normalization.name", node("weight_norm")}})},
      {"autoencoder", of_kind("autoencoder", 3,
                              {{"model.code", node(3)},
                               {"data.autoencode", node(true)},
                               {"loss.name", node("mean_squared_error")}})},
      {"residual", of_kind("residual", 5)},
      {"residual_rezero", of_kind("residual", 3, {{"model.rezero", node(true)}})},
      {"highway", of_kind("highway", 3)},
      {"dropout", {{"model.layers", {noisy, {}}}}},
      {"cnn", of_kind("cnn", 2, {{"model.width", node(3)}, {"model.pool_every", node(2)}})},
      {"rnn", sums("rnn", 2)},
      {"lstm", sums("lstm", 1)},
      {"gru", sums("gru", 1)},
      {"targets_at_each_step",
       of_kind("gru", 1, {{"data.name", node("copy_memory")}, {"data.delay", node(2)}})},
  };
}

class SingleExamples {
 public:
  explicit SingleExamples(const std::vector<Setting>& settings, int examples = 11)
      : run(configured(with({{"data.name", node("digits")},
                             {"data.train", node(60)},
                             {"data.valid", node(0)},
                             {"model.precision", node("float64")},
                             {"train.batch", node(examples)},
                             {"train.steps", node(2)}},
                            settings))),
        data_(run.data->load({})),
        batch_(data_, run.batch, run.input()),
        network(run.model, run.input(), run.data->outputs(), run.batch),
        parameters(network.layout().size()),
        gradient(network.layout().size()) {
    batch_.gather(data_.train, run.batch, [](std::size_t i) { return i; });
    network.initialize(*run.model.initializer, 3, parameters);
    // Biases, gains and scales away from where they start.
    Random random(4, RandomStream::noise, 0);
    for (double& value : parameters) value += 0.1 * random.normal();
  }

  std::size_t rows() const { return run.batch; }
  Targets<double> targets() const { return batch_.targets(); }

  /// The probes' way to the batch: forward and back at these parameters; returns the mean loss.
  double step(const std::vector<double>& at) {
    const MatrixView<const double> outputs = network.forward(at, batch_.inputs(), pass());
    const double sum = run.loss->evaluate(outputs, batch_.targets(), network.output_gradient());
    network.backward(at, batch_.inputs(), gradient);
    return sum / static_cast<double>(outputs.rows);
  }
  Snapshot<double> snapshot() const {
    return {.network = network,
            .parameters = parameters,
            .gradient = gradient,
            .rows = rows(),
            .inputs = batch_.inputs(),
            .targets = batch_.targets(),
            .pass = pass()};
  }
  Update<double> update(const std::vector<double>& after) const {
    return {.network = network,
            .before = parameters,
            .after = after,
            .gradient = gradient,
            .rows = rows(),
            .inputs = batch_.inputs(),
            .targets = batch_.targets(),
            .pass = pass()};
  }

  /// The gradient of each example's loss.
  Rows gradients(const std::vector<double>& at) {
    Rows all;
    for (std::size_t i = 0; i < rows(); ++i) {
      const MatrixView<const double> outputs = network.forward(at, batch_.inputs(), pass());
      const MatrixView<double> slopes = network.output_gradient();
      run.loss->evaluate(outputs, batch_.targets(), slopes);
      for (std::size_t row = 0; row < slopes.rows; ++row) {
        if (row % rows() != i) std::fill_n(slopes.row(row), slopes.cols, 0.0);
      }
      Row g(parameters.size());
      network.backward(at, batch_.inputs(), g);
      for (double& value : g) value *= static_cast<double>(rows());
      all.push_back(g);
    }
    return all;
  }
  /// The loss of each example.
  Row losses(const std::vector<double>& at) {
    const MatrixView<const double> outputs = network.forward(at, batch_.inputs(), pass());
    const std::size_t count = outputs.rows / rows();
    Row all(rows());
    for (std::size_t row = 0; row < outputs.rows; ++row) {
      const Targets<double> targets = batch_.targets();
      Targets<double> target;
      if (!targets.labels.empty()) target.labels = targets.labels.subspan(row, 1);
      if (targets.labels.empty()) {
        target.values = {targets.values.row(row), 1, targets.values.cols, targets.values.stride};
      }
      all[row % rows()] +=
          run.loss->evaluate({outputs.row(row), 1, outputs.cols, outputs.stride}, target, {}) /
          static_cast<double>(count);
    }
    return all;
  }

  RunConfiguration run;

 private:
  static Pass pass() { return {.seed = 5, .step = 2}; }

  Dataset data_;
  GatheredBatch<double> batch_;

 public:
  Network<double> network;
  std::vector<double> parameters;
  std::vector<double> gradient;
};

inline Row mean_of(const Rows& rows) {
  Row mean(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t j = 0; j < mean.size(); ++j)
      mean[j] += row[j] / static_cast<double>(rows.size());
  }
  return mean;
}

inline double naive_product(const Row& u, const Row& v) {
  long double sum = 0;
  for (std::size_t j = 0; j < u.size(); ++j) sum += static_cast<long double>(u[j]) * v[j];
  return static_cast<double>(sum);
}

/// The part of each row that a tensor takes.
inline Rows parts_of(const Rows& rows, const ParameterTensor& tensor) {
  Rows parts;
  for (const Row& row : rows) parts.push_back(part_of(row, tensor));
  return parts;
}

}  // namespace plumbline
