// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "engine/core/random.hpp"
#include "engine/core/tensor.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/network.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/training/batches.hpp"

namespace plumbline {

/// The loss over the examples that stand in a batch, as an optimizer may ask for it. Works in the
/// network's own buffers, so each call overwrites what the last pass left there.
template <typename T>
class BatchObjective final : public Objective<T> {
 public:
  /// All three must outlive the objective.
  BatchObjective(Network<T>& network, const Loss& loss, const GatheredBatch<T>& batch,
                 std::int64_t seed)
      : network_(network), loss_(loss), batch_(batch), seed_(seed) {}

  /// What the passes from now on are like: the noise of the step at hand.
  void set_pass(const Pass& pass) { pass_ = pass; }

  double loss(std::span<const T> parameters) override {
    return loss_.evaluate(network_.forward(parameters, batch_.inputs(), pass_), batch_.targets(),
                          {}) /
           rows();
  }
  double gradient(std::span<const T> parameters, std::span<T> gradient) override {
    return back(parameters, network_.forward(parameters, batch_.inputs(), pass_), batch_.targets(),
                gradient);
  }
  void gauss_newton_product(std::span<const T> parameters, std::span<const T> direction,
                            std::span<T> product) override {
    const MatrixView<const T> outputs = network_.forward(parameters, batch_.inputs(), pass_);
    const MatrixView<const T> along = network_.tangent(parameters, direction, batch_.inputs());
    loss_.curvature_product(outputs, batch_.targets(), along, network_.output_gradient());
    network_.backward(parameters, batch_.inputs(), product);
  }
  void sampled_gradient(std::span<const T> parameters, std::uint32_t draw,
                        std::span<T> gradient) override {
    const MatrixView<const T> outputs = network_.forward(parameters, batch_.inputs(), pass_);
    Random random(seed_, RandomStream::noise, draw);
    loss_.sample_targets(outputs, random, sampled_);
    back(parameters, outputs, sampled_.targets(), gradient);
  }
  typename Objective<T>::LayerPass layer_pass(std::size_t tensor) override {
    const std::size_t layer = network_.layout().tensors()[tensor].layer - 1;
    return {network_.layer(layer).input(), network_.layer(layer).error_signal()};
  }
  std::size_t examples() const override { return batch_.target_rows(); }

 private:
  double rows() const { return static_cast<double>(batch_.target_rows()); }

  // From the outputs of the last forward pass.
  double back(std::span<const T> parameters, MatrixView<const T> outputs, const Targets<T>& targets,
              std::span<T> gradient) {
    const double sum = loss_.evaluate(outputs, targets, network_.output_gradient());
    network_.backward(parameters, batch_.inputs(), gradient);
    return sum / rows();
  }

  Network<T>& network_;
  const Loss& loss_;
  const GatheredBatch<T>& batch_;
  std::int64_t seed_;
  Pass pass_;
  DrawnTargets<T> sampled_;
};

}  // namespace plumbline
