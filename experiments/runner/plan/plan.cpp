// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/plan.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

#include "experiments/runner/plan/expansion.hpp"
#include "experiments/runner/plan/problem_set.hpp"
#include "experiments/runner/plan/stages.hpp"

namespace plumbline {

namespace {

// Configures the runs of an expansion.
class Planner {
 public:
  Planner(const Plan& plan, ProblemSet& problems, ProblemSet& warnings)
      : definition_(plan.definition),
        folders_(plan.folders),
        problems_(problems),
        warnings_(warnings) {}

  void configure_run(const Combination& combination) {
    const Study& study = definition_.studies[combination.study];
    SettingsReport report;
    report.folders = folders_;
    RunConfiguration configuration = configure(combination.settings, report);
    const CombinationRange here{combination.number, 1};
    if (report.problems.empty()) report.problems = problems_of_choices(study, configuration);
    for (Problem& problem : report.problems) problems_.add(std::move(problem), here);
    for (Problem& warning : report.warnings) warnings_.add(std::move(warning), here);
    if (!problems_.empty()) return;
    const std::int64_t max_steps = first_rung(study);
    if (max_steps > 0) {
      SettingsTable settings = combination.settings;
      apply_setting(settings, "budget.max_steps", {max_steps, {}});
      SettingsReport of_rung;
      of_rung.folders = folders_;
      configuration = configure(settings, of_rung);
    }
    // The runs of one combination differ in the seed alone, and that costs nothing.
    const bool is_new = runs.empty() || runs.back().study != combination.study ||
                        !std::equal(combination.points.begin(), combination.points.end() - 1,
                                    runs.back().points.begin());
    const double cost = is_new ? configuration.cost() : runs.back().cost;
    RunSpec run{run_id(configuration), configuration.seed, cost, {},
                combination.study,     combination.points};
    run.group = groups_.of(definition_, combination.study, combination.points);
    run.max_steps = max_steps;
    run.configuration = std::move(configuration);
    if (!runs.empty()) run.configuration.resolved.share_with(runs.back().configuration.resolved);
    runs.push_back(std::move(run));
  }

  std::vector<RunSpec> runs;

 private:
  const Definition& definition_;
  const std::vector<std::filesystem::path>& folders_;
  GroupNumbers groups_;
  ProblemSet& problems_;
  ProblemSet& warnings_;
};

double number_of_combinations(const Definition& definition) {
  double number = 0;
  for (const Study& study : definition.studies) number += number_of_combinations(study);
  return number;
}

Problem too_many_runs(const Definition& definition, std::int64_t most_runs) {
  const Study& largest = *std::ranges::max_element(
      definition.studies, {}, [](const Study& study) { return number_of_combinations(study); });
  std::string product;
  for (const SweepAxis& axis : largest.axes) {
    product += (product.empty() ? "" : " x ") + std::to_string(axis.points.size());
  }
  // The longest axis is the one to shorten.
  const auto longest = std::ranges::max_element(
      largest.axes, {}, [](const SweepAxis& axis) { return axis.points.size(); });
  const std::string whose =
      definition.studies.size() == 1 ? "the sweep" : "the study '" + largest.name + "'";
  const bool may_be_meant = most_runs < kMostRunsAtAll;
  return {longest->place, whose + " has " + product + " runs; allowed are at most " +
                              std::to_string(most_runs) +
                              (definition.studies.size() == 1 ? "" : " of all studies") +
                              (may_be_meant ? " without --yes" : "")};
}

std::string in_words(const AxisPoint& point) {
  std::string text;
  for (const Assignment& one : point) {
    text += (text.empty() ? "'" : ", '") + one.key + "' = " + to_string(one.value);
  }
  return text;
}

// "the study 'adam' with 'optimizer.lr' = 0.1, 'train.seed' = 0".
std::string in_words(const Definition& definition, const RunSpec& run) {
  std::string text;
  for (const Assignment* one : assignments_of(definition, run)) {
    text += (text.empty() ? "" : ", ") + in_words(AxisPoint{*one});
  }
  return "the study '" + definition.studies[run.study].name + "' with " + text;
}

// What two runs that are one computation differ in, in the definition's words.
Problem same_run(const Definition& definition, const RunSpec& first, const RunSpec& second) {
  const Study& study = definition.studies[second.study];
  if (first.study != second.study) {
    const std::string both = std::to_string(first.study) + ' ' + std::to_string(second.study);
    return {study.place,
            in_words(definition, second) + " makes the same run as " + in_words(definition, first),
            "same runs of the studies " + both};
  }
  std::string one;
  std::string other;
  Place place;
  for (std::size_t a = 0; a < study.axes.size(); ++a) {
    if (first.points[a] == second.points[a]) continue;
    const std::vector<AxisPoint>& points = study.axes[a].points;
    one += (one.empty() ? "" : ", ") + in_words(points[first.points[a]]);
    other += (other.empty() ? "" : ", ") + in_words(points[second.points[a]]);
    place = points[second.points[a]].front().value.place;
  }
  return {place, other + " makes the same run as " + one};
}

void find_same_runs(const Plan& plan, ProblemSet& problems) {
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const auto [found, is_new] = first.emplace(plan.runs[i].run_id, i);
    if (!is_new) problems.add(same_run(plan.definition, plan.runs[found->second], plan.runs[i]));
  }
}

// A number for all settings but seeds and rungs. Runs of which it differs cannot lead to the same run.
std::size_t trial_number(const RunConfiguration& configuration) {
  std::string text;
  for (const ResolvedSetting& setting : configuration.resolved) {
    const bool is_trials =
        !setting.restates && !setting.key.ends_with("seed") && setting.key != "budget.max_steps";
    if (is_trials) text += setting.key + '=' + to_string(setting.value) + '\n';
  }
  return std::hash<std::string>()(text);
}

// The runs of a plan of whose trials another study has one too.
std::vector<const RunSpec*> runs_of_shared_trials(const Plan& plan) {
  constexpr auto kSeveral = static_cast<std::size_t>(-1);
  std::vector<std::size_t> trials;
  std::unordered_map<std::size_t, std::size_t> study_of;
  for (const RunSpec& run : plan.runs) {
    trials.push_back(trial_number(run.configuration));
    const auto [found, is_new] = study_of.emplace(trials.back(), run.study);
    if (!is_new && found->second != run.study) found->second = kSeveral;
  }
  std::vector<const RunSpec*> shared;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (study_of.at(trials[i]) == kSeveral) shared.push_back(&plan.runs[i]);
  }
  return shared;
}

// A run of a later stage that another study has, or may come to: whether it does follows from results, and
// then it would be too late to say so.
void find_same_later_runs(const Plan& plan, ProblemSet& problems) {
  const Definition& definition = plan.definition;
  if (definition.studies.size() < 2 || !has_stages(definition)) return;
  std::unordered_map<std::string, RunSpec> known;
  const auto without_configuration = [](RunSpec run) {
    run.configuration = {};
    return run;
  };
  const std::vector<const RunSpec*> shared = runs_of_shared_trials(plan);
  for (const RunSpec* run : shared) known.emplace(run->run_id, without_configuration(*run));
  for (const RunSpec* first : shared) {
    for (const RunSpec& later : runs_that_may_follow(plan, *first)) {
      const auto [found, is_new] = known.emplace(later.run_id, without_configuration(later));
      const RunSpec& other = found->second;
      if (is_new || other.study == first->study) continue;
      const Study& study = definition.studies[first->study];
      problems.add({study.place,
                    "stage '" + stage_name(study, later) + "' of " + in_words(definition, later) +
                        " may come to the same run as " + in_words(definition, other),
                    "later runs of the studies " + std::to_string(first->study) + ' ' +
                        std::to_string(other.study)});
    }
  }
}

void warn_of_idle_exclusions(const Definition& definition, const Expansion& expansion,
                             ProblemSet& warnings) {
  for (std::size_t i = 0; i < definition.exclusions.size(); ++i) {
    if (expansion.excluded[i] > 0) continue;
    warnings.add({definition.exclusions[i].place, "'sweep.exclude' leaves out no run"});
  }
}

// Where the definition's settings name the probe first.
Place place_of_probe(const Definition& definition, const std::string& name) {
  for (const Study& study : definition.studies) {
    const SettingNode* table = study.base.find("probes");
    const auto* probes = table == nullptr ? nullptr : std::get_if<SettingsTable>(&table->value);
    const SettingNode* probe = probes == nullptr ? nullptr : probes->find(name);
    if (probe != nullptr) return probe->place;
  }
  return {};
}

// Probes that say nothing of any run: where one says something of some, the others have a warning.
void find_idle_probes(const Plan& plan, ProblemSet& problems) {
  std::unordered_set<std::string> measuring;
  std::map<std::string, std::string> idle;  // with the reason
  for (const RunSpec& run : plan.runs) {
    for (const ScheduledProbe& probe : run.configuration.probes) {
      const std::string& name = probe.entry->info.name;
      if (measuring.contains(name)) continue;
      const ProbedRun probed = run.configuration.probed();
      if (is_defined(*probe.kind, probed)) {
        measuring.insert(name);
        idle.erase(name);
      } else {
        idle.emplace(name, probe.kind->undefined(0, probed));
      }
    }
  }
  for (const auto& [name, reason] : idle) {
    problems.add({place_of_probe(plan.definition, name),
                  "'probes." + name + "' measures nothing in any run, because " + reason});
  }
}

// The runs of the plan's definition; what is wrong goes to `found`.
Expansion configure_runs(Plan& plan, std::int64_t most_runs, ProblemSet& found,
                         ProblemSet& warnings) {
  Expansion expansion;
  if (number_of_combinations(plan.definition) > static_cast<double>(most_runs)) {
    found.add(too_many_runs(plan.definition, most_runs));
  } else {
    Planner planner(plan, found, warnings);
    expansion = expand(
        plan.definition, [&](const Combination& one) { planner.configure_run(one); },
        [&](const DefinitionError& error, const CombinationRange& range) {
          for (const Problem& problem : error.problems()) found.add(problem, range);
        });
    plan.runs = std::move(planner.runs);
    for (const std::size_t runs : expansion.excluded) plan.excluded += runs;
    if (found.empty()) find_same_runs(plan, found);
    if (found.empty()) find_same_later_runs(plan, found);
    if (found.empty()) find_idle_probes(plan, found);
    warn_of_idle_exclusions(plan.definition, expansion, warnings);
  }
  if (found.empty() && plan.runs.empty() && plan.excluded > 0) {
    found.add({plan.definition.exclusions.front().place, "'sweep.exclude' leaves out every run"});
  }
  return expansion;
}

// A mistake that shows in the file but is not there without one of the overrides is that one's;
// of several the last one's. Sweeps that take long to try again are left as they are.
void lay_on_overrides(const Plan& plan, std::int64_t most_runs, ProblemSet& found) {
  constexpr double kMostTried = 10'000;
  const std::vector<std::string>& overrides = plan.definition.overrides;
  for (std::size_t i = overrides.size(); i-- > 0 && found.has_mistake_of_file();) {
    std::vector<std::string> others = overrides;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    std::vector<Problem> problems;
    Plan without{parse_definition(plan.definition.path, plan.definition.text, others, problems),
                 {}};
    if (number_of_combinations(without.definition) > kMostTried) continue;
    without.folders = plan.folders;
    ProblemSet found_without(without.definition);
    ProblemSet unused(without.definition);
    for (Problem& problem : problems) found_without.add(std::move(problem));
    configure_runs(without, most_runs, found_without, unused);
    found.lay_on_override(overrides[i], found_without);
  }
}

}  // namespace

std::vector<std::filesystem::path> searched_folders(const Definition& definition,
                                                    const DataFolders& data_folders) {
  std::vector<std::filesystem::path> folders{std::filesystem::path(definition.path).parent_path()};
  folders.insert(folders.end(), data_folders.begin(), data_folders.end());
  if (!folders.front().empty()) folders.emplace_back();
  return folders;
}

Plan make_plan(Definition definition, std::vector<Problem> problems,
               const DataFolders& data_folders, std::int64_t most_runs) {
  Plan plan{std::move(definition), {}};
  plan.folders = searched_folders(plan.definition, data_folders);
  ProblemSet found(plan.definition);
  ProblemSet warnings(plan.definition);
  for (Problem& problem : problems) found.add(std::move(problem));

  const Expansion expansion = configure_runs(plan, most_runs, found, warnings);
  if (found.has_mistake_of_file()) lay_on_overrides(plan, most_runs, found);
  found.gather_at_axes();
  if (!found.empty()) throw DefinitionError(found.sorted(expansion.left_out));
  plan.warnings = warnings.sorted(expansion.left_out);
  return plan;
}

void print_warnings(const Plan& plan, std::ostream& err) {
  for (const Problem& warning : plan.warnings) {
    err << to_string(warning.place) << ": warning: " << warning.message << '\n';
  }
}

std::string study_name(const Definition& definition, const RunSpec& run) {
  return definition.studies.size() > 1 ? definition.studies[run.study].name : std::string();
}

std::vector<std::string> swept_keys(const Definition& definition) {
  std::vector<std::string> keys;
  for (const Study& study : definition.studies) {
    for (const SweepAxis& axis : study.axes) {
      for (const std::string& key : axis.keys) {
        const bool is_new = std::ranges::find(keys, key) == keys.end();
        if (is_new && key != "train.seed") keys.push_back(key);
      }
    }
  }
  keys.emplace_back("train.seed");
  return keys;
}

std::vector<const Assignment*> assignments_of(const Definition& definition, const RunSpec& run) {
  const Study& study = definition.studies[run.study];
  std::vector<const Assignment*> assignments;
  // Conditions ask what is set before.
  SettingsTable settings = study.base;
  for (std::size_t a = 0; a < study.axes.size(); ++a) {
    const std::vector<const Assignment*> given =
        apply_point(settings, study.axes[a], run.points[a]);
    assignments.insert(assignments.end(), given.begin(), given.end());
  }
  return assignments;
}

SettingsTable settings_of(const Definition& definition, const RunSpec& run) {
  const Study& study = definition.studies[run.study];
  SettingsTable settings = study.base;
  for (std::size_t a = 0; a < study.axes.size(); ++a) {
    apply_point(settings, study.axes[a], run.points[a]);
  }
  if (run.max_steps > 0) apply_setting(settings, "budget.max_steps", {run.max_steps, {}});
  return settings;
}

std::string run_label(const Plan& plan, std::size_t index) {
  const RunSpec& run = plan.runs[index];
  const std::string study = study_name(plan.definition, run);
  std::string label = study.empty() ? "" : "study=" + study;
  for (const Assignment* one : assignments_of(plan.definition, run)) {
    const auto* text = std::get_if<std::string>(&one->value.value);
    if (!label.empty()) label += ' ';
    label += one->key + '=' + (text != nullptr ? *text : to_string(one->value));
  }
  if (run.max_steps > 0) label += " budget.max_steps=" + std::to_string(run.max_steps);
  return label;
}

}  // namespace plumbline
