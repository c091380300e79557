// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "experiments/runner/commands/commands.hpp"
#include "experiments/runner/machine/available_memory.hpp"
#include "experiments/runner/machine/available_processors.hpp"
#include "experiments/runner/plan/estimate.hpp"
#include "experiments/runner/plan/memory_fit.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/sweep/progress.hpp"
#include "experiments/runner/sweep/scheduler.hpp"
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
std::vector<std::string> column_titles(const std::vector<SweepAxis>& axes) {
  std::vector<std::string> titles;
  for (const SweepAxis& axis : axes) {
    std::string_view key = axis.key;
    if (key.ends_with(".name")) key.remove_suffix(5);
    titles.emplace_back(key.substr(key.rfind('.') + 1));
  }
  std::vector<std::string> unique = titles;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (std::ranges::count(titles, titles[i]) == 1) continue;
    unique[i] = axes[i].key;
    std::ranges::replace(unique[i], '.', '_');
  }
  return unique;
}

bool is_number(const SettingNode& node) {
  return std::holds_alternative<std::int64_t>(node.value) ||
         std::holds_alternative<double>(node.value);
}

std::string cell(const SettingNode& node) {
  const auto* text = std::get_if<std::string>(&node.value);
  return text != nullptr ? *text : to_string(node);
}

double total_cost(const Plan& plan) {
  double cost = 0;
  for (const RunSpec& run : plan.runs) cost += run.cost;
  return cost;
}

void write_table(const Plan& plan, std::size_t rows, std::ostream& out) {
  const std::vector<SweepAxis>& axes = plan.definition.axes;
  const std::vector<std::string> titles = column_titles(axes);
  std::vector<TextTable::Column> columns{{"run_id"}};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const bool is_numeric = std::ranges::all_of(axes[i].values, is_number);
    columns.push_back({titles[i], is_numeric ? Align::right : Align::left});
  }
  columns.push_back({"cost", Align::right});

  TextTable table(std::move(columns));
  const double total = total_cost(plan);
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<std::string> cells{plan.runs[i].run_id};
    const std::vector<std::size_t> positions = axis_positions(axes, i);
    for (std::size_t a = 0; a < axes.size(); ++a) {
      cells.push_back(cell(axes[a].values[positions[a]]));
    }
    cells.push_back(percent_text(plan.runs[i].cost / total));
    table.add_row(std::move(cells));
  }
  table.write_plain(out);
}

ordered_json to_json(const Plan& plan, const Estimate& expected) {
  ordered_json runs = ordered_json::array();
  for (const RunSpec& run : plan.runs) {
    ordered_json settings = ordered_json::object();
    for (const ResolvedSetting& setting : run.configuration.resolved) {
      settings[setting.key] = setting_json(setting.value);
    }
    runs.push_back({{"run_id", run.run_id},
                    {"seed", run.seed},
                    {"cost", run.cost},
                    {"settings", std::move(settings)}});
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
  const Plan plan = make_plan(std::move(definition), std::move(problems), options.data_folders);
  print_warnings(plan, err);
  const int threads = options.threads > 0 ? options.threads : available_processors();
  std::vector<std::size_t> all(plan.runs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const MemoryFit fit = memory_fit(plan, all, threads, available_memory());
  const std::string tight = memory_message(plan, fit, threads);
  if (!tight.empty()) err << "warning: " << tight << '\n';
  const Estimate expected = estimate(plan, threads, fit);
  if (options.json) {
    out << to_json(plan, expected).dump(2) << '\n';
    return 0;
  }

  const std::size_t n_runs = plan.runs.size();
  const std::size_t rows = options.all ? n_runs : std::min(n_runs, kFirstRuns);
  write_table(plan, rows, out);
  if (rows < n_runs) out << "and " << n_runs - rows << " more; --all prints them\n";
  out << '\n'
      << n_runs << (n_runs == 1 ? " run" : " runs") << ", about " << duration_text(expected.seconds)
      << " on " << threads << (threads == 1 ? " thread, " : " threads, ") << "about "
      << bytes_text(expected.bytes) << " of memory\n";
  return 0;
}

}  // namespace plumbline
