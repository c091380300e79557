// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "engine/training/run_configuration.hpp"
#include "experiments/runner/definition/definition.hpp"

namespace plumbline {

/// One run of a plan.
struct RunSpec {
  std::string run_id;  ///< 16 hex digits
  std::int64_t seed = 0;
  double cost = 0;  ///< floating-point operations
  RunConfiguration configuration = {};
  std::size_t study = 0;                 ///< of the definition's studies
  std::vector<std::size_t> points = {};  ///< which point of each of the study's axes
  /// The runs of one cell of a study among which choices are made have a number of their own, as has each
  /// run that nothing is chosen from (plan/stages.hpp).
  std::size_t group = 0;
  std::int64_t max_steps = 0;  ///< `budget.max_steps` of a rung; 0 for none
};

/// All runs of a definition: those of one study after those of the other, each in the order of its
/// axes.
struct Plan {
  Definition definition;
  std::vector<RunSpec> runs;
  /// What is allowed and hardly meant, in the order of the text.
  std::vector<Problem> warnings = {};
  std::size_t excluded = 0;  ///< runs that the definition's exclusions left out
  std::vector<std::filesystem::path> folders = {};  ///< where files that settings name are searched
};

/// More than kMostRuns are a mistake unless the user says that they are meant; no plan has more than
/// kMostRunsAtAll.
inline constexpr std::int64_t kMostRuns = 1'000'000;
inline constexpr std::int64_t kMostRunsAtAll = 10'000'000;

/// Expands the sweep and configures every run that follows from no other's results: of a study with halving
/// or a protocol the first stage (plan/stages.hpp). Each mistake is reported once, however many runs it
/// is in, with the first combination of the sweep's values that makes it, if not all do; one that
/// every value of an axis makes is reported at the axis, and one of the file that is not there without an
/// override at the override. Two runs that would be the same computation
/// are a mistake, and so are more than `most_runs`, exclusions not counted. Throws DefinitionError with
/// `problems` and its own where there is any, in the order of the text.
///
/// Files that settings name are searched in the definition's folder, then in those for data, then in
/// the working directory.
Plan make_plan(Definition definition, std::vector<Problem> problems,
               const DataFolders& data_folders = {}, std::int64_t most_runs = kMostRuns);

/// What to give make_plan() for `most_runs`: whether the user says that more than kMostRuns are meant.
constexpr std::int64_t most_runs(bool yes) { return yes ? kMostRunsAtAll : kMostRuns; }

/// The folders in which make_plan() has files searched.
std::vector<std::filesystem::path> searched_folders(const Definition& definition,
                                                    const DataFolders& data_folders);

/// "place: warning: message" for each of the plan's warnings, a line each.
void print_warnings(const Plan& plan, std::ostream& err);

/// The name of the run's study; empty where the definition is one study.
std::string study_name(const Definition& definition, const RunSpec& run);

/// The keys of all axes of all studies, each once, in the order in which they stand; the seed last.
std::vector<std::string> swept_keys(const Definition& definition);

/// What the axes of the run's study give it, in their order, the seed last.
std::vector<const Assignment*> assignments_of(const Definition& definition, const RunSpec& run);

/// The settings that the run was configured of.
SettingsTable settings_of(const Definition& definition, const RunSpec& run);

/// "study=adam model.depth=8 model.activation=tanh train.seed=3": what tells the run apart, as overrides,
/// and where there are several studies its own.
std::string run_label(const Plan& plan, std::size_t index);

}  // namespace plumbline
