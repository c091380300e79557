// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "engine/core/settings.hpp"

namespace plumbline {

/// At which steps something is recorded: every k steps, at a list of steps, or at about n steps
/// that are evenly spaced in ln(step). Step s is the state after s updates; step 0, before the first
/// update, and the last step belong to every sampling.
class Sampling {
 public:
  /// Step 0 and the last step.
  Sampling() = default;
  /// Reads `every`, `steps` or `log_spaced`, of which at most one may be given. Where none is, the
  /// sampling has step 0 and the last step alone.
  explicit Sampling(Settings& settings);

  /// At least the number of steps that steps(last) has, without making them.
  double at_most(std::int64_t last) const;
  /// The steps in rising order, for a run of `last` updates.
  std::vector<std::int64_t> steps(std::int64_t last) const { return steps(last, last); }
  /// For one that is meant to have `last` and ends after `end` of them: the steps before that are those
  /// of the whole run.
  std::vector<std::int64_t> steps(std::int64_t last, std::int64_t end) const;

 private:
  std::int64_t every_ = 0;
  std::vector<std::int64_t> listed_;
  std::int64_t log_spaced_ = 0;
};

}  // namespace plumbline
