// SPDX-License-Identifier: Apache-2.0
#include "engine/training/explained_step.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <utility>

#include "engine/training/trainer.hpp"

namespace plumbline {

namespace {

template <typename T>
std::vector<double> row_of(MatrixView<const T> matrix, std::size_t row) {
  return {matrix.row(row), matrix.row(row) + matrix.cols};
}

template <typename T>
std::vector<double> target_of(const Targets<T>& targets, std::size_t row, std::size_t outputs) {
  if (targets.labels.empty()) return row_of<T>(targets.values, row);
  if (outputs == 1) return {static_cast<double>(targets.labels[row])};
  std::vector<double> one_hot(outputs);
  one_hot[static_cast<std::size_t>(targets.labels[row])] = 1;
  return one_hot;
}

// The row alone as targets.
template <typename T>
Targets<T> only(const Targets<T>& targets, std::size_t row) {
  if (!targets.labels.empty()) return {targets.labels.subspan(row, 1), {}};
  const MatrixView<const T>& values = targets.values;
  return {{}, {values.row(row), 1, values.cols, values.stride}};
}

class StepTaker final : public TrainingObserver {
 public:
  StepTaker(const RunConfiguration& run, std::int64_t step) : run_(run), step_(step) {}

  bool before_update(const StepView<float>& view) override { return look(view); }
  bool before_update(const StepView<double>& view) override { return look(view); }
  bool after_update(std::span<const float> parameters) override { return finish(parameters); }
  bool after_update(std::span<const double> parameters) override { return finish(parameters); }

  /// Once its update is done.
  std::optional<ExplainedStep> taken;

 private:
  template <typename T>
  bool look(const StepView<T>& view) {
    if (view.step != step_) return true;
    seen_ = ExplainedStep{.step = step_,
                          .layout = view.network.layout(),
                          .before = {view.parameters.begin(), view.parameters.end()},
                          .gradient = {view.gradient.begin(), view.gradient.end()},
                          .after = {},
                          .state_before = view.optimizer.state(),
                          .state_after = {},
                          .rules = {},
                          .loss = view.loss,
                          .schedule_factor = run_.schedule->factor(step_ + 1, run_.steps),
                          .examples = {}};
    for (std::size_t row = 0; row < view.inputs.rows; ++row) {
      seen_->examples.push_back(example(view, row));
    }
    for (const ParameterTensor& tensor : seen_->layout.tensors()) {
      seen_->rules.push_back(view.optimizer.rules(tensor));
    }
    state_ = [&optimizer = view.optimizer] { return optimizer.state(); };
    return true;
  }

  template <typename T>
  ExplainedExample example(const StepView<T>& view, std::size_t row) const {
    const Network<T>& network = view.network;
    const MatrixView<const T> outputs = network.layer(network.depth() - 1).output();
    ExplainedExample example;
    example.inputs = row_of<T>(view.inputs, row);
    example.target = target_of(view.targets, row, outputs.cols);
    for (std::size_t l = 0; l < network.depth(); ++l) {
      example.layers.push_back({row_of<T>(network.layer(l).pre_activation(), row),
                                row_of<T>(network.layer(l).output(), row),
                                row_of<T>(network.layer(l).error_signal(), row)});
    }
    // The net's own dL_i/dy may already be overwritten by dL_i/dz.
    std::vector<T> slope(outputs.cols);
    example.loss =
        run_.loss->evaluate({outputs.row(row), 1, outputs.cols, outputs.stride},
                            only(view.targets, row), {slope.data(), 1, slope.size(), slope.size()});
    example.loss_slope.assign(slope.begin(), slope.end());
    return example;
  }

  template <typename T>
  bool finish(std::span<const T> parameters) {
    if (!seen_) return true;
    seen_->after.assign(parameters.begin(), parameters.end());
    seen_->state_after = state_();
    taken = std::move(seen_);
    return false;
  }

  const RunConfiguration& run_;
  std::int64_t step_;
  std::optional<ExplainedStep> seen_;
  std::function<std::vector<StateBlock>()>
      state_;  // of the run's optimizer, whatever its precision
};

}  // namespace

Explanation explain_step(RunConfiguration run, const Dataset& data, std::int64_t step) {
  if (step < 0 || step >= run.steps) {
    throw std::invalid_argument("the run has " + std::to_string(run.steps) +
                                " updates, counted from 0; there is no step " +
                                std::to_string(step));
  }
  run.probes.clear();
  run.evaluation = Sampling();
  StepTaker taker(run, step);
  const std::atomic<bool> stop{false};
  const std::optional<RunRecord> ended_early = train_observed(run, data, stop, taker);
  return {std::move(taker.taken), ended_early ? ended_early->message : ""};
}

}  // namespace plumbline
