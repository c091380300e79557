// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace plumbline {

/// Bytes that this process may still take: what the machine has available, or what its control groups
/// leave it, whichever is less. Infinite where neither is known. `root` is where proc and sys stand.
double available_memory(const std::filesystem::path& root = "/");

}  // namespace plumbline
