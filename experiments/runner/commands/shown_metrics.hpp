// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/runner/commands/sweep_summary.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/results_layout.hpp"

namespace plumbline {

/// What the runs of a results file have numbers of.
struct Measured {
  std::vector<std::string> per_run;     ///< numeric variables over the runs
  std::vector<MetricVariable> metrics;  ///< over the steps; of finished runs
  AxisSizes sizes{};
};

Measured measured_in(const ResultsReader& reader);

/// The numbers of a variable over the runs, or nothing where it holds text.
std::optional<std::vector<double>> numbers_if_numeric(const ResultsReader& reader,
                                                      const std::string& name);

/// A quantity that has one number a run: a variable over the runs, or a metric at the last step at
/// which the run has a number of it.
struct ShownValue {
  std::string name;                        ///< "sharpness[1]"
  const MetricVariable* metric = nullptr;  ///< null of a variable over the runs
  std::size_t place = 0;                   ///< on the metric's axis, from 0

  bool operator==(const ShownValue&) const = default;
};

/// What the words of --metric are about, which hold pointers into the Measured that they were asked of.
struct ShownMetrics {
  std::vector<ShownValue> values;
  std::vector<const MetricVariable*> decays;  ///< over layers, shown at step 0
};

/// Of each word: NAME is a variable over the runs, a metric that is one number, or one over layers as it
/// decays over them; NAME[I] is a metric at coordinate I of its axis, as the file has it. NAME of a metric
/// over lags or indices is short for the first and the last of them. The first word that is none of these
/// is left in `unknown`, with what is wrong with it.
struct UnknownMetric {
  std::string word;
  std::string reason;  ///< empty where there is no such name
};
ShownMetrics chosen_metrics(const std::vector<std::string>& words, const Measured& measured,
                            std::optional<UnknownMetric>& unknown);

/// "'sharpnes' is not measured in FILE; did you mean 'sharpness'?", and a table of what is.
void write_unknown(const UnknownMetric& unknown, const std::string& path, const Measured& measured,
                   const ResultsReader& reader, std::ostream& err);

/// Of a `shown` that is a metric.
RunValue last_number(const RunRecord& record, const ShownValue& shown);

/// Whether a finished run has no number of the metric at all, and the file has a reason for it.
bool is_undefined(const RunRecord& record, const MetricVariable& metric);

const Metric* find_metric(const RunRecord& record, std::string_view name);

}  // namespace plumbline
