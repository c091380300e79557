// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/definition_guide.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/optimizers/parameter_groups.hpp"
#include "engine/training/run_configuration.hpp"
#include "experiments/runner/definition/study_reader.hpp"
#include "experiments/runner/definition/sweep_reader.hpp"

namespace plumbline {

namespace {

/// The value that a setting has in an empty definition.
SettingNode default_of(std::string_view key) {
  SettingsReport report;
  configure(SettingsTable(), report);
  const auto found = std::ranges::find(report.resolved, key, &ResolvedSetting::key);
  return found == report.resolved.end() ? SettingNode{std::string(), {}} : found->value;
}

SettingInfo inner_table(std::string name, std::string meaning) {
  return {std::move(name), "table", {SettingsTable(), {}}, "any", std::move(meaning)};
}

/// A table that is a plug-in as a whole.
template <class Entry>
GuidedTable plugin_table(std::string name, std::string summary, const Catalogue<Entry>& catalogue) {
  const SettingInfo choice{"name", "plugin", default_of(name + ".name"), catalogue.kind(),
                           "which one; its own settings, which `plumbline describe` prints by this "
                           "name, stand beside it"};
  return {std::move(name), std::move(summary), {choice}, catalogue.kind(), catalogue.names()};
}

}  // namespace

std::vector<GuidedTable> definition_guide() {
  GuidedTable optimizer = plugin_table("optimizer", "The update rule, which may hold another one.",
                                       optimizer_catalogue());
  optimizer.settings.push_back(inner_table(
      "groups", "settings that differ in groups of parameters: `plumbline describe groups`"));

  GuidedTable probes{
      "probes", "What is measured as a net learns, each as NAME = { every = 10 }.",
      declared_settings([](Settings& settings) { const Sampling sampling(settings); }),
      probe_catalogue().kind(), probe_catalogue().names()};
  for (SettingInfo& setting : probes.settings) setting.name = "NAME." + setting.name;

  std::vector<GuidedTable> guide;
  for (const TableInfo& table : definition_tables()) {
    if (table.name == "data") {
      guide.push_back(plugin_table(table.name, table.summary, dataset_catalogue()));
      guide.back().settings.insert(guide.back().settings.end(), table.settings.begin(),
                                   table.settings.end());
    } else {
      guide.push_back({table.name, table.summary, table.settings});
    }
  }
  guide.push_back(plugin_table("loss", "What training makes small.", loss_catalogue()));
  guide.push_back(std::move(optimizer));
  guide.push_back(
      {"groups",
       "[optimizer.groups.hidden] and its like: settings that differ from those of "
       "[optimizer] for\none group of parameters, or with `name` another optimizer for it. "
       "Each parameter is in one group;\nthose of groups without a table go by [optimizer].",
       parameter_group_tables()});
  guide.push_back(plugin_table("schedule", "What multiplies the learning rate from step to step.",
                               schedule_catalogue()));
  guide.push_back(std::move(probes));
  guide.push_back(
      {"sweep", "What varies between runs: every value of each axis with every one of the others.",
       SweepReader::settings()});
  guide.push_back({"study",
                   "[[study]]: a part of the experiment with settings and a search of its own. The "
                   "axes of [sweep] are in\neach, before those of the search; the runs of all "
                   "studies make the plan.",
                   StudyReader::settings()});
  return guide;
}

std::vector<GuidedTable> tables_of_studies() {
  const auto part = [](std::string name, const std::string& prefix, std::string summary) {
    GuidedTable table{std::move(name), std::move(summary), {}};
    for (SettingInfo setting : StudyReader::settings()) {
      if (!setting.name.starts_with(prefix)) continue;
      setting.name.erase(0, prefix.size());
      table.settings.push_back(std::move(setting));
    }
    return table;
  };
  return {part("search", "search.",
               "[study.search]: trials, each a point of [study.search.space], in every cell of the "
               "sweep's axes."),
          part("halving", "search.halving.",
               "[study.search.halving]: all trials run to the first rung, the best of them to the "
               "next, and those\nof the last rung to their end (synchronous successive halving)."),
          part("protocol", "protocol.",
               "[study.protocol]: chooses the best trial by the seeds of `select`, and computes it "
               "anew with the\nseeds of `rerun`, which follow these.")};
}

}  // namespace plumbline
