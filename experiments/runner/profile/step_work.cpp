// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/step_work.hpp"

#include <algorithm>
#include <limits>

#include "engine/core/parameters.hpp"
#include "engine/layers/pass_cost.hpp"

namespace plumbline {

namespace {

enum class Kind { batch, parameters, pre_activation, outputs, error_signal, gradient, state };

/// What one layer has of a kind; layer 0 has the batch.
struct Block {
  Kind kind;
  std::size_t layer = 0;
  double bytes = 0;

  bool is(const Block& other) const { return kind == other.kind && layer == other.layer; }
};

/// A use of a block by a phase.
struct Use {
  std::size_t phase = 0;  ///< in StepWork::phases
  Block block;
  double touches = 1;  ///< 2: read and written
};

/// The blocks in the order of their last use, the latest first.
class RecentlyUsed {
 public:
  /// The bytes used since the last use of the block, its own included; infinite for the first use.
  double use(const Block& block) {
    double bytes = 0;
    for (auto recent = blocks_.begin(); recent != blocks_.end(); ++recent) {
      bytes += recent->bytes;
      if (!recent->is(block)) continue;
      std::rotate(blocks_.begin(), recent, recent + 1);
      return bytes;
    }
    blocks_.insert(blocks_.begin(), block);
    return std::numeric_limits<double>::infinity();
  }
  double bytes() const {
    double sum = 0;
    for (const Block& block : blocks_) sum += block.bytes;
    return sum;
  }

 private:
  std::vector<Block> blocks_;
};

/// Of one example.
struct LayerShape {
  double weights = 0;   ///< multiply-adds
  double of_state = 0;  ///< of them in the slopes of the layer's own state
  double units = 0;
  double outputs = 0;
  double parameters = 0;  ///< weights, biases and all others; not of an example but of the layer
};

/// Of the layers that stand on each other; one that is made of several counts as a whole.
std::vector<LayerShape> layer_shapes(const RunConfiguration& run) {
  std::vector<LayerShape> layers;
  const StackKind kinds = run.model.layers(run.data->outputs());
  kinds.for_each(run.input(), [&](const LayerKind& kind, const Shape& input) {
    TensorList tensors;
    kind.declare(input, tensors);
    const ParameterLayout layout = tensors.layout();
    const auto outputs = static_cast<double>(kind.output(input).size());
    const double units =
        kind.is_dense() ? static_cast<double>(layout.tensors().front().rows) : outputs;
    layers.push_back({std::max(kind.products(input) - units, 0.0), state_products(kind, input),
                      units, outputs, static_cast<double>(layout.size())});
  });
  return layers;
}

/// Appends the phases of a step in their order, and what they use.
class Count {
 public:
  Count(const RunConfiguration& run, std::size_t optimizer_state)
      : layers_(layer_shapes(run)),
        batch_(static_cast<double>(run.batch)),
        number_(run.model.precision == Precision::float64 ? sizeof(double) : sizeof(float)),
        state_(static_cast<double>(optimizer_state)),
        features_(static_cast<double>(run.data->features())),
        target_(static_cast<double>(run.data->target_steps()) *
                (run.data->has_labels()
                     ? sizeof(std::int32_t)
                     : sizeof(float) * static_cast<double>(run.data->outputs()))) {
    for (const LayerShape& layer : layers_) parameters_ += layer.parameters;
    const std::size_t depth = layers_.size();
    count_data();
    for (std::size_t l = 1; l <= depth; ++l) count_forward(l);
    count_loss();
    for (std::size_t l = depth; l >= 1; --l) count_backward(l);
    count_optimizer();
  }

  /// Of a row of the training set with its target.
  double row_bytes() const { return features_ * sizeof(float) + target_; }

  StepWork work;
  std::vector<Use> uses;

 private:
  const LayerShape& layer(std::size_t l) const { return layers_[l - 1]; }

  Block block(Kind kind, std::size_t l) const {
    if (l == 0) return {Kind::batch, 0, number_ * batch_ * features_};
    const LayerShape& shape = layer(l);
    switch (kind) {
      case Kind::parameters:
      case Kind::gradient:
        return {kind, l, number_ * shape.parameters};
      case Kind::state:
        return {kind, l, number_ * state_ * shape.parameters / parameters_};
      case Kind::pre_activation:
        return {kind, l, number_ * batch_ * shape.units};
      case Kind::error_signal:
        return {kind, l, number_ * batch_ * std::max(shape.units, shape.outputs)};
      case Kind::outputs:
      case Kind::batch:
        break;
    }
    return {Kind::outputs, l, number_ * batch_ * shape.outputs};
  }

  void begin(Phase phase, std::size_t l, double flops) {
    work.phases.push_back({phase, l, flops, 0, 0});
  }
  void use(Kind kind, std::size_t l, double touches = 1) {
    uses.push_back({work.phases.size() - 1, block(kind, l), touches});
  }

  void count_data() {
    begin(Phase::data, 0, 0);
    work.phases.back().bytes = batch_ * row_bytes();
    use(Kind::batch, 0);
  }
  void count_forward(std::size_t l) {
    begin(Phase::forward, l, 2 * batch_ * layer(l).weights + batch_ * layer(l).units);
    use(Kind::outputs, l - 1);
    use(Kind::parameters, l);
    use(Kind::pre_activation, l);
    use(Kind::outputs, l);
  }
  void count_loss() {
    const std::size_t last = layers_.size();
    begin(Phase::loss, 0, 2 * batch_ * layer(last).outputs);
    use(Kind::outputs, last);
    use(Kind::error_signal, last);
  }
  void count_backward(std::size_t l) {
    const double slopes = l == 1 ? layer(l).of_state : layer(l).weights;
    begin(Phase::backward, l,
          2 * batch_ * (layer(l).weights + slopes) + 3 * batch_ * layer(l).units);
    use(Kind::pre_activation, l);
    use(Kind::outputs, l);
    use(Kind::error_signal, l, 2);
    use(Kind::outputs, l - 1);
    use(Kind::gradient, l);
    if (l == 1) return;
    use(Kind::parameters, l);
    use(Kind::error_signal, l - 1);
  }
  void count_optimizer() {
    begin(Phase::optimizer, 0, 2 * (parameters_ + state_));
    for (std::size_t l = 1; l <= layers_.size(); ++l) {
      use(Kind::parameters, l, 2);
      use(Kind::gradient, l);
      if (state_ > 0) use(Kind::state, l, 2);
    }
  }

  std::vector<LayerShape> layers_;
  double batch_;
  double number_;  // bytes of one
  double state_;
  double parameters_ = 0;
  double features_;
  double target_;
};

PhaseWork evaluation_of(const StepWork& work, double batches) {
  PhaseWork sum{Phase::evaluation, 0, 0, 0, 0};
  for (const PhaseWork& phase : work.phases) {
    if (phase.phase != Phase::forward && phase.phase != Phase::data) continue;
    sum.flops += batches * phase.flops;
    sum.bytes += batches * phase.bytes;
    sum.bytes_beyond_l2 += batches * phase.bytes_beyond_l2;
  }
  return sum;
}

}  // namespace

StepWork step_work(const RunConfiguration& run, std::size_t optimizer_state, double l2_bytes) {
  Count count(run, optimizer_state);
  StepWork work = std::move(count.work);
  RecentlyUsed recent;
  for (const Use& use : count.uses) {
    recent.use(use.block);
    work.phases[use.phase].bytes += use.touches * use.block.bytes;
  }
  work.working_set = recent.bytes();
  // In the second step every block has a last use.
  for (const Use& use : count.uses) {
    if (recent.use(use.block) <= l2_bytes) continue;
    work.phases[use.phase].bytes_beyond_l2 += use.touches * use.block.bytes;
  }
  const SplitSizes sizes = run.data->sizes();
  const double set = static_cast<double>(sizes.train) * count.row_bytes();
  if (set + work.working_set > l2_bytes) {
    work.phases.front().bytes_beyond_l2 += static_cast<double>(run.batch) * count.row_bytes();
  }
  work.evaluation = evaluation_of(
      work, static_cast<double>(sizes.train + sizes.valid) / static_cast<double>(run.batch));
  return work;
}

}  // namespace plumbline
