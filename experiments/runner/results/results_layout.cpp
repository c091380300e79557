// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/results_layout.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string_view>
#include <utility>

#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/text/counted.hpp"

namespace plumbline {

namespace {

/// A setting that a file has a variable for whether it varies or not, unless no run has it.
struct FixedSetting {
  std::string_view name;
  std::string_view key;
};

constexpr std::array<FixedSetting, 12> kFixedSettings = {{{"depth", "model.depth"},
                                                          {"width", "model.width"},
                                                          {"widths", "model.widths"},
                                                          {"activation", "model.activation"},
                                                          {"initializer", "model.initializer"},
                                                          {"optimizer", "optimizer"},
                                                          {"data", "data"},
                                                          {"loss", "loss"},
                                                          {"schedule", "schedule"},
                                                          {"precision", "model.precision"},
                                                          {"lr", "optimizer.lr"},
                                                          {"batch", "train.batch"}}};
/// Stands last, as the innermost axis.
constexpr FixedSetting kSeed = {"seed", "train.seed"};

constexpr const char* kStudy = "study";
constexpr const char* kStage = "stage";

/// What the file itself calls its axes, variables and groups; predictions and metrics aside.
constexpr std::array<std::string_view, 27> kFileNames = {
    "run",       "step",          "layer",    "run_id",       "status",      "message",
    "digest",    "n_layers",      "n_steps",  "wall_seconds", "cpu_seconds", "threads",
    "host",      "started",       "recorded", "provenance",   "plots",       "study",
    "stage",     "ended_by",      "checksum", "lag",          "index",       "n_lags",
    "n_indices", "probe_seconds", "diagnosis"};

constexpr std::array<std::string_view, 7> kTimingNames = {
    "wall_seconds", "cpu_seconds", "threads", "host", "started", "date_created", "history"};

/// Every run of every plan has these; the words are those of the file where no run has come to
/// them.
const std::vector<MetricVariable>& metrics_of_every_run() {
  static const std::vector<MetricVariable> metrics = {
      {"train_loss", "mean loss over the training examples", "1", QuantityAxis::none},
      {"train_accuracy", "share of the training examples that are classified rightly", "1",
       QuantityAxis::none},
      {"valid_loss", "mean loss over the validation examples", "1", QuantityAxis::none},
      {"valid_accuracy", "share of the validation examples that are classified rightly", "1",
       QuantityAxis::none}};
  return metrics;
}

/// One setting over all runs; null where a run has no such setting.
struct Column {
  std::string key;
  std::vector<const SettingNode*> values;
};

/// The key that a user writes: the choice of a plug-in, "optimizer.name", is that of its table.
std::string written_key(std::string_view key) {
  constexpr std::string_view kName = ".name";
  if (key.ends_with(kName)) key.remove_suffix(kName.size());
  return std::string(key);
}

std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

std::string whole_name(std::string key) {
  std::ranges::replace(key, '.', '_');
  return key;
}

std::vector<Column> columns_of(const Plan& plan) {
  std::vector<Column> columns;
  std::map<std::string, std::size_t> index;
  // Nearly every run has the keys of the run before it, in the same order.
  std::vector<std::pair<std::string_view, std::size_t>> before;
  std::vector<std::pair<std::string_view, std::size_t>> places;
  for (std::size_t run = 0; run < plan.runs.size(); ++run) {
    places.clear();
    for (const ResolvedSetting& setting : plan.runs[run].configuration.resolved) {
      std::size_t place = 0;
      if (places.size() < before.size() && before[places.size()].first == setting.key) {
        place = before[places.size()].second;
      } else {
        const std::string key = written_key(setting.key);
        const auto [found, added] = index.try_emplace(key, columns.size());
        if (added) {
          columns.push_back({key, std::vector<const SettingNode*>(plan.runs.size(), nullptr)});
        }
        place = found->second;
      }
      columns[place].values[run] = &setting.value;
      places.emplace_back(setting.key, place);
    }
    before.swap(places);
  }
  return columns;
}

/// Whether to_string() gives the same, which takes far longer.
bool same_value(const SettingNode& a, const SettingNode& b) {
  if (a.value.index() == b.value.index()) {
    if (const auto* text = std::get_if<std::string>(&a.value)) {
      return *text == std::get<std::string>(b.value);
    }
    if (const auto* integer = std::get_if<std::int64_t>(&a.value)) {
      return *integer == std::get<std::int64_t>(b.value);
    }
    if (const auto* number = std::get_if<double>(&a.value)) {
      return std::bit_cast<std::uint64_t>(*number) ==
             std::bit_cast<std::uint64_t>(std::get<double>(b.value));
    }
  }
  return to_string(a) == to_string(b);
}

bool varies(const Column& column) {
  const SettingNode* first = column.values.front();
  return std::ranges::any_of(column.values, [&](const SettingNode* value) {
    if (value == nullptr || first == nullptr) return value != first;
    return !same_value(*value, *first);
  });
}

template <class Value>
bool all_are(const Column& column) {
  return std::ranges::all_of(column.values, [](const SettingNode* value) {
    return value != nullptr && std::holds_alternative<Value>(value->value);
  });
}

/// NaN where it is not a number.
double as_number(const SettingNode* value) {
  if (value == nullptr) return std::numeric_limits<double>::quiet_NaN();
  if (const auto* integer = std::get_if<std::int64_t>(&value->value)) {
    return static_cast<double>(*integer);
  }
  if (const auto* number = std::get_if<double>(&value->value)) return *number;
  if (const auto* flag = std::get_if<bool>(&value->value)) return *flag ? 1 : 0;
  return std::numeric_limits<double>::quiet_NaN();
}

std::string as_text(const SettingNode* value) {
  if (value == nullptr) return "";
  if (const auto* text = std::get_if<std::string>(&value->value)) return *text;
  return to_string(*value);
}

/// The narrowest type that holds every value. The seed is always 64 bits wide.
SettingType type_of(const Column& column) {
  if (all_are<bool>(column)) return SettingType::flag;
  if (all_are<std::int64_t>(column)) {
    constexpr double kLimit = std::numeric_limits<std::int32_t>::max();
    const bool narrow = std::ranges::all_of(column.values, [](const SettingNode* value) {
      return as_number(value) >= -kLimit && as_number(value) <= kLimit;
    });
    return narrow && column.key != kSeed.key ? SettingType::int32 : SettingType::int64;
  }
  const bool numbers = std::ranges::all_of(column.values, [](const SettingNode* value) {
    return value == nullptr || std::holds_alternative<std::int64_t>(value->value) ||
           std::holds_alternative<double>(value->value);
  });
  return numbers ? SettingType::number : SettingType::text;
}

SettingVariable variable_of(const Column& column, std::string name) {
  SettingVariable variable{std::move(name), column.key, type_of(column), {}, {}};
  for (const SettingNode* value : column.values) {
    if (variable.type == SettingType::text) {
      variable.texts.push_back(as_text(value));
    } else {
      variable.numbers.push_back(as_number(value));
    }
  }
  return variable;
}

SettingVariable study_variable(const Plan& plan) {
  SettingVariable variable{kStudy, kStudy, SettingType::text, {}, {}, "label"};
  for (const RunSpec& run : plan.runs) {
    variable.texts.push_back(study_name(plan.definition, run));
  }
  return variable;
}

// Empty where nothing is chosen in any study.
std::vector<std::string> stages_of(const Plan& plan) {
  std::vector<std::string> stages;
  bool has_any = false;
  for (const RunSpec& run : plan.runs) {
    stages.push_back(stage_name(plan.definition.studies[run.study], run));
    has_any = has_any || !stages.back().empty();
  }
  return has_any ? stages : std::vector<std::string>();
}

std::vector<SettingVariable> settings_of(const Plan& plan, std::set<std::string> taken) {
  const std::vector<Column> columns = columns_of(plan);
  std::vector<SettingVariable> settings;
  if (plan.definition.studies.size() > 1) settings.push_back(study_variable(plan));
  if (std::vector<std::string> stages = stages_of(plan); !stages.empty()) {
    settings.push_back({kStage, kStage, SettingType::text, {}, std::move(stages), "label"});
  }
  std::set<std::string> done;
  const auto add_fixed = [&](const FixedSetting& fixed) {
    const auto found = std::ranges::find(columns, fixed.key, &Column::key);
    if (found != columns.end()) settings.push_back(variable_of(*found, std::string(fixed.name)));
  };
  for (const FixedSetting& fixed : kFixedSettings) {
    add_fixed(fixed);
    done.emplace(fixed.key);
    taken.emplace(fixed.name);
  }
  done.emplace(kSeed.key);
  taken.emplace(kSeed.name);

  std::set<std::string> swept;
  for (const std::string& key : swept_keys(plan.definition)) swept.insert(written_key(key));
  std::vector<const Column*> others;
  std::map<std::string, int> uses;
  for (const Column& column : columns) {
    const bool is_swept = swept.contains(column.key);
    if (done.contains(column.key) || (!is_swept && !varies(column))) continue;
    others.push_back(&column);
    ++uses[last_part(column.key)];
  }
  for (const Column* column : others) {
    const std::string name = last_part(column->key);
    const bool clashes = uses[name] > 1 || taken.contains(name);
    settings.push_back(variable_of(*column, clashes ? whole_name(column->key) : name));
  }
  add_fixed(kSeed);
  return settings;
}

// Adds a reason where it is new.
void add_reason(std::string& reasons, const std::string& reason) {
  if (reason.empty() || reasons.find(reason) != std::string::npos) return;
  reasons += (reasons.empty() ? "" : "; ") + reason;
}

void add_metrics(const RunConfiguration& run, ResultsLayout& layout) {
  if (run.probes.empty()) return;
  const ProbedRun probed = run.probed();
  for (const ScheduledProbe& probe : run.probes) {
    const std::vector<Quantity> quantities = probe.kind->quantities();
    for (std::size_t q = 0; q < quantities.size(); ++q) {
      const Quantity& quantity = quantities[q];
      auto found = std::ranges::find(layout.metrics, quantity.name, &MetricVariable::name);
      if (found == layout.metrics.end()) {
        found = layout.metrics.insert(
            found, {quantity.name, quantity.summary, quantity.units, quantity.axis});
      }
      add_reason(found->undefined, probe.kind->undefined(q, probed));
      if (quantity.axis == QuantityAxis::lag) {
        layout.lags = std::max(layout.lags, probed.input.steps);
      }
      if (quantity.axis == QuantityAxis::index) {
        layout.indices = std::max(layout.indices, quantity.size);
      }
    }
  }
}

}  // namespace

ResultsLayout results_layout(const Plan& plan) {
  ResultsLayout layout;
  layout.metrics = metrics_of_every_run();
  std::set<std::int64_t> steps;
  for (const RunSpec& run : plan.runs) {
    layout.run_ids.push_back(run.run_id);
    layout.layers =
        std::max(layout.layers, weight_layers(run.configuration.model, run.configuration.input(),
                                              run.configuration.data->outputs()));
    add_metrics(run.configuration, layout);
    const std::vector<std::int64_t> recorded = run.configuration.recorded_steps();
    steps.insert(recorded.begin(), recorded.end());
  }
  layout.steps.assign(steps.begin(), steps.end());

  std::set<std::string> taken(kFileNames.begin(), kFileNames.end());
  for (const PredictionVariable& prediction : kPredictions) taken.insert(prediction.name);
  for (const MetricVariable& metric : layout.metrics) taken.insert(metric.name);
  layout.settings = settings_of(plan, std::move(taken));
  for (const SettingVariable& setting : layout.settings) {
    if (setting.role == "label") layout.sweep_axes.push_back(setting.name);
  }
  for (const std::string& key : swept_keys(plan.definition)) {
    const auto found = std::ranges::find(layout.settings, written_key(key), &SettingVariable::key);
    const bool is_new =
        found != layout.settings.end() &&
        std::ranges::find(layout.sweep_axes, found->name) == layout.sweep_axes.end();
    if (is_new) layout.sweep_axes.push_back(found->name);
  }
  return layout;
}

std::vector<double> axis_coordinates(QuantityAxis axis, std::size_t size) {
  std::vector<double> coordinates(size);
  std::iota(coordinates.begin(), coordinates.end(), axis == QuantityAxis::lag ? 0.0 : 1.0);
  return coordinates;
}

std::string axis_meaning(QuantityAxis axis) {
  switch (axis) {
    case QuantityAxis::none:
      return "";
    case QuantityAxis::layer:
      return "weight layer, 1 at the input side";
    case QuantityAxis::lag:
      return "steps of the sequence before its last";
    case QuantityAxis::index:
      return "number in the order that the variable has";
  }
  return "";
}

std::string plan_summary(const Plan& plan, const ResultsLayout& layout) {
  std::string text = counted(plan.runs.size(), "run") + ": ";
  const std::vector<Study>& studies = plan.definition.studies;
  for (const Study& study : studies) {
    if (&study != &studies.front()) text += "; ";
    if (studies.size() > 1) text += study.name + ": ";
    for (const SweepAxis& axis : study.axes) {
      std::string names;
      for (const std::string& key : axis.keys) {
        const auto found =
            std::ranges::find(layout.settings, written_key(key), &SettingVariable::key);
        names += (names.empty() ? "" : ", ") + (found == layout.settings.end() ? key : found->name);
      }
      const std::size_t points = axis.points.size();
      text += &axis == &study.axes.front() ? "" : " x ";
      text += axis.drawn.empty() ? counted(points, "value")
                                 : counted(points, "trial") + " (" + axis.drawn + ")";
      text += " of " + names;
    }
  }
  if (plan.excluded > 0) text += "; " + std::to_string(plan.excluded) + " excluded";
  return text;
}

bool is_timing_variable(std::string_view name) {
  return name == "provenance" || name.starts_with("probe_seconds") ||
         std::ranges::find(kTimingNames, name) != kTimingNames.end();
}

}  // namespace plumbline
