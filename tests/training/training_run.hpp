// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/training/run_configuration.hpp"
#include "engine/training/trainer.hpp"
#include "tests/training/settings_table.hpp"

namespace plumbline {

/// Reads the settings of a run. Throws DefinitionError with all their mistakes.
inline RunConfiguration configured(const std::vector<Setting>& settings) {
  const SettingsTable table = settings_table(settings);
  SettingsReport report;
  RunConfiguration run = configure(table, report);
  if (!report.problems.empty()) throw DefinitionError(report.problems);
  return run;
}

/// The first settings with these in the place of theirs or beside them.
inline std::vector<Setting> with(std::vector<Setting> settings, const std::vector<Setting>& more) {
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

inline RunRecord trained(const RunConfiguration& run, const Dataset& data) {
  const std::atomic<bool> stop{false};
  return train(run, data, stop).value();
}

/// On the run's own data, which need no files.
inline RunRecord trained(const std::vector<Setting>& settings) {
  const RunConfiguration run = configured(settings);
  return trained(run, run.data->load({}));
}

/// The values of a metric of the record; throws std::out_of_range where there is none of that name.
inline const std::vector<double>& metric(const RunRecord& record, const std::string& name) {
  for (const Metric& metric : record.metrics) {
    if (metric.name == name) return metric.values;
  }
  throw std::out_of_range("no metric " + name);
}

inline double summary(const RunRecord& record, const std::string& name) {
  for (const auto& [key, value] : record.summary) {
    if (key == name) return value;
  }
  throw std::out_of_range("no summary " + name);
}

/// 200 of the digits, a small net, 30 steps: some milliseconds.
inline std::vector<Setting> small_run() {
  return {{"data.name", node("digits")}, {"data.train", node(200)},
          {"data.valid", node(50)},      {"model.depth", node(2)},
          {"model.width", node(13)},     {"optimizer.name", node("adam")},
          {"train.batch", node(32)},     {"train.steps", node(30)}};
}

}  // namespace plumbline
