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
#include "engine/core/shape.hpp"
#include "engine/layers/buffer.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/network.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/training/divergence.hpp"

namespace plumbline {

/// A net with 10 outputs and the examples in a step of it. By its kind it is
///   mlp: 784-W^L-10, dense;
///   residual, residual_batch_norm: the same W^L in pre-activation blocks of two layers;
///   cnn: images of S x S pixels, grey at 28 x 28 (MNIST) and else of three colours (CIFAR), 3 x 3
///     convolutions to W and 2 W channels, each with 2 x 2 max pooling behind it;
///   rnn, gru, lstm: one layer of W units over S steps of two values, whose last step goes on.
struct StepShape {
  std::string activation = "relu";  ///< of an mlp
  std::int64_t width = 0;           ///< W
  std::int64_t depth = 0;           ///< L, or S
  std::size_t batch = 0;
  std::string kind = "mlp";

  static constexpr std::size_t kFeatures = 784;
  static constexpr std::size_t kOutputs = 10;

  bool is_mlp() const { return kind == "mlp"; }
  bool is_residual() const { return kind == "residual" || kind == "residual_batch_norm"; }

  /// "relu/width:64/depth:50/batch:32", "lstm/width:50/depth:50/batch:32".
  std::string name() const {
    return (is_mlp() ? activation : kind) + "/width:" + std::to_string(width) +
           "/depth:" + std::to_string(depth) + "/batch:" + std::to_string(batch);
  }
  Shape input() const {
    const auto size = static_cast<std::size_t>(depth);
    if (is_mlp() || is_residual()) return Shape::vector(kFeatures);
    return kind == "cnn" ? Shape::image(size == 28 ? 1 : 3, size, size) : Shape::sequence(size, 2);
  }
};

/// The shape that "WIDTHxDEPTHxBATCH" means, as in "64x50x32", or "KIND:WIDTHxDEPTHxBATCH". Throws
/// std::invalid_argument.
inline StepShape parse_shape(const std::string& text) {
  static const std::regex pattern(
      "(?:(residual|residual_batch_norm|cnn|rnn|gru|lstm):)?"
      "([1-9][0-9]{0,6})x([1-9][0-9]{0,6})x([1-9][0-9]{0,6})");
  std::smatch part;
  if (!std::regex_match(text, part, pattern)) {
    throw std::invalid_argument("'" + text +
                                "' is no WIDTHxDEPTHxBATCH such as 64x50x32, and no "
                                "KIND:WIDTHxDEPTHxBATCH such as lstm:50x50x32");
  }
  return {"relu", std::stoll(part[2]), std::stoll(part[3]), std::stoul(part[4]),
          part[1].matched ? part[1].str() : "mlp"};
}

/// The model of `shape` with its settings read as from a definition.
inline ModelSettings model_settings(const StepShape& shape) {
  SettingsTable given;
  const auto text = [&](const char* name, const std::string& value) {
    given.set(name, {value, {}});
  };
  if (shape.kind == "cnn") {
    text("kind", "cnn");
    text("activation", "relu");
    text("head", "flatten");
    given.set("widths", {SettingList{{shape.width, {}}, {2 * shape.width, {}}}, {}});
    given.set("pool_every", {std::int64_t{1}, {}});
  } else {
    given.set("width", {shape.width, {}});
    if (shape.is_mlp()) {
      text("activation", shape.activation);
      text("initializer", "he_uniform");
    } else if (shape.is_residual()) {
      text("kind", "residual");
      text("activation", "relu");
      if (shape.kind == "residual_batch_norm") text("normalization", "batch_norm");
    } else {
      text("kind", shape.kind);
    }
    if (shape.is_mlp() || shape.is_residual()) given.set("depth", {shape.depth, {}});
  }
  SettingsReport report;
  Settings settings(given, "model", report);
  ModelSettings model = ModelSettings::read(settings);
  if (!report.problems.empty()) throw std::invalid_argument(report.problems.front().message);
  if (const auto problem = model.problem(shape.input())) {
    throw std::invalid_argument(problem->message);
  }
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

  /// Of a net of dense layers: floating-point operations of the three products of each, 2 a weight
  /// and example; layer 1 needs no gradient of its inputs.
  double operations() const {
    double weights = 0;
    for (const ParameterTensor& tensor : network_.layout().tensors()) {
      if (tensor.is_weight_matrix()) weights += static_cast<double>(tensor.size());
    }
    const auto first = static_cast<double>(network_.layout().tensors().front().size());
    return (6 * weights - 2 * first) * static_cast<double>(network_.batch());
  }

  /// A row for each example, or for each step of each (engine/layers/layer.hpp).
  MatrixView<const T> inputs() const { return inputs_.first_rows(rows_); }
  std::span<const std::int32_t> labels() const { return labels_; }
  const ParameterLayout& layout() const { return network_.layout(); }
  std::span<const T> parameters() const { return parameters_; }

 private:
  static constexpr std::int64_t kSeed = 1;

  TrainingStep(const StepShape& shape, const ModelSettings& model)
      : network_(model, shape.input(), StepShape::kOutputs, shape.batch),
        parameters_(network_.layout().size()),
        gradient_(network_.layout().size()),
        rows_(shape.batch * shape.input().steps),
        inputs_(rows_, shape.input()),
        labels_(shape.batch),
        loss_(make_default(loss_catalogue(), "cross_entropy",
                           [](const LossEntry& entry, Settings& own) { return entry.make(own); })),
        optimizer_(make_default(optimizer_catalogue(), "adam",
                                [this](const OptimizerEntry& entry, Settings& own) {
                                  return entry.make<T>(own, network_.layout());
                                })) {
    network_.initialize(*model.initializer, kSeed, parameters_);
    Random random(kSeed, RandomStream::data, 0);
    const MatrixView<T> inputs = inputs_.first_rows(rows_);
    for (std::size_t row = 0; row < inputs.rows; ++row) {
      for (std::size_t j = 0; j < inputs.cols; ++j) {
        inputs.row(row)[j] = static_cast<T>(random.normal());
      }
      if (row < shape.batch) {
        labels_[row] = static_cast<std::int32_t>(random.below(StepShape::kOutputs));
      }
    }
  }

  Network<T> network_;
  std::vector<T> parameters_;
  std::vector<T> gradient_;
  std::size_t rows_;
  Buffer<T> inputs_;
  std::vector<std::int32_t> labels_;
  std::shared_ptr<const Loss> loss_;
  std::unique_ptr<Optimizer<T>> optimizer_;
  std::int64_t steps_ = 0;
};

}  // namespace plumbline
