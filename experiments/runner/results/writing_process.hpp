// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace plumbline {

/// The process that says in FILE.d/lock that it writes FILE.
struct WritingProcess {
  std::string pid;
  std::string host;
  double since = 0;  ///< seconds since 1970-01-01 UTC
  /// Whether it runs. Of a process on another machine: whether it has shown life in the last ten minutes.
  bool is_alive = false;

  bool operator==(const WritingProcess&) const = default;
};

/// Nothing where no process says so. Takes no lock, for a reader must not be in a writer's way.
std::optional<WritingProcess> writing_process(const std::filesystem::path& file);

/// Gives FILE.d the time of now, by the clock of its file system: for whoever writes, once a minute at least,
/// as a run may take longer than others wait for its record.
void show_life(const std::filesystem::path& folder);

}  // namespace plumbline
