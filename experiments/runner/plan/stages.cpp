// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/stages.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "experiments/runner/plan/expansion.hpp"
#include "experiments/runner/plan/selection.hpp"

namespace plumbline {

namespace {

// The runs of one trial at one stage: they differ in the seed.
using Trial = std::vector<std::size_t>;

// One of those that a study chooses by; null where it chooses nothing.
const Criterion* criterion_of(const Study& study) {
  if (study.halving) return &study.halving->by;
  return study.protocol ? &study.protocol->by : nullptr;
}

// The stages of a study, counted from 0: a rung each, the whole runs, and the reruns.
std::size_t stage_of(const Study& study, const RunSpec& run) {
  const std::size_t rungs = study.halving ? study.halving->rungs.size() : 0;
  if (run.points.back() >= first_rerun_seed(study)) return rungs + 1;
  if (run.max_steps == 0 || rungs == 0) return rungs;
  const auto found = std::ranges::find(study.halving->rungs, run.max_steps);
  return static_cast<std::size_t>(found - study.halving->rungs.begin());
}

// What a group has come to.
struct Progress {
  std::size_t study = 0;
  std::size_t stage = 0;
  std::vector<Trial> trials;  // of that stage, in the order of the search
};

bool is_same_trial(const RunSpec& one, const RunSpec& other) {
  return std::equal(one.points.begin(), one.points.end() - 1, other.points.begin());
}

// By group, in the order in which the plan shows them; nothing for runs that nothing is chosen among.
std::vector<Progress> progress_of(const Plan& plan) {
  std::vector<Progress> groups;
  std::vector<std::size_t> place;  // of each group of the plan
  for (std::size_t index = 0; index < plan.runs.size(); ++index) {
    const RunSpec& run = plan.runs[index];
    const Study& study = plan.definition.studies[run.study];
    if (criterion_of(study) == nullptr) continue;
    constexpr auto kNone = static_cast<std::size_t>(-1);
    if (run.group >= place.size()) place.resize(run.group + 1, kNone);
    if (place[run.group] == kNone) {
      place[run.group] = groups.size();
      groups.push_back({run.study, 0, {}});
    }
    Progress& group = groups[place[run.group]];
    const std::size_t stage = stage_of(study, run);
    if (stage > group.stage) group = {run.study, stage, {}};
    if (group.trials.empty() || !is_same_trial(plan.runs[group.trials.back().front()], run)) {
      group.trials.emplace_back();
    }
    group.trials.back().push_back(index);
  }
  return groups;
}

std::vector<std::size_t> chosen(const Plan& plan, const Progress& group, const Criterion& by,
                                std::size_t count, const RunValue& value_of) {
  std::vector<TrialValues> values;
  for (const Trial& trial : group.trials) {
    TrialValues& of_trial = values.emplace_back();
    for (const std::size_t index : trial) {
      of_trial.push_back(value_of(plan.runs[index], by).value());
    }
  }
  return best_trials(values, by.goal, count);
}

// Which run it is, not yet configured.
RunSpec run_like(const RunSpec& run, std::int64_t max_steps, std::size_t seed_point) {
  RunSpec next;
  next.study = run.study;
  next.group = run.group;
  next.points = run.points;
  next.points.back() = seed_point;
  next.max_steps = max_steps;
  next.cost = run.cost;
  return next;
}

void configure_run(const Plan& plan, RunSpec& run) {
  SettingsReport report;
  report.folders = plan.folders;
  run.configuration = configure(settings_of(plan.definition, run), report);
  if (!report.problems.empty()) throw DefinitionError(report.problems);
  if (!plan.runs.empty()) {
    run.configuration.resolved.share_with(plan.runs.back().configuration.resolved);
  }
  run.run_id = run_id(run.configuration);
  run.seed = run.configuration.seed;
  run.cost = run.configuration.cost();
}

// The update steps of the stages after the first: those of further rungs, and 0 for the whole runs.
std::vector<std::int64_t> later_steps(const Study& study) {
  if (!study.halving) return {};
  std::vector<std::int64_t> steps(study.halving->rungs.begin() + 1, study.halving->rungs.end());
  steps.push_back(0);
  return steps;
}

std::vector<RunSpec> next_runs(const Plan& plan, const Progress& group, const RunValue& value_of) {
  const Study& study = plan.definition.studies[group.study];
  const std::size_t rungs = study.halving ? study.halving->rungs.size() : 0;
  std::vector<RunSpec> runs;
  if (group.stage < rungs) {
    const Halving& halving = *study.halving;
    const std::int64_t max_steps = later_steps(study)[group.stage];
    for (const std::size_t trial : chosen(
             plan, group, halving.by, survivors(group.trials.size(), halving.factor), value_of)) {
      for (const std::size_t index : group.trials[trial]) {
        const RunSpec& run = plan.runs[index];
        runs.push_back(run_like(run, max_steps, run.points.back()));
      }
    }
  } else if (group.stage == rungs && study.protocol) {
    for (const std::size_t trial : chosen(plan, group, study.protocol->by, 1, value_of)) {
      const RunSpec& run = plan.runs[group.trials[trial].front()];
      for (std::size_t seed = first_rerun_seed(study); seed < study.axes.back().points.size();
           ++seed) {
        runs.push_back(run_like(run, 0, seed));
      }
    }
  }
  return runs;
}

// Not yet configured.
std::vector<RunSpec> added_runs(const Plan& plan, const RunValue& value_of) {
  std::vector<RunSpec> added;
  for (const Progress& group : progress_of(plan)) {
    const Criterion& by = *criterion_of(plan.definition.studies[group.study]);
    const bool is_finished = std::ranges::all_of(group.trials, [&](const Trial& trial) {
      return std::ranges::all_of(
          trial, [&](std::size_t index) { return value_of(plan.runs[index], by).has_value(); });
    });
    if (!is_finished) continue;
    std::ranges::move(next_runs(plan, group, value_of), std::back_inserter(added));
  }
  return added;
}

// The runs of all later stages, not configured, of the dearest trials.
void add_foreseen(Plan& plan) {
  const auto dearest = [](const RunSpec& run, const Criterion& by) {
    return by.goal == Goal::min ? -run.cost : run.cost;
  };
  for (std::size_t more = 1; more > 0;) {
    const std::vector<RunSpec> added = added_runs(plan, dearest);
    more = added.size();
    plan.runs.insert(plan.runs.end(), added.begin(), added.end());
  }
}

}  // namespace

std::size_t first_rerun_seed(const Study& study) {
  return study.protocol ? static_cast<std::size_t>(study.protocol->select_seeds)
                        : study.axes.back().points.size();
}

std::vector<Problem> problems_of_choices(const Study& study, const RunConfiguration& whole) {
  std::vector<Problem> problems;
  if (study.halving && study.halving->rungs.back() >= whole.last_step()) {
    problems.push_back(
        {study.halving->place, "'study.search.halving.rungs' holds " +
                                   std::to_string(study.halving->rungs.back()) + "; a run of " +
                                   std::to_string(whole.last_step()) + " steps is over by then"});
  }
  const auto check = [&](const Criterion& by) {
    const std::string metric_is = '\'' + by.key + "' is '" + by.metric + "', and ";
    if (by.metric == "steps_to_target" && !whole.budget.target) {
      problems.push_back({by.place, metric_is + "there is no 'budget.target'"});
    } else if (by.metric.find("valid") != by.metric.npos && whole.data->sizes().valid == 0) {
      problems.push_back({by.place, metric_is + "the data have no validation examples"});
    } else if (by.metric.ends_with("accuracy") && !whole.data->has_labels()) {
      problems.push_back({by.place, metric_is + "the data have no labels"});
    }
  };
  if (study.halving) check(study.halving->by);
  if (study.protocol) check(study.protocol->by);
  return problems;
}

std::int64_t first_rung(const Study& study) {
  return study.halving ? study.halving->rungs.front() : 0;
}

std::string stage_name(const Study& study, const RunSpec& run) {
  if (criterion_of(study) == nullptr) return "";
  if (run.points.back() >= first_rerun_seed(study)) return "rerun";
  return study.halving ? "rung " + std::to_string(stage_of(study, run) + 1) : "select";
}

std::size_t GroupNumbers::of(const Definition& definition, std::size_t study,
                             const std::vector<std::size_t>& points) {
  const Study& of_run = definition.studies[study];
  if (criterion_of(of_run) == nullptr) return next_++;
  std::string key = std::to_string(study);
  for (std::size_t a = 0; a + 1 < points.size(); ++a) {
    if (!of_run.axes[a].is_of_search) key += ' ' + std::to_string(points[a]);
  }
  const auto [found, is_new] = known_.emplace(std::move(key), next_);
  if (is_new) ++next_;
  return found->second;
}

bool has_stages(const Definition& definition) {
  return std::ranges::any_of(definition.studies,
                             [](const Study& study) { return criterion_of(study) != nullptr; });
}

std::size_t add_next_stage(Plan& plan, const RunValue& value_of) {
  std::vector<RunSpec> added = added_runs(plan, value_of);
  for (RunSpec& run : added) configure_run(plan, run);
  std::unordered_set<std::string> known;
  for (const RunSpec& run : plan.runs) known.insert(run.run_id);
  for (const RunSpec& run : added) {
    if (known.insert(run.run_id).second) continue;
    const Study& study = plan.definition.studies[run.study];
    throw DefinitionError(
        {{study.place, "stage '" + stage_name(study, run) + "' of the study '" + study.name +
                           "' comes to a run that another one has"}});
  }
  plan.runs.insert(plan.runs.end(), added.begin(), added.end());
  return added.size();
}

void add_stages(Plan& plan, const RunValue& value_of) {
  while (add_next_stage(plan, value_of) > 0) continue;
}

Plan foreseen(Plan plan) {
  const std::size_t known = plan.runs.size();
  add_foreseen(plan);
  for (std::size_t i = known; i < plan.runs.size(); ++i) {
    configure_run(plan, plan.runs[i]);
    plan.runs[i].run_id.clear();
  }
  return plan;
}

std::size_t runs_foreseen(const Plan& plan) {
  if (!has_stages(plan.definition)) return plan.runs.size();
  Plan bare{plan.definition, {}};
  for (const RunSpec& run : plan.runs) {
    bare.runs.push_back(run_like(run, run.max_steps, run.points.back()));
  }
  add_foreseen(bare);
  return bare.runs.size();
}

std::size_t number_of_runs(const Definition& definition) {
  Plan bare{definition, {}};
  GroupNumbers groups;
  std::size_t unreadable = 0;
  expand(
      definition,
      [&](const Combination& one) {
        RunSpec run;
        run.study = one.study;
        run.points = one.points;
        run.group = groups.of(definition, one.study, one.points);
        run.max_steps = first_rung(definition.studies[one.study]);
        bare.runs.push_back(std::move(run));
      },
      [&](const DefinitionError&, const CombinationRange& range) { unreadable += range.count; });
  return unreadable + runs_foreseen(bare);
}

std::vector<RunSpec> runs_that_may_follow(const Plan& plan, const RunSpec& run) {
  const Study& study = plan.definition.studies[run.study];
  std::vector<RunSpec> runs;
  for (const std::int64_t max_steps : later_steps(study)) {
    runs.push_back(run_like(run, max_steps, run.points.back()));
  }
  const bool is_first_seed = run.points.back() == 0;
  for (std::size_t seed = first_rerun_seed(study);
       is_first_seed && seed < study.axes.back().points.size(); ++seed) {
    runs.push_back(run_like(run, 0, seed));
  }
  for (RunSpec& one : runs) configure_run(plan, one);
  return runs;
}

}  // namespace plumbline
