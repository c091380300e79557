// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "experiments/runner/commands/commands.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/plan/stages.hpp"

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
    out << path.string() << ": no mistakes, " << runs << (runs == 1 ? " run\n" : " runs\n");
    return 0;
  } catch (const DefinitionError& error) {
    for (const Problem& problem : error.problems()) {
      err << to_string(problem.place) << ": " << problem.message << '\n';
    }
    return 2;
  }
}

}  // namespace plumbline
