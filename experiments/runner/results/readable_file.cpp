// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/readable_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/core/error.hpp"
#include "engine/core/hdf5_process.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/seal.hpp"
#include "experiments/runner/text/json_text.hpp"

namespace plumbline {

namespace {

/// What cannot be read is an error like any other.
void attempt(const std::function<void()>& read) {
  try {
    read();
  } catch (const EnvironmentError&) {
    return;
  }
}

void read_descriptions(const ResultsReader& reader) {
  for (const char* name : {"title", "sweep_axes", "definition_sha256"}) {
    attempt([&] { reader.attribute(name); });
  }
  for (const char* name : {"definition", "definition_path", "overrides", "plumbline_version",
                           "git_commit", "instruction_set", "semantics_version"}) {
    attempt([&] { reader.find_provenance(name); });
  }
  attempt([&] {
    for (const std::string& name : reader.run_variables()) {
      attempt([&] { reader.labels(name); });
    }
  });
  attempt([&] { reader.settings(); });
}

/// Reads block by block, and run by run where a block cannot be read. Returns what unreadable_runs() does.
nlohmann::ordered_json read_records(const ResultsReader& reader) {
  nlohmann::ordered_json unreadable = nlohmann::ordered_json::object();
  const std::vector<std::string> ids = reader.run_ids();
  reader.summary();  // and with it all that any record needs
  const std::size_t size = reader.runs_per_block();
  for (std::size_t first = 0; first < ids.size(); first += size) {
    const std::size_t end = std::min(first + size, ids.size());
    try {
      reader.read(first, end - first);
      continue;
    } catch (const EnvironmentError&) {
    }
    for (std::size_t index = first; index < end; ++index) {
      try {
        reader.read(index);
      } catch (const EnvironmentError& error) {
        unreadable[ids[index]] = error.what();
      }
    }
  }
  return unreadable;
}

}  // namespace

void require_readable(const std::filesystem::path& file) { unreadable_runs(file); }

UnreadableRuns unreadable_runs(const std::filesystem::path& file) {
  if (has_whole_seal(file)) return {};
  const std::string told = hdf5::in_own_process(file.string(), [&] {
    nlohmann::ordered_json unreadable = nlohmann::ordered_json::object();
    try {
      attempt([&] {
        const ResultsReader reader(file);
        read_descriptions(reader);
        unreadable = read_records(reader);
      });
    } catch (const std::exception&) {
      // Such as a length that no memory holds.
      throw EnvironmentError(file.string() + ": is damaged");
    }
    return json_text(unreadable);
  });
  return nlohmann::json::parse(told).get<UnreadableRuns>();
}

FileIdentity identity_of(const std::filesystem::path& file) {
  struct stat found{};
  if (::stat(file.c_str(), &found) != 0) return {};
  return {static_cast<std::int64_t>(found.st_dev), static_cast<std::int64_t>(found.st_ino),
          found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

// The identity is that of before the look: of a file that was replaced in between the next look finds that it
// is another.
FilesSeen::Seen& FilesSeen::seen(const std::filesystem::path& file) {
  const FileIdentity identity = identity_of(file);
  Seen& seen = files_[file];
  if (seen.identity != identity) seen = {.identity = identity};
  return seen;
}

bool FilesSeen::is_whole(const std::filesystem::path& file) {
  std::optional<bool>& is_whole = seen(file).is_whole;
  if (!is_whole) is_whole = has_whole_seal(file);
  return *is_whole;
}

const UnreadableRuns& FilesSeen::unreadable(const std::filesystem::path& file) {
  std::optional<UnreadableRuns>& unreadable = seen(file).unreadable;
  if (!unreadable) unreadable = unreadable_runs(file);
  return *unreadable;
}

void FilesSeen::forget_gone() {
  std::erase_if(files_, [](const auto& file) { return identity_of(file.first) == FileIdentity(); });
}

}  // namespace plumbline
