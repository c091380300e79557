// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace plumbline {

/// What a training run does, in the order of a step.
enum class Phase : std::size_t {
  data,        ///< gathers the batch
  forward,     ///< of one layer
  loss,        ///< the loss and its slope in the outputs
  backward,    ///< of one layer: error signal, gradients, slope in its inputs
  probes,      ///< measures the layers, at the steps where a probe is due
  evaluation,  ///< loss and accuracy over whole sets, at the steps where they are due
  optimizer,   ///< the update, with all passes over the batch that the rule asks for
  other        ///< what is left: the search for divergence, and whoever observes the run
};
inline constexpr std::size_t kPhases = 8;

constexpr std::string_view to_string(Phase phase) {
  constexpr std::array<std::string_view, kPhases> kNames = {
      "data", "forward", "loss", "backward", "probes", "evaluation", "optimizer", "other"};
  return kNames[static_cast<std::size_t>(phase)];
}

/// Is told where a training run goes, on the run's own thread. It sees no number of the run, and
/// changes none.
class PhaseClock {
 public:
  virtual ~PhaseClock() = default;

  /// The phase before ends here and this one begins. `layer` counts from 1 at the input side; 0 for a
  /// phase of the whole net.
  virtual void enter(Phase phase, std::size_t layer) = 0;
};

/// Tells the clock, where there is one.
inline void enter(PhaseClock* clock, Phase phase, std::size_t layer = 0) {
  if (clock != nullptr) clock->enter(phase, layer);
}

}  // namespace plumbline
