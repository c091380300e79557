// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/profile/step_clock.hpp"

#include <algorithm>
#include <chrono>

namespace plumbline {

Nanoseconds steady_nanoseconds() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

StepClock::StepClock(std::size_t layers, Nanoseconds (*now)())
    : layers_(layers), now_(now), step_(slots(), kNotEntered) {}

// The phases, each with a slot for the whole net, then forward and backward of each layer.
std::size_t StepClock::slot(Phase phase, std::size_t layer) const {
  if (layer == 0) return static_cast<std::size_t>(phase);
  return kPhases + layer - 1 + (phase == Phase::backward ? layers_ : 0);
}

void StepClock::enter(Phase phase, std::size_t layer) {
  const Nanoseconds now = now_();
  if (current_ == kOutside) {
    if (phase != Phase::data) return;
    begin_ = now;
  } else {
    step_[current_] += now - last_;
  }
  current_ = slot(phase, layer);
  step_[current_] = std::max<Nanoseconds>(step_[current_], 0);
  last_ = now;
}

void StepClock::end_step(bool keep) {
  if (current_ == kOutside) return;
  const Nanoseconds now = now_();
  step_[current_] += now - last_;
  if (keep) {
    times_.insert(times_.end(), step_.begin(), step_.end());
    totals_.push_back(now - begin_);
  }
  std::ranges::fill(step_, kNotEntered);
  current_ = kOutside;
}

}  // namespace plumbline
