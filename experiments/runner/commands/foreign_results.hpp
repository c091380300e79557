// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "engine/datasets/dataset.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/stored_runs.hpp"

namespace plumbline {

/// Throws EnvironmentError where results stand at `file` or in its segments, and no finished run among
/// them is one of the plan's: they were made by another definition under the same name, or by another
/// version of the engine. The message names the settings that differ.
void refuse_foreign_results(const std::filesystem::path& file, const StoredRuns& stored,
                            const Plan& plan, const DataFolders& data_folders);

}  // namespace plumbline
