// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/commands/single_run.hpp"

#include <algorithm>
#include <utility>

namespace plumbline {

std::string SingleRun::title() const {
  return definition.name + ", run " + std::to_string(number) + " of " + std::to_string(runs) +
         " (" + spec.run_id + ")";
}

double flops_of_a_pass(const RunConfiguration& run) {
  return 2 * run.model.layers(run.data->outputs()).products(run.input()) *
         static_cast<double>(run.batch);
}

SingleRun single_run(const std::string& definition, const std::vector<std::string>& overrides,
                     const std::string& run_id, const DataFolders& data_folders, bool yes) {
  std::vector<Problem> problems;
  Definition read = read_definition(find_definition(definition), overrides, problems);
  Plan plan = make_plan(std::move(read), std::move(problems), data_folders, most_runs(yes));
  const auto found =
      run_id.empty() ? plan.runs.begin() : std::ranges::find(plan.runs, run_id, &RunSpec::run_id);
  if (found == plan.runs.end()) {
    throw DefinitionError({{{.file = "--run"},
                            "'" + run_id + "' is none of the " + std::to_string(plan.runs.size()) +
                                " runs; `plumbline plan --all` lists their ids"}});
  }
  const auto number = static_cast<std::size_t>(found - plan.runs.begin()) + 1;
  return {std::move(plan.definition), number, plan.runs.size(), *found};
}

}  // namespace plumbline
