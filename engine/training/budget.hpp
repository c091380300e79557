// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/settings.hpp"

namespace plumbline {

/// The most updates that a setting may ask of a run: the step axis of a results file is a 32-bit integer.
inline constexpr std::int64_t kMostUpdates = 2'147'483'647;

/// What an evaluation finds (`train.evaluate`), in the order of records.
enum class EvaluatedMetric : std::size_t { train_loss, train_accuracy, valid_loss, valid_accuracy };
/// Their names in definitions and results.
const std::vector<std::string>& evaluated_names();
/// One evaluation: a value of each.
using EvaluatedValues = std::array<double, 4>;

/// "valid_accuracy at least 0.9": what a run may be trained for.
struct Target {
  EvaluatedMetric metric = EvaluatedMetric::valid_accuracy;
  std::optional<double> at_least;  ///< this or the other
  std::optional<double> at_most;

  /// False for NaN.
  bool reached_by(const EvaluatedValues& values) const;
};

/// What ends a run before `train.steps`. It is complete then; schedules go by train.steps all the same, so
/// a run that ends early has made the first steps of the one that does not.
struct Budget {
  std::int64_t max_steps = 0;  ///< updates; 0 for no limit
  double max_seconds = 0;      ///< of the steady clock, looked at once a step; 0 for no limit
  std::optional<Target> target;

  bool any() const { return max_steps > 0 || max_seconds > 0 || target.has_value(); }
};

/// Reads `max_steps`, `max_seconds` and `target`. One that is not given, or that ends no run of `steps`
/// updates, is no part of what makes a run the same run.
Budget read_budget(Settings& settings, std::int64_t steps);
/// `budget.target` by itself.
Target read_target(Settings& settings);

}  // namespace plumbline
