// SPDX-License-Identifier: Apache-2.0
// What a probe by itself measures of a net and a batch that a test has.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/probes/probe.hpp"
#include "tests/network/net_and_batch.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {

/// A probe with room for its values.
template <typename T>
class ProbeAlone {
 public:
  ProbeAlone(const std::string& name, const std::vector<Setting>& settings, const ProbedRun& run)
      : kind_(make_plugin(probe_catalogue(), name, settings)), probe_(make_probe<T>(*kind_, run)) {
    for (const Quantity& quantity : kind_->quantities()) {
      names_.push_back(quantity.name);
      values_.emplace_back(size(quantity, run), std::numeric_limits<double>::quiet_NaN());
    }
    for (std::vector<double>& row : values_) rows_.emplace_back(row);
  }

  const ProbeKind& kind() const { return *kind_; }
  Probe<T>& operator*() { return *probe_; }
  Probe<T>* operator->() { return probe_.get(); }
  Readings readings() const { return Readings(rows_); }
  const std::vector<double>& operator[](const std::string& quantity) const {
    for (std::size_t q = 0; q < names_.size(); ++q) {
      if (names_[q] == quantity) return values_[q];
    }
    throw std::out_of_range("no quantity " + quantity);
  }

 private:
  static std::size_t size(const Quantity& quantity, const ProbedRun& run) {
    if (quantity.axis == QuantityAxis::layer) return run.layers;
    if (quantity.axis == QuantityAxis::lag) return run.input.steps;
    return quantity.axis == QuantityAxis::index ? quantity.size : 1;
  }

  std::shared_ptr<const ProbeKind> kind_;
  std::unique_ptr<Probe<T>> probe_;
  std::vector<std::string> names_;
  std::vector<std::vector<double>> values_;
  std::vector<std::span<double>> rows_;
};

/// For probes that ask for none.
class NoExamples final : public FirstExamples<double> {
 public:
  std::size_t size() const override { return 0; }
  MatrixView<const double> inputs(std::size_t /*first*/, std::size_t /*count*/) override {
    return {};
  }
  Targets<double> targets() const override { return {}; }
};

/// What probes ask of a net of dense layers before it is made.
inline ProbedRun probed(const ModelSettings& model, const Loss& loss, std::size_t features,
                        std::size_t outputs, std::size_t batch) {
  const Shape input = Shape::vector(features);
  return {.model = model,
          .loss = loss,
          .input = input,
          .outputs = outputs,
          .batch = batch,
          .train_examples = batch,
          .layers = weight_layers(model, input, outputs),
          .layout = parameter_layout(model, input, outputs)};
}

/// The net and its batch right after step().
template <typename T>
Snapshot<T> snapshot_of(const NetAndBatch<T>& example) {
  return {.network = example.network,
          .parameters = example.parameters,
          .gradient = example.gradient,
          .rows = example.inputs().rows,
          .inputs = example.inputs(),
          .targets = example.targets()};
}

template <typename T>
ProbedRun probed_run(const NetAndBatch<T>& example) {
  return probed(example.model(), example.loss_function(), example.inputs().cols,
                example.naive_targets().front().size(), example.inputs().rows);
}

}  // namespace plumbline
