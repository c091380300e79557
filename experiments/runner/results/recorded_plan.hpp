// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/results_file.hpp"

namespace plumbline {

/// The overrides that a results file was made with.
std::vector<std::string> recorded_overrides(const ResultsReader& reader);

/// The definition that a results file was made of, with its overrides; mistakes that this program finds in it
/// go to `problems`. Throws EnvironmentError where the provenance lacks it. `path` names the file.
Definition recorded_definition(const std::string& path, const Provenance& provenance,
                               std::vector<Problem>& problems);

/// The plan that a results file was made of: its definition and overrides stand in it. Throws
/// EnvironmentError where this program finds a mistake in it, which is none of the user's: a data file
/// that is gone, a setting of another version.
Plan recorded_plan(const std::string& path, const ResultsReader& reader,
                   const DataFolders& data_folders);

/// The same from the provenance of a file that need not be open any more.
Plan recorded_plan(const std::string& path, const Provenance& provenance,
                   const DataFolders& data_folders);

}  // namespace plumbline
