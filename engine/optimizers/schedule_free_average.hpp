// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/core/settings.hpp"
#include "engine/core/state_archive.hpp"

namespace plumbline {

/// How the Schedule-Free methods weight their average x of the points z: x <- (1 - c) x + c z.
///   squared_lr   c_t = gamma_t^2 / (gamma_1^2 + ... + gamma_t^2), so that steps of a warm-up count
///                little; gamma_t is the learning rate of step t, warm-up and factor in it
///   uniform      c_t = 1 / (t + 1), equation 5: x is the plain mean of the start and z_1, ..., z_t
class ScheduleFreeAverage {
 public:
  explicit ScheduleFreeAverage(Settings& settings)
      : warmup_steps_(static_cast<double>(
            settings.integer("warmup_steps", 0, kNonNegative,
                             "the learning rate rises linearly over so many steps"))),
        squared_lr_(settings.choice("averaging", "squared_lr", {"squared_lr", "uniform"},
                                    "weight of a step in the average of the parameters") ==
                    "squared_lr") {}

  /// min(1, t / warmup_steps).
  double warm_up(std::int64_t t) const {
    return warmup_steps_ > 0 ? std::min(1.0, static_cast<double>(t) / warmup_steps_) : 1.0;
  }

  /// c_t; to be called once a step. 0 while every gamma was 0: z has not moved then.
  double share(std::int64_t t, double gamma) {
    if (!squared_lr_) return 1 / static_cast<double>(t + 1);
    sum_ += gamma * gamma;
    return sum_ > 0 ? gamma * gamma / sum_ : 0;
  }
  void archive(StateArchive& kept) { kept(sum_); }

 private:
  double warmup_steps_;
  bool squared_lr_;
  double sum_ = 0;
};

}  // namespace plumbline
