// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/core/phase_clock.hpp"

namespace plumbline {

/// Nanoseconds of a clock that never goes back.
using Nanoseconds = std::int64_t;
Nanoseconds steady_nanoseconds();

/// Tells, for each step, how long the run was in each phase of each layer. One reading of the time ends
/// a phase and begins the next, so the phases of a step add up to the step exactly.
class StepClock final : public PhaseClock {
 public:
  /// For a net of so many weight layers.
  explicit StepClock(std::size_t layers, Nanoseconds (*now)() = steady_nanoseconds);

  /// Outside a step, Phase::data begins one, and others are not heard.
  void enter(Phase phase, std::size_t layer) override;
  /// Ends the step, and keeps its times if so wanted.
  void end_step(bool keep);

  std::size_t steps() const { return totals_.size(); }
  std::size_t layers() const { return layers_; }
  /// Of a step that was kept.
  Nanoseconds total(std::size_t step) const { return totals_[step]; }
  /// The time in a phase, or kNotEntered.
  Nanoseconds time(std::size_t step, Phase phase, std::size_t layer) const {
    return times_[step * slots() + slot(phase, layer)];
  }
  static constexpr Nanoseconds kNotEntered = -1;

 private:
  static constexpr std::size_t kOutside = static_cast<std::size_t>(-1);

  std::size_t slots() const { return kPhases + 2 * layers_; }
  std::size_t slot(Phase phase, std::size_t layer) const;

  std::size_t layers_;
  Nanoseconds (*now_)();
  Nanoseconds begin_ = 0;           // of the step
  Nanoseconds last_ = 0;            // when the phase began
  std::size_t current_ = kOutside;  // slot
  std::vector<Nanoseconds> step_;   // the times of the step at hand
  std::vector<Nanoseconds> times_;  // steps x slots
  std::vector<Nanoseconds> totals_;
};

}  // namespace plumbline
