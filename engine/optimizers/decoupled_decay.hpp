// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "engine/core/settings.hpp"

namespace plumbline {

/// The settings of decoupled weight decay, w <- w - share w beside the step of the gradient, in the
/// two scalings that literature and libraries have:
///   schedule   share = f weight_decay       Loshchilov & Hutter, Algorithm 2: f acts, lr does not
///   lr         share = f lr weight_decay    PyTorch, and most papers after AdamW
/// with f the schedule's factor.
class DecoupledDecay {
 public:
  DecoupledDecay(Settings& settings, double rate, std::string_view scale)
      : rate_(settings.number("weight_decay", rate, kNonNegative,
                              "share of a parameter that a step takes off, before scaling")),
        times_lr_(settings.choice("decay_scale", scale, {"schedule", "lr"},
                                  "what multiplies weight_decay: the schedule's factor alone, or "
                                  "the learning rate with it") == "lr") {}

  double share(double lr, double schedule_factor) const {
    return schedule_factor * (times_lr_ ? lr : 1) * rate_;
  }

 private:
  double rate_;
  bool times_lr_;
};

}  // namespace plumbline
