// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "tests/fuzz/targets.hpp"

namespace plumbline::fuzz {

/// A file that holds this input until the next call, for readers that want a path. It stands in memory where
/// the system has a place for that, and goes when the program ends.
const std::filesystem::path& file_with(Input input);

}  // namespace plumbline::fuzz
