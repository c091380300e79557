// SPDX-License-Identifier: Apache-2.0
// Which variables the results file of a plan has. What the file is made of is not known here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/training/run_record.hpp"
#include "experiments/runner/plan/plan.hpp"

namespace plumbline {

/// The root attributes that say what kind of file this is. A new schema version goes with a change
/// that a reader of the old one would notice.
inline constexpr const char* kResultsSchema = "plumbline.sweep";
inline constexpr const char* kResultsSchemaVersion = "1.1";

/// A prediction of error_signal: a variable over (run, layer).
struct PredictionVariable {
  const char* name;
  const char* meaning;
  std::vector<double> RunRecord::* values;
  bool is_late = false;  ///< files of schema version 1.0 do not have it
};

inline constexpr std::array<PredictionVariable, 4> kPredictions = {
    {{"theory_error_signal", "mean-field prediction of error_signal at step 0",
      &RunRecord::theory_error_signal},
     {"theory_error_signal_low", "lower edge of the 95 % band of theory_error_signal",
      &RunRecord::theory_error_signal_low},
     {"theory_error_signal_high", "upper edge of the 95 % band of theory_error_signal",
      &RunRecord::theory_error_signal_high},
     {"theory_error_signal_z",
      "ln of error_signal^2 at step 0 against its predicted mean, in predicted standard deviations",
      &RunRecord::theory_error_signal_z, true}}};

/// How the values of a setting are stored. A flag is 0 or 1.
enum class SettingType { flag, int32, int64, number, text };

/// A setting that the file has a variable for, with its value in each run of the plan.
struct SettingVariable {
  std::string name;  ///< "activation"
  std::string key;   ///< "model.activation"
  SettingType type = SettingType::text;
  std::vector<double> numbers;     ///< empty for a text; NaN in runs that have no such setting
  std::vector<std::string> texts;  ///< empty for all else; "" in runs that have no such setting
  std::string role = "setting";    ///< "label" for a name that the definition gives its runs

  bool operator==(const SettingVariable&) const = default;
};

/// A quantity over (run, step), and an axis of its own where it has one.
struct MetricVariable {
  std::string name;
  std::string meaning;
  std::string units;
  QuantityAxis axis = QuantityAxis::none;
  /// Why it says nothing of some runs; empty where it says something of all.
  std::string undefined = {};

  bool operator==(const MetricVariable&) const = default;
};

struct ResultsLayout {
  std::vector<std::string> run_ids;
  std::vector<std::int64_t> steps;  ///< all steps at which any run records, in rising order
  std::size_t layers = 0;           ///< weight layers of the deepest run
  std::size_t lags = 0;  ///< of the longest sequence that a metric is over; 0: the file has no lags
  std::size_t indices =
      0;  ///< of the metric over indices that has most; 0: the file has no indices
  std::vector<SettingVariable> settings;
  std::vector<std::string> sweep_axes;  ///< names of settings, the slowest first
  std::vector<MetricVariable> metrics;  ///< those that the plan says will be measured
};

/// The settings are those that the contract fixes, the axes of the sweep, and all others whose values
/// differ between runs; before them stands `study` where there are several. A setting is named by the
/// last part of its key, or by its table's name where that part is `name`, or by its whole key with
/// underscores where that would clash with another variable. Needs at least one run.
ResultsLayout results_layout(const Plan& plan);

/// How many coordinates a file has on each axis of metrics beside run and step, by QuantityAxis; 0: the file
/// has no such axis. That of no axis is the 1 number at each step.
using AxisSizes = std::array<std::size_t, 4>;
constexpr std::size_t size_of(const AxisSizes& sizes, QuantityAxis axis) {
  return sizes[static_cast<std::size_t>(axis)];
}

/// The coordinates of such an axis, and what they are.
std::vector<double> axis_coordinates(QuantityAxis axis, std::size_t size);
std::string axis_meaning(QuantityAxis axis);

/// One line: how many runs there are, and for each study the axes with how many values each, or trials
/// of a search and what they are drawn from.
std::string plan_summary(const Plan& plan, const ResultsLayout& layout);

}  // namespace plumbline
