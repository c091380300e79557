// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace plumbline {

/// Throws EnvironmentError where to read a results file would crash the HDF5 library, which trusts what it
/// finds where the format has no checksums. What else is wrong with the file is left to whoever reads it.
/// Takes next to no time where the seal is whole; else all of the file is read, in a process of its own.
void require_readable(const std::filesystem::path& file);

/// What is wrong with runs that cannot be read, by run id.
using UnreadableRuns = std::map<std::string, std::string>;

/// The same, and returns the runs of the file that cannot be read. None where their ids cannot be read either,
/// beyond which no reader gets.
UnreadableRuns unreadable_runs(const std::filesystem::path& file);

/// Device, inode, size, and the time in seconds and nanoseconds. Another where a file was replaced or changed.
using FileIdentity = std::array<std::int64_t, 5>;

/// All zeros where there is none.
FileIdentity identity_of(const std::filesystem::path& file);

/// What files hold, for whoever looks again and again: a file is not read as a whole while its identity is the
/// same.
class FilesSeen {
 public:
  /// has_whole_seal()
  bool is_whole(const std::filesystem::path& file);
  /// unreadable_runs()
  const UnreadableRuns& unreadable(const std::filesystem::path& file);
  /// Forgets files that are no longer there.
  void forget_gone();

 private:
  struct Seen {
    FileIdentity identity{};
    std::optional<bool> is_whole = {};
    std::optional<UnreadableRuns> unreadable = {};
  };

  Seen& seen(const std::filesystem::path& file);

  std::map<std::filesystem::path, Seen> files_;
};

}  // namespace plumbline
