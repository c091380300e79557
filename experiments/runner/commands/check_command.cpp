// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "experiments/runner/commands/commands.hpp"
#include "experiments/runner/commands/exit_status.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/stages.hpp"
#include "experiments/runner/text/counted.hpp"

namespace plumbline {

int check_command(const CheckOptions& options, std::ostream& out, std::ostream& err) {
  const std::filesystem::path path = find_definition(options.definition);
  std::vector<Problem> problems;
  Definition definition = read_definition(path, options.overrides, problems);
  try {
    const Plan plan = make_plan(std::move(definition), std::move(problems), options.data_folders,
                                most_runs(options.yes));
    const std::size_t runs = runs_foreseen(plan);
    print_warnings(plan, err);
    out << path.string() << ": no mistakes, " << counted(runs, "run") << '\n';
    return kAllWell;
  } catch (const DefinitionError& error) {
    for (const Problem& problem : error.problems()) {
      err << to_string(problem.place) << ": " << problem.message << '\n';
    }
    return kWrongUsage;
  }
}

}  // namespace plumbline
