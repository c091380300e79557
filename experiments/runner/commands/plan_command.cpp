// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/runner/commands/commands.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/machine/available_memory.hpp"
#include "experiments/runner/machine/available_processors.hpp"
#include "experiments/runner/plan/estimate.hpp"
#include "experiments/runner/plan/memory_fit.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/sweep/progress.hpp"
#include "experiments/runner/sweep/scheduler.hpp"
#include "experiments/runner/text/counted.hpp"
#include "experiments/runner/text/json_text.hpp"
#include "experiments/runner/text/setting_json.hpp"
#include "experiments/runner/text/text_table.hpp"

namespace plumbline {

namespace {

/// "50 %", "2.5 %", and never "1e+02 %".
std::string percent_text(double share) {
  const double percent = 100 * share;
  return (percent < 10 ? short_number(percent, 2) : fmt::format("{:.0f}", percent)) + " %";
}

using nlohmann::ordered_json;

constexpr std::size_t kFirstRuns = 20;

// "model.depth" is "depth" and "optimizer.name" is "optimizer", unless another axis is too.
std::vector<std::string> column_titles(const std::vector<std::string>& keys) {
  std::vector<std::string> titles;
  for (std::string_view key : keys) {
    if (key.ends_with(".name")) key.remove_suffix(5);
    titles.emplace_back(key.substr(key.rfind('.') + 1));
  }
  std::vector<std::string> unique = titles;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (std::ranges::count(titles, titles[i]) == 1) continue;
    unique[i] = keys[i];
    std::ranges::replace(unique[i], '.', '_');
  }
  return unique;
}

bool is_number(const SettingNode& node) {
  return std::holds_alternative<std::int64_t>(node.value) ||
         std::holds_alternative<double>(node.value);
}

// Whether each value that any axis gives the key is a number.
bool is_numeric(const Definition& definition, const std::string& key) {
  for (const Study& study : definition.studies) {
    for (const SweepAxis& axis : study.axes) {
      const auto found = std::ranges::find(axis.keys, key);
      if (found == axis.keys.end()) continue;
      const auto k = static_cast<std::size_t>(found - axis.keys.begin());
      const auto has_number = [k](const AxisPoint& point) { return is_number(point[k].value); };
      if (!std::ranges::all_of(axis.points, has_number)) return false;
    }
  }
  return true;
}

std::string cell(const SettingNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  return text != nullptr ? *text : to_string(node);
}

// Of runs that follow from others' results all is known but the trial.
constexpr const char* kUndecided = "?";
bool is_decided(const RunSpec& run) { return !run.run_id.empty(); }

bool is_searched(const Study& study, const std::string& key) {
  return std::ranges::any_of(study.axes, [&](const SweepAxis& axis) {
    return axis.is_of_search && std::ranges::find(axis.keys, key) != axis.keys.end();
  });
}

std::string stage_of(const Definition& definition, const RunSpec& run) {
  return stage_name(definition.studies[run.study], run);
}

// "rung 1: 42 runs, rung 2: 18 runs" of a study; empty where it has no stages.
std::string stages_text(const Plan& plan, std::size_t study) {
  std::vector<std::pair<std::string, std::size_t>> stages;
  for (const RunSpec& run : plan.runs) {
    if (run.study != study) continue;
    const std::string stage = stage_of(plan.definition, run);
    auto found = std::ranges::find(stages, stage, &std::pair<std::string, std::size_t>::first);
    if (found == stages.end()) found = stages.insert(found, {stage, 0});
    ++found->second;
  }
  std::string text;
  for (const auto& [stage, runs] : stages) {
    if (stage.empty()) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", stage, counted(runs, "run"));
  }
  return text;
}

double total_cost(const Plan& plan) {
  double cost = 0;
  for (const RunSpec& run : plan.runs) cost += run.cost;
  return cost;
}

void write_table(const Plan& plan, std::size_t rows, std::ostream& out) {
  const Definition& definition = plan.definition;
  const std::vector<std::string> keys = swept_keys(definition);
  const std::vector<std::string> titles = column_titles(keys);
  const bool has_studies = definition.studies.size() > 1;
  const bool has_stages = std::ranges::any_of(
      plan.runs, [&](const RunSpec& run) { return !stage_of(definition, run).empty(); });
  std::vector<TextTable::Column> columns{{"run_id"}};
  if (has_studies) columns.push_back({"study"});
  if (has_stages) columns.push_back({"stage"});
  for (std::size_t i = 0; i < keys.size(); ++i) {
    columns.push_back({titles[i], is_numeric(definition, keys[i]) ? Align::right : Align::left});
  }
  columns.push_back({"cost", Align::right});

  TextTable table(std::move(columns));
  const double total = total_cost(plan);
  for (std::size_t i = 0; i < rows; ++i) {
    const RunSpec& run = plan.runs[i];
    std::vector<std::string> cells{is_decided(run) ? run.run_id : kUndecided};
    if (has_studies) cells.push_back(study_name(definition, run));
    if (has_stages) cells.push_back(stage_of(definition, run));
    const std::vector<const Assignment*> given = assignments_of(definition, run);
    for (const std::string& key : keys) {
      const auto found = std::ranges::find(given, key, &Assignment::key);
      if (!is_decided(run) && is_searched(definition.studies[run.study], key)) {
        cells.emplace_back(kUndecided);
      } else {
        cells.push_back(found == given.end() ? "" : cell((*found)->value));
      }
    }
    cells.push_back(percent_text(run.cost / total));
    table.add_row(std::move(cells));
  }
  table.write_plain(out);
}

// What a table of runs does not tell: what trials are drawn from, how many runs a study has, and that
// some are left out.
void write_remarks(const Plan& plan, std::ostream& out) {
  const std::vector<Study>& studies = plan.definition.studies;
  for (std::size_t s = 0; s < studies.size(); ++s) {
    std::string trials;
    for (const SweepAxis& axis : studies[s].axes) {
      if (axis.drawn.empty()) continue;
      trials += (trials.empty() ? "" : ", ") +
                fmt::format("{} ({})", counted(axis.points.size(), "trial"), axis.drawn);
    }
    const std::string stages = stages_text(plan, s);
    if (!stages.empty()) trials += (trials.empty() ? "" : "; ") + stages;
    if (studies.size() == 1) {
      if (!trials.empty()) out << trials << '\n';
      continue;
    }
    const auto runs = static_cast<std::size_t>(std::ranges::count(plan.runs, s, &RunSpec::study));
    out << fmt::format("study {}: {}{}{}\n", studies[s].name, counted(runs, "run"),
                       trials.empty() ? "" : ", ", trials);
  }
  if (plan.excluded > 0) {
    out << fmt::format("{} {} excluded\n", plan.excluded,
                       plan.excluded == 1 ? "run is" : "runs are");
  }
}

ordered_json to_json(const Plan& plan, const Estimate& expected) {
  ordered_json runs = ordered_json::array();
  for (const RunSpec& run : plan.runs) {
    ordered_json settings = ordered_json::object();
    for (const ResolvedSetting& setting : run.configuration.resolved) {
      settings[setting.key] = setting_json(setting.value);
    }
    ordered_json one = {{"run_id", run.run_id}, {"seed", run.seed}, {"cost", run.cost}};
    const std::string study = study_name(plan.definition, run);
    if (!study.empty()) one["study"] = study;
    const std::string stage = stage_of(plan.definition, run);
    if (!stage.empty()) one["stage"] = stage;
    one["settings"] = std::move(settings);
    if (!is_decided(run)) {
      one["run_id"] = nullptr;
      one["settings"] = nullptr;
    }
    runs.push_back(std::move(one));
  }
  return {{"n_runs", plan.runs.size()},
          {"estimated_seconds", expected.seconds},
          {"estimated_bytes", expected.bytes},
          {"runs", std::move(runs)}};
}

}  // namespace

int plan_command(const PlanOptions& options, std::ostream& out, std::ostream& err) {
  std::vector<Problem> problems;
  Definition definition =
      read_definition(find_definition(options.definition), options.overrides, problems);
  const Plan plan = foreseen(make_plan(std::move(definition), std::move(problems),
                                       options.data_folders, most_runs(options.yes)));
  print_warnings(plan, err);
  const int threads = options.threads > 0 ? options.threads : available_processors();
  std::vector<std::size_t> all(plan.runs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const MemoryFit fit = memory_fit(plan, all, threads, available_memory());
  const std::string tight = memory_message(plan, fit, threads);
  if (!tight.empty()) err << "warning: " << tight << '\n';
  const Estimate expected = estimate(plan, threads, fit);
  if (options.json) {
    out << json_text(to_json(plan, expected), 2) << '\n';
    return kAllWell;
  }

  const std::size_t n_runs = plan.runs.size();
  const std::size_t rows = options.all ? n_runs : std::min(n_runs, kFirstRuns);
  write_table(plan, rows, out);
  if (rows < n_runs) out << "and " << n_runs - rows << " more; --all prints them\n";
  out << '\n';
  write_remarks(plan, out);
  out << counted(n_runs, "run") << ", about " << duration_text(expected.seconds) << " on "
      << counted(static_cast<std::size_t>(threads), "thread") << ", about "
      << bytes_text(expected.bytes) << " of memory\n";
  return kAllWell;
}

}  // namespace plumbline
