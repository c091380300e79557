// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/parameters.hpp"
#include "engine/datasets/dataset.hpp"
#include "engine/training/run_configuration.hpp"

namespace plumbline {

/// What one example of a batch leaves in the net on its way forward and back.
struct ExplainedExample {
  struct Layer {
    std::vector<double> z;      ///< pre-activations
    std::vector<double> a;      ///< outputs; of the last layer y
    std::vector<double> delta;  ///< dL_i/dz
  };
  std::vector<double> inputs;
  std::vector<double> target;  ///< the one-hot row where it is a label
  std::vector<Layer> layers;
  double loss = 0;                 ///< L_i
  std::vector<double> loss_slope;  ///< dL_i/dy
};

/// One step of a training run with all of its numbers, as the run had them (single precision too).
/// The blocks have the order of the layout.
struct ExplainedStep {
  std::int64_t step = 0;  ///< updates before it
  ParameterLayout layout;
  std::vector<double> before;
  std::vector<double> gradient;  ///< of the loss
  std::vector<double> after;
  std::vector<StateBlock> state_before;  ///< of the optimizer
  std::vector<StateBlock> state_after;
  std::vector<std::vector<UpdateRule>> rules;  ///< that move each tensor
  double loss = 0;                             ///< mean of L_i
  double schedule_factor = 1;                  ///< of its update
  std::vector<ExplainedExample> examples;
};

struct Explanation {
  std::optional<ExplainedStep> step;
  std::string message = {};  ///< why there is no step: the run diverged before its update
};

/// Trains the run's first `step` steps and takes the next one apart. Throws std::invalid_argument
/// where the run has no such update.
Explanation explain_step(RunConfiguration run, const Dataset& data, std::int64_t step);

}  // namespace plumbline
