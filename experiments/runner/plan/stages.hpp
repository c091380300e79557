// SPDX-License-Identifier: Apache-2.0
// How a plan grows: the runs of a study with halving or a protocol follow from the results of its first
// ones. All choices are functions of numbers in finished runs, so the plan that make_plan() gives grows to
// the same one, in the same order, from the same finished runs: at any number of threads, in shards, and
// however often a sweep was interrupted. What grows a plan anew, from its first stage, need not know how far
// it was before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "experiments/runner/plan/plan.hpp"

namespace plumbline {

/// What a finished run has of the criterion: nothing while the run is pending; NaN where it diverged,
/// failed or has no such number.
using RunValue = std::function<std::optional<double>(const RunSpec& run, const Criterion& by)>;

/// Whether any study has halving or a protocol.
bool has_stages(const Definition& definition);

/// Adds the runs that follow from the plan's, group by group in the order of the plan, and returns how many.
/// None for a group of whose last stage any run is pending. Throws DefinitionError where a run would be one
/// that the plan has.
std::size_t add_next_stage(Plan& plan, const RunValue& value_of);

/// Adds stages as long as finished runs lead to any.
void add_stages(Plan& plan, const RunValue& value_of);

/// The plan with all runs that it will have. Those that are not decided yet have no run_id; their number
/// is exact, and their costs are those of the dearest trials that may be meant.
Plan foreseen(Plan plan);
/// How many runs that plan has. Nothing is configured for it.
std::size_t runs_foreseen(const Plan& plan);

/// How many runs the definition has, those of later stages included, if each can be configured.
std::size_t number_of_runs(const Definition& definition);

/// The runs of later stages that a run of a plan's first stage would lead to if its trial were the best;
/// those of the reruns for the trial's first seed alone.
std::vector<RunSpec> runs_that_may_follow(const Plan& plan, const RunSpec& run);

/// The point of its seed axis from which on a study's seeds are those of reruns; the axis' length where it
/// has no protocol.
std::size_t first_rerun_seed(const Study& study);

/// The updates of the runs that a study begins with, where its trials are halved; 0 for whole runs.
std::int64_t first_rung(const Study& study);

/// "rung 2", "select", "rerun"; empty for runs of studies in which nothing is chosen.
std::string stage_name(const Study& study, const RunSpec& run);

/// What keeps the trials of a study from being compared: a rung at which a whole run, as configured, is over,
/// and a metric that it does not have.
std::vector<Problem> problems_of_choices(const Study& study, const RunConfiguration& whole);

/// Numbers the groups of runs in the order in which they are first asked for (RunSpec::group). Runs that a
/// choice is made among are one group where they have the same point of each axis that is neither the
/// search's nor the seeds'.
class GroupNumbers {
 public:
  std::size_t of(const Definition& definition, std::size_t study,
                 const std::vector<std::size_t>& points);

 private:
  std::unordered_map<std::string, std::size_t> known_;
  std::size_t next_ = 0;
};

}  // namespace plumbline
