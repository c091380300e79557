// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/protocol.hpp"

#include <algorithm>
#include <utility>

#include "engine/core/catalogue.hpp"
#include "engine/training/budget.hpp"

namespace plumbline {

namespace {

// A metric of the evaluations means that of the last one.
std::vector<std::string> deciding_metrics() {
  std::vector<std::string> names = deciding_summaries();
  names.insert(names.end(), evaluated_names().begin(), evaluated_names().end());
  return names;
}

Criterion read_criterion(Settings& settings) {
  Criterion by;
  by.metric =
      settings.choice("metric", "final_valid_loss", deciding_metrics(),
                      "what trials are compared by, the median over their seeds; valid_loss is "
                      "final_valid_loss; NaN, and a run that did not get there, is worst");
  by.key = settings.path() + ".metric";
  by.place = settings.report().place_of(by.key);
  const bool is_more = by.metric.ends_with("accuracy");
  const std::string goal =
      settings.choice("goal", is_more ? "max" : "min", {"min", "max"},
                      "which values are best; if not given, max of accuracies, min of all else");
  by.goal = goal == "max" ? Goal::max : Goal::min;
  if (std::ranges::count(evaluated_names(), by.metric) > 0) by.metric = "final_" + by.metric;
  return by;
}

void require(Settings& settings, const char* name, const char* what) {
  if (!settings.only_declares() && !settings.given(name)) {
    settings.problem(name, std::string("is missing; expected ") + what);
  }
}

Halving halving_of(Settings& settings) {
  Halving halving;
  require(settings, "rungs", "the update steps at which trials are compared, in rising order");
  halving.rungs = settings.integers(
      "rungs", between(1, kMostUpdates), Settings::Order::rising,
      "updates after which trials are compared; below train.steps, which those of the "
      "last rung have");
  halving.factor = settings.integer("factor", 3, between(2, kMostSeeds),
                                    "of n trials, ceil(n / factor) go on to the next rung");
  require(settings, "metric", "what trials are compared by");
  halving.by = read_criterion(settings);
  return halving;
}

std::int64_t read_seeds(Settings& settings, std::int64_t usual, const char* meaning) {
  return settings.integer("seeds", usual, between(1, kMostSeeds), meaning);
}

std::int64_t select_of(Settings& settings, Criterion& by) {
  require(settings, "metric", "what trials are compared by");
  by = read_criterion(settings);
  return read_seeds(settings, 1, "runs of each trial, with the seeds from train.seed on");
}

std::int64_t rerun_of(Settings& settings) {
  require(settings, "seeds", "how many runs the best trial gets");
  return read_seeds(settings, 10, "runs of the best trial, with the seeds after those of select");
}

// The table of the node with its path; null where it is none, which is a mistake.
const SettingsTable* table_of(const SettingNode& node, const std::string& path,
                              std::vector<Problem>& problems) {
  const auto* table = std::get_if<SettingsTable>(&node.value);
  if (table == nullptr) {
    problems.push_back({node.place, "'" + path + "' is " + type_name(node) + "; expected a table"});
  }
  return table;
}

// What must be given has no default: a table stands for that, as in the settings of a search.
std::vector<SettingInfo> without_defaults_of(const std::vector<std::string>& required,
                                             std::vector<SettingInfo> settings) {
  for (SettingInfo& setting : settings) {
    if (std::ranges::find(required, setting.name) != required.end()) {
      setting.default_value = {SettingsTable(), {}};
    }
  }
  return settings;
}

bool moved(SettingsReport& report, std::vector<Problem>& problems) {
  const bool any = !report.problems.empty();
  std::ranges::move(report.problems, std::back_inserter(problems));
  return any;
}

}  // namespace

std::optional<Halving> read_halving(const SettingNode& node, const std::string& path,
                                    std::vector<Problem>& problems) {
  const SettingsTable* table = table_of(node, path, problems);
  if (table == nullptr) return std::nullopt;
  SettingsReport report;
  Settings settings(*table, path, report, node.place);
  Halving halving = halving_of(settings);
  halving.place = report.place_of(path + ".rungs");
  settings.finish();
  if (moved(report, problems)) return std::nullopt;
  return halving;
}

std::optional<Protocol> read_protocol(const SettingNode& node, const std::string& path,
                                      std::vector<Problem>& problems) {
  const SettingsTable* table = table_of(node, path, problems);
  if (table == nullptr) return std::nullopt;
  SettingsReport report;
  Settings settings(*table, path, report, node.place);
  require(settings, "select", "a table such as { metric = \"final_valid_loss\", seeds = 1 }");
  require(settings, "rerun", "a table such as { seeds = 10 }");
  Settings select = settings.table("select");
  Settings rerun = settings.table("rerun");
  settings.finish();
  Protocol protocol;
  protocol.place = node.place;
  // A table that is no table has been reported, and so has one that is missing.
  const auto is_table = [&](const char* name) {
    const SettingNode* found = table->find(name);
    return found != nullptr && std::holds_alternative<SettingsTable>(found->value);
  };
  if (is_table("select")) {
    protocol.select_seeds = select_of(select, protocol.by);
    select.finish();
  }
  if (is_table("rerun")) {
    protocol.rerun_seeds = rerun_of(rerun);
    rerun.finish();
  }
  if (moved(report, problems)) return std::nullopt;
  return protocol;
}

// Those of the test examples are none of them: what is chosen by these is no longer tested by them.
std::vector<std::string> deciding_summaries() {
  std::vector<std::string> names = {"steps_to_target", "best_valid_loss", "best_valid_accuracy"};
  for (const std::string& name : evaluated_names()) names.push_back("final_" + name);
  return names;
}

std::vector<SettingInfo> halving_settings() {
  return without_defaults_of({"rungs", "metric"},
                             declared_settings([](Settings& settings) { halving_of(settings); }));
}

std::vector<SettingInfo> select_settings() {
  return without_defaults_of({"metric"}, declared_settings([](Settings& settings) {
                               Criterion by;
                               select_of(settings, by);
                             }));
}

std::vector<SettingInfo> rerun_settings() {
  return without_defaults_of({"seeds"},
                             declared_settings([](Settings& settings) { rerun_of(settings); }));
}

}  // namespace plumbline
