// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace plumbline {

/// The processors that this process may run on at once, at least 1: taskset, Slurm and cpusets give it some
/// of the machine's, and its control groups so much of their time, as containers have it, rounded up.
/// `root` is where proc and sys stand.
int available_processors(const std::filesystem::path& root = "/");

}  // namespace plumbline
