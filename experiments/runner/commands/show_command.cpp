// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/show_command.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/core/error.hpp"
#include "engine/theory/diagnosis.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/commands/show_summary.hpp"
#include "experiments/runner/commands/shown_metrics.hpp"
#include "experiments/runner/commands/sweep_summary.hpp"
#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/definition/setting_keys.hpp"
#include "experiments/runner/profile/layer_profile.hpp"
#include "experiments/runner/results/file_settings.hpp"
#include "experiments/runner/results/readable_file.hpp"
#include "experiments/runner/results/recorded_plan.hpp"
#include "experiments/runner/results/results_file.hpp"

namespace plumbline {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/// The quantity that theory_error_signal predicts.
constexpr std::string_view kPredicted = "error_signal";
constexpr const char* kDiagnosis = "diagnosis";
constexpr const char* kStudy = "study";
constexpr const char* kStage = "stage";

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::vector<std::string> axes_without_seed(const FileSettings& settings) {
  std::vector<std::string> axes = settings.axes();
  std::erase(axes, "seed");
  return axes;
}

std::vector<GroupValue> parts_of(const std::vector<double>& numbers) {
  std::vector<GroupValue> parts;
  for (const double number : numbers) {
    if (std::isnan(number)) {
      parts.emplace_back(std::string());
    } else {
      parts.emplace_back(number);
    }
  }
  return parts;
}

std::vector<GroupValue> parts_of(const std::vector<std::string>& labels) {
  return {labels.begin(), labels.end()};
}

/// One key part for each run.
std::vector<GroupValue> key_parts(const ResultsReader& reader, const FileSettings& settings,
                                  const std::string& name) {
  if (const SettingVariable* setting = settings.find(name)) {
    return setting->type == SettingType::text ? parts_of(setting->texts)
                                              : parts_of(setting->numbers);
  }
  const auto numbers = numbers_if_numeric(reader, name);
  return numbers ? parts_of(*numbers) : parts_of(reader.labels(name));
}

/// Numbers the parts of a partition of the runs, cut further so that the runs of one part have one
/// value.
std::vector<std::size_t> cut_by(const std::vector<std::size_t>& partition,
                                const std::vector<GroupValue>& values) {
  std::map<std::pair<std::size_t, GroupValue>, std::size_t> numbers;
  std::vector<std::size_t> finer;
  for (std::size_t run = 0; run < partition.size(); ++run) {
    finer.push_back(
        numbers.emplace(std::pair(partition[run], values[run]), numbers.size()).first->second);
  }
  return finer;
}

/// The axes of the sweep, and each further setting by which runs differ that agree in all before it:
/// an axis may vary by a whole table, as in optimizer = [{ name = "sgd", lr = 0.1 }, { name = "sgd",
/// lr = 0.5 }], of which its own variable holds the name alone. So groups differ from run to run in
/// nothing but the seed.
std::vector<std::string> settings_that_vary(const ResultsReader& reader,
                                            const FileSettings& settings) {
  std::vector<std::string> by = axes_without_seed(settings);
  std::vector<std::size_t> partition(reader.statuses().size(), 0);
  for (const std::string& name : by) {
    partition = cut_by(partition, key_parts(reader, settings, name));
  }
  for (const std::string& name : settings.settings()) {
    if (name == "seed" || contains(by, name)) continue;
    std::vector<std::size_t> finer = cut_by(partition, key_parts(reader, settings, name));
    if (std::ranges::max(finer) == std::ranges::max(partition)) continue;
    by.push_back(name);
    partition = std::move(finer);
  }
  return by;
}

/// The decay of a per-layer metric at step 0.
LayerDecay decay_at_start(const RunRecord& record, const MetricVariable& variable) {
  const Metric* metric = find_metric(record, variable.name);
  const auto n_layers = static_cast<std::size_t>(record.n_layers);
  const bool has_start = metric != nullptr && !record.steps.empty() && record.steps.front() == 0 &&
                         metric->values.size() >= n_layers;
  if (!has_start) return {kNaN, kNaN, kNaN};
  const std::span<const double> profile(metric->values.data(), n_layers);
  const double theory =
      variable.name == kPredicted ? factor_per_layer(record.theory_error_signal) : kNaN;
  return {first_to_last(profile), factor_per_layer(profile), theory,
          is_undefined(record, variable)};
}

/// The studies of the definition in the file; none where it cannot be read here.
std::vector<Study> recorded_studies(const std::string& path, const ResultsReader& reader) {
  try {
    std::vector<Problem> ignored;
    return recorded_definition(path, reader.provenance(), ignored).studies;
  } catch (const std::exception&) {
    return {};
  }
}

/// What studies choose by, and what says how training went.
ShownMetrics default_metrics(const Measured& measured, const std::vector<Study>& studies) {
  std::vector<std::string> names;
  for (const Study& study : studies) {
    if (study.halving) names.push_back(study.halving->by.metric);
    if (study.protocol) names.push_back(study.protocol->by.metric);
  }
  names.insert(names.end(), {"final_valid_accuracy", "final_train_loss"});
  ShownMetrics chosen;
  for (const std::string& name : names) {
    const bool is_shown =
        std::ranges::find(chosen.values, name, &ShownValue::name) != chosen.values.end();
    if (!is_shown && contains(measured.per_run, name)) chosen.values.push_back({name});
  }
  for (const MetricVariable& metric : measured.metrics) {
    if (metric.name == "error_signal" || metric.name == "gradient_norm") {
      chosen.decays.push_back(&metric);
    }
  }
  return chosen;
}

/// Of each shown metric once, where it says nothing of some runs.
std::vector<UndefinedQuantity> undefined_in(const ShownMetrics& shown,
                                            const std::vector<RunValues>& runs) {
  std::vector<UndefinedQuantity> undefined;
  const auto add = [&](const MetricVariable* metric, const auto& is_undefined) {
    if (metric == nullptr) return;
    if (std::ranges::find(undefined, metric->name, &UndefinedQuantity::quantity) !=
        undefined.end()) {
      return;
    }
    const auto count = std::ranges::count_if(runs, is_undefined);
    if (count == 0) return;
    undefined.push_back({metric->name, static_cast<std::size_t>(count), metric->undefined});
  };
  for (std::size_t i = 0; i < shown.values.size(); ++i) {
    add(shown.values[i].metric, [i](const RunValues& run) { return run.values[i].is_undefined; });
  }
  for (std::size_t i = 0; i < shown.decays.size(); ++i) {
    add(shown.decays[i], [i](const RunValues& run) { return run.decays[i].is_undefined; });
  }
  return undefined;
}

/// The names of the studies of which no run has a target.
std::set<std::string> studies_without_target(const std::vector<Study>& studies) {
  std::set<std::string> names;
  for (const Study& study : studies) {
    const bool has_axis = std::ranges::any_of(study.axes, [](const SweepAxis& axis) {
      return std::ranges::any_of(axis.keys,
                                 [](const auto& key) { return key.starts_with("budget"); });
    });
    const bool has_target = found_at(study.base, "budget.target") != nullptr;
    if (!has_axis && !has_target) names.insert(study.name);
  }
  return names;
}

/// Tells the runs that have no target to reach.
void mark_targets(const ResultsReader& reader, const FileSettings& settings,
                  const std::vector<Study>& studies, std::vector<RunValues>& runs) {
  if (!contains(settings.run_variables(), kStudy)) return;
  const std::set<std::string> without = studies_without_target(studies);
  if (without.empty()) return;
  const std::vector<GroupValue> names = key_parts(reader, settings, kStudy);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto* name = std::get_if<std::string>(&names[i]);
    runs[i].has_target = name == nullptr || !without.contains(*name);
  }
}

std::vector<RunValues> read_runs(const ResultsReader& reader, const FileSettings& settings,
                                 const ShownMetrics& shown, const SweepSummary& summary,
                                 const std::vector<Study>& studies) {
  const std::vector<RunStatus> statuses = reader.statuses();
  std::vector<RunValues> runs(statuses.size());
  for (const std::string& name : summary.by) {
    const std::vector<GroupValue> parts = key_parts(reader, settings, name);
    for (std::size_t i = 0; i < runs.size(); ++i) runs[i].key.push_back(parts[i]);
  }
  std::vector<std::vector<double>> columns;
  bool needs_records = !shown.decays.empty();
  for (const ShownValue& value : shown.values) {
    const bool per_run = value.metric == nullptr;
    columns.push_back(per_run ? reader.numbers(value.name) : std::vector<double>());
    needs_records = needs_records || !per_run;
  }
  if (contains(reader.run_variables(), kDiagnosis)) {
    const std::vector<std::string> texts = reader.labels(kDiagnosis);
    for (std::size_t i = 0; i < runs.size(); ++i) runs[i].finding = chief_finding(texts[i]);
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    runs[i].status = statuses[i];
    const RunRecord record =
        needs_records && is_finished(statuses[i]) ? reader.read(i) : RunRecord{};
    for (std::size_t v = 0; v < shown.values.size(); ++v) {
      runs[i].values.push_back(shown.values[v].metric == nullptr
                                   ? RunValue{columns[v][i]}
                                   : last_number(record, shown.values[v]));
    }
    for (const MetricVariable* metric : shown.decays) {
      runs[i].decays.push_back(decay_at_start(record, *metric));
    }
  }
  if (std::ranges::any_of(summary.values, need_not_be_reached)) {
    mark_targets(reader, settings, studies, runs);
  }
  return runs;
}

}  // namespace

int show_command(const ShowOptions& options, std::ostream& out, std::ostream& err) {
  require_readable(options.file);
  const ResultsReader reader(options.file);
  const FileSettings settings(options.file, reader, options.data_folders);
  if (settings.unknown_runs() > 0) {
    err << fmt::format(
        "{}: {} of {} runs are not of the definition in it, so their settings are unknown\n",
        options.file, settings.unknown_runs(), reader.run_ids().size());
  }
  SweepSummary summary;
  summary.path = options.file;
  summary.title = reader.attribute("title");
  summary.by = options.by.empty() ? settings_that_vary(reader, settings) : options.by;

  const std::vector<std::string> variables = settings.run_variables();
  for (const std::string& name : summary.by) {
    if (contains(variables, name)) continue;
    err << "--by: '" << name << "' is not a variable over the runs of " << options.file
        << suggestion(name, variables) << '\n';
    return kWrongUsage;
  }
  // Runs of a rung are shorter, and reruns are of the best trial: a median over stages is of nothing.
  if (contains(variables, kStage) && !contains(summary.by, kStage)) {
    summary.by.emplace_back(kStage);
  }
  const std::vector<Study> studies = recorded_studies(options.file, reader);
  const Measured measured = measured_in(reader);
  std::optional<UnknownMetric> unknown;
  const ShownMetrics shown = options.metrics.empty()
                                 ? default_metrics(measured, studies)
                                 : chosen_metrics(options.metrics, measured, unknown);
  if (unknown) {
    write_unknown(*unknown, options.file, measured, reader, err);
    return kWrongUsage;
  }
  for (const ShownValue& value : shown.values) summary.values.push_back(value.name);
  for (const MetricVariable* metric : shown.decays) summary.decays.push_back(metric->name);
  summary.has_findings = options.metrics.empty() && contains(variables, kDiagnosis);
  const std::vector<RunValues> runs = read_runs(reader, settings, shown, summary, studies);
  summary.undefined = undefined_in(shown, runs);
  add_groups(summary, runs);
  if (options.json) {
    out << show_json(summary) << '\n';
  } else {
    show_tables(summary, out);
  }
  return kAllWell;
}

}  // namespace plumbline
