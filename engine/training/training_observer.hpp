// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "engine/core/matrix_view.hpp"
#include "engine/core/phase_clock.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/network.hpp"
#include "engine/optimizers/optimizer.hpp"

namespace plumbline {

/// A training run right after the backward pass over the batch of one step, before the update. All of
/// it lives in the run.
template <typename T>
struct StepView {
  std::int64_t step = 0;  ///< updates so far
  Network<T>& network;    ///< an observer that runs it must end the training run
  std::span<const T> parameters;
  std::span<const T> gradient;
  MatrixView<const T> inputs;
  Targets<T> targets;
  double loss = 0;  ///< mean over the batch
  const Optimizer<T>& optimizer;
  Pass pass;  ///< what the forward pass was like
};

/// Looks into a training run, step by step, on the run's own thread. Where a function returns false the
/// run ends there.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;

  virtual bool before_update(const StepView<float>& view) = 0;
  virtual bool before_update(const StepView<double>& view) = 0;
  virtual bool after_update(std::span<const float> parameters) = 0;
  virtual bool after_update(std::span<const double> parameters) = 0;

  /// Asked once, before the first step: who is told of the phases of each step; null for nobody. Only
  /// the step's own passes are told of: those of an optimizer or an evaluation are parts of theirs.
  virtual PhaseClock* clock() { return nullptr; }
};

}  // namespace plumbline
