// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/readable_file.hpp"

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
  nlohmann::ordered_json unreadable = nlohmann::ordered_json::array();
  const std::size_t runs = reader.run_ids().size();
  reader.summary();  // and with it all that any record needs
  const std::size_t size = reader.runs_per_block();
  for (std::size_t first = 0; first < runs; first += size) {
    const std::size_t end = std::min(first + size, runs);
    try {
      reader.read(first, end - first);
      continue;
    } catch (const EnvironmentError&) {
    }
    for (std::size_t index = first; index < end; ++index) {
      try {
        reader.read(index);
      } catch (const EnvironmentError& error) {
        unreadable.push_back({index, error.what()});
      }
    }
  }
  return unreadable;
}

}  // namespace

void require_readable(const std::filesystem::path& file) { unreadable_runs(file); }

std::map<std::size_t, std::string> unreadable_runs(const std::filesystem::path& file) {
  if (has_whole_seal(file)) return {};
  const std::string told = hdf5::in_own_process(file.string(), [&] {
    nlohmann::ordered_json unreadable = nlohmann::ordered_json::array();
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
  std::map<std::size_t, std::string> runs;
  for (const nlohmann::json& run : nlohmann::json::parse(told)) runs.emplace(run[0], run[1]);
  return runs;
}

}  // namespace plumbline
