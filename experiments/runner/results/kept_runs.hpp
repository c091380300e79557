// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/runs_elsewhere.hpp"
#include "experiments/runner/results/stored_runs.hpp"

namespace plumbline {

/// The runs that earlier plans left in FILE.previous, FILE.previous.2 and so on; none while FILE is written anew
/// (StorePaths::fresh). Files that cannot be read are left alone. Throws EnvironmentError where the folder
/// cannot be read.
RunsElsewhere kept_runs(const std::filesystem::path& file);

/// Removes those of these files that are undamaged and hold no finished run beyond those of FILE, which was made of `plan` and
/// holds what is finished of it in `published`.
void remove_superseded(const RunsElsewhere& kept, const Plan& plan, const StoredRuns& published);

}  // namespace plumbline
