// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <system_error>
#include <utility>

#include "experiments/runner/plan/shards.hpp"

namespace plumbline {

/// Whether there is such a file or folder; not where that cannot be told.
inline bool is_there(const std::filesystem::path& path) {
  std::error_code unknown;
  return std::filesystem::exists(path, unknown);
}

/// Where what belongs to a results file stands while its sweep runs.
struct StorePaths {
  explicit StorePaths(std::filesystem::path results)
      : file(std::move(results)), folder(file.string().append(kSweepSuffix)) {}

  std::filesystem::path file;    ///< FILE
  std::filesystem::path folder;  ///< FILE.d
  std::filesystem::path segments = folder / "segments";
  std::filesystem::path checkpoints = folder / "checkpoints";
  /// Is there while FILE is to be written anew: what it holds does not count.
  std::filesystem::path fresh = folder / "fresh";
};

}  // namespace plumbline
