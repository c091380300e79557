// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <regex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/catalogue.hpp"
#include "engine/core/random.hpp"
#include "engine/core/settings.hpp"
#include "engine/core/tensor.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/network.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/training/divergence.hpp"

namespace plumbline {

/// A net 784-W^L-10 and the examples in a step of it.
struct StepShape {
  std::string activation = "relu";
  std::int64_t width = 0;
  std::int64_t depth = 0;
  std::size_t batch = 0;

  static constexpr std::size_t kFeatures = 784;
  static constexpr std::size_t kOutputs = 10;

  /// "relu/width:64/depth:50/batch:32".
  std::string name() const {
    return activation + "/width:" + std::to_string(width) + "/depth:" + std::to_string(depth) +
           "/batch:" + std::to_string(batch);
  }
};

/// The shape that "WIDTHxDEPTHxBATCH" means, as in "64x50x32". Throws std::invalid_argument.
inline StepShape parse_shape(const std::string& text) {
  static const std::regex pattern("([1-9][0-9]{0,6})x([1-9][0-9]{0,6})x([1-9][0-9]{0,6})");
  std::smatch part;
  if (!std::regex_match(text, part, pattern)) {
    throw std::invalid_argument("'" + text + "' is no WIDTHxDEPTHxBATCH such as 64x50x32");
  }
  return {"relu", std::stoll(part[1]), std::stoll(part[2]), std::stoul(part[3])};
}

/// The model of `shape` with its settings read as from a definition.
inline ModelSettings model_settings(const StepShape& shape) {
  SettingsTable given;
  given.set("activation", {shape.activation, {}});
  given.set("initializer", {std::string("he_uniform"), {}});
  given.set("width", {shape.width, {}});
  given.set("depth", {shape.depth, {}});
  SettingsReport report;
  Settings settings(given, "model", report);
  ModelSettings model = ModelSettings::read(settings);
  if (!report.problems.empty()) throw std::invalid_argument(report.problems.front().message);
  return model;
}

/// A plug-in with its default settings, made by `construct(entry, settings)`.
template <class Entry, class Construct>
auto make_default(const Catalogue<Entry>& catalogue, std::string_view name,
                  const Construct& construct) {
  const Entry* entry = catalogue.find(name);
  if (entry == nullptr) throw std::invalid_argument("no plug-in '" + std::string(name) + "'");
  const SettingsTable nothing_given;
  SettingsReport report;
  Settings settings(nothing_given, std::string(name), report);
  return construct(*entry, settings);
}

/// The training step of a shape, forward + loss + backward + search for divergence + Adam, under
/// cross-entropy on one fixed random batch: as the trainer takes it, but for gathering the batch and
/// for what is measured at some steps only.
template <typename T>
class TrainingStep {
 public:
  explicit TrainingStep(const StepShape& shape) : TrainingStep(shape, model_settings(shape)) {}

  /// Takes one step; the mean loss of the batch before it. Throws where the net has diverged: its
  /// time would be another one.
  double step() {
    const MatrixView<const T> outputs = network_.forward(parameters_, inputs());
    const double loss =
        loss_->evaluate(outputs, Targets<T>{labels_, {}}, network_.output_gradient()) /
        static_cast<double>(network_.batch());
    network_.backward(parameters_, inputs(), gradient_);
    if (!network_.finite() || !std::isfinite(loss)) {
      throw std::runtime_error("not finite: " + find_divergence<T>(steps_, network_.layout(),
                                                                   parameters_, loss, gradient_));
    }
    optimizer_->step(parameters_, gradient_, {++steps_, 1.0});
    return loss;
  }

  /// Floating-point operations of the three products of each layer, 2 a weight and example; layer 1
  /// needs no gradient of its inputs.
  double operations() const {
    double weights = 0;
    for (const ParameterTensor& tensor : network_.layout().tensors()) {
      if (tensor.group != ParameterGroup::bias) weights += static_cast<double>(tensor.size());
    }
    const auto first = static_cast<double>(network_.layout().tensors().front().size());
    return (6 * weights - 2 * first) * static_cast<double>(network_.batch());
  }

  MatrixView<const T> inputs() const {
    return {inputs_.data(), network_.batch(), StepShape::kFeatures, inputs_.shape()[1]};
  }
  std::span<const std::int32_t> labels() const { return labels_; }
  const ParameterLayout& layout() const { return network_.layout(); }
  std::span<const T> parameters() const { return parameters_; }

 private:
  static constexpr std::int64_t kSeed = 1;

  TrainingStep(const StepShape& shape, const ModelSettings& model)
      : network_(model, StepShape::kFeatures, StepShape::kOutputs, shape.batch),
        parameters_(network_.layout().size()),
        gradient_(network_.layout().size()),
        inputs_(typename Matrix<T>::shape_type{shape.batch, padded_stride<T>(StepShape::kFeatures)},
                T(0)),
        labels_(shape.batch),
        loss_(make_default(loss_catalogue(), "cross_entropy",
                           [](const LossEntry& entry, Settings& own) { return entry.make(own); })),
        optimizer_(make_default(optimizer_catalogue(), "adam",
                                [this](const OptimizerEntry& entry, Settings& own) {
                                  return entry.make<T>(own, network_.layout());
                                })) {
    network_.initialize(*model.initializer, kSeed, parameters_);
    Random random(kSeed, RandomStream::data, 0);
    for (std::size_t row = 0; row < shape.batch; ++row) {
      for (std::size_t j = 0; j < StepShape::kFeatures; ++j) {
        inputs_(row, j) = static_cast<T>(random.normal());
      }
      labels_[row] = static_cast<std::int32_t>(random.below(StepShape::kOutputs));
    }
  }

  Network<T> network_;
  std::vector<T> parameters_;
  std::vector<T> gradient_;
  Matrix<T> inputs_;
  std::vector<std::int32_t> labels_;
  std::shared_ptr<const Loss> loss_;
  std::unique_ptr<Optimizer<T>> optimizer_;
  std::int64_t steps_ = 0;
};

}  // namespace plumbline
