// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/probes/quantity.hpp"

namespace plumbline {

enum class RunStatus : std::int8_t { pending = 0, complete = 1, diverged = 2, failed = 3 };

/// Whether there is nothing left to compute: a failed run is not done.
constexpr bool is_finished(RunStatus status) {
  return status == RunStatus::complete || status == RunStatus::diverged;
}

/// A quantity over the steps of a run: as many values for each step as RunRecord::width() says, in
/// row-major order. NaN where it was not due at that step or is not defined.
struct Metric {
  std::string name;
  std::string meaning;  ///< one sentence, with the formula
  std::string units;    ///< "1" for a pure number
  QuantityAxis axis = QuantityAxis::none;
  std::vector<double> values;

  bool operator==(const Metric&) const = default;
};

/// Everything that a run leaves behind. A pure function of (settings, seed), but for the times, and for how
/// many steps fit into a budget's max_seconds.
struct RunRecord {
  RunStatus status = RunStatus::pending;
  std::string message;         ///< why and where it diverged or failed; else empty
  std::string digest;          ///< of the final parameters; empty where the run failed
  std::int64_t n_layers = 0;   ///< weight layers
  std::int64_t n_lags = 0;     ///< steps of a sequence, where a metric is over lags; else 0
  std::int64_t n_indices = 0;  ///< of the metric over indices that has most; 0 without such
  std::int64_t n_steps = 0;    ///< last step at which anything was measured
  /// "steps", "max_steps", "max_seconds" or "target"; empty of a run that has no budget (training/
  /// budget.hpp), diverged or failed.
  std::string ended_by;
  std::vector<std::int64_t> steps;  ///< those recorded, in rising order
  std::vector<Metric> metrics;
  /// Numbers of the whole run: final_valid_accuracy, best_valid_loss, ...
  std::vector<std::pair<std::string, double>> summary;
  /// Mean-field prediction of error_signal at step 0 for each weight layer, scaled to the measured
  /// last layer, with the 95 % band over random nets of this width; NaN where the theory says nothing
  /// of this net (the band: where its weights are not independent).
  std::vector<double> theory_error_signal;
  std::vector<double> theory_error_signal_low;
  std::vector<double> theory_error_signal_high;
  /// For each weight layer how far ln of the error signal's square lies from its predicted mean, in
  /// predicted standard deviations; NaN where there is no band, as in the last layer.
  std::vector<double> theory_error_signal_z;
  /// What step 0 shows, in words: theory/diagnosis.hpp. Empty where no step was computed.
  std::string diagnosis;

  /// Without the time that probes took.
  double wall_seconds = 0;
  double cpu_seconds = 0;
  /// Processor time of the run's own thread in each probe, by name, in the order of the catalogue.
  std::vector<std::pair<std::string, double>> probe_seconds;
  std::int64_t started = 0;  ///< seconds since 1970-01-01 UTC

  /// Values of a metric over this axis at each step.
  std::size_t width(QuantityAxis axis) const {
    switch (axis) {
      case QuantityAxis::none:
        return 1;
      case QuantityAxis::layer:
        return static_cast<std::size_t>(n_layers);
      case QuantityAxis::lag:
        return static_cast<std::size_t>(n_lags);
      case QuantityAxis::index:
        return static_cast<std::size_t>(n_indices);
    }
    return 0;
  }
};

}  // namespace plumbline
