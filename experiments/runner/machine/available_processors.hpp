// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace plumbline {

/// The processors that this process may run on: taskset, Slurm and cpusets give it some of the machine's.
int allowed_processors();

/// How many of them it may keep busy, at least 1: its control groups may give it less of their time, as
/// containers have it; rounded up. `root` is where proc and sys stand.
int available_processors(const std::filesystem::path& root = "/");

}  // namespace plumbline
