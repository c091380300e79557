// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/provenance.hpp"

namespace plumbline {

/// Keeps the finished runs of FILE and its segments that the plan does not have in FILE.previous, or
/// FILE.previous.2 and so on where that is taken, before FILE is made anew of the plan. Those that such a
/// file has already stay there alone. `sources` are FILE, if it counts, and then the segments;
/// `finished_ids` the runs that are finished in any of them. Returns the files that hold them. Throws
/// EnvironmentError.
std::vector<std::filesystem::path> keep_previous_runs(
    const std::filesystem::path& file, const std::vector<std::filesystem::path>& sources,
    const std::vector<std::string>& finished_ids, const Plan& plan, const Definition& definition,
    const Provenance& provenance);

/// Those that stand beside FILE, in the order of their names. Throws EnvironmentError where the folder
/// cannot be read.
std::vector<std::filesystem::path> previous_files(const std::filesystem::path& file);

}  // namespace plumbline
