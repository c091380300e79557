// SPDX-License-Identifier: Apache-2.0
// Trains a net on exclusive or through the installed library and prints its accuracy.
#include <atomic>
#include <iostream>

#include "engine/training/trainer.hpp"

int main() {
  using namespace plumbline;
  SettingsTable settings;
  settings.set_path("data.name", {"xor", {}});
  settings.set_path("model.depth", {std::int64_t{1}, {}});
  settings.set_path("model.width", {std::int64_t{8}, {}});
  settings.set_path("train.batch", {std::int64_t{4}, {}});
  settings.set_path("train.steps", {std::int64_t{500}, {}});
  settings.set_path("optimizer.lr", {0.5, {}});
  SettingsReport report;
  const RunConfiguration run = configure(settings, report);
  if (!report.problems.empty()) throw DefinitionError(report.problems);
  const std::atomic<bool> stop{false};
  const auto record = train(run, run.data->load({}), stop);
  for (const Metric& metric : record->metrics) {
    if (metric.name == "train_accuracy") std::cout << metric.values.back() << '\n';
  }
}
