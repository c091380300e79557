// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/readable_file.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>

#include "engine/core/error.hpp"
#include "engine/core/hdf5_process.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/seal.hpp"

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

void read_all(const ResultsReader& reader) {
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
  attempt([&] {
    const std::size_t runs = reader.run_ids().size();
    reader.summary();  // and with it all that any record needs
    const std::size_t block = reader.runs_per_block();
    for (std::size_t first = 0; first < runs; first += block) {
      attempt([&] { reader.read(first, std::min(block, runs - first)); });
    }
  });
}

}  // namespace

void require_readable(const std::filesystem::path& file) {
  if (has_whole_seal(file)) return;
  hdf5::in_own_process(file.string(), [&]() -> std::string {
    try {
      attempt([&] { read_all(ResultsReader(file)); });
    } catch (const std::exception&) {
      // Such as a length that no memory holds.
      throw EnvironmentError(file.string() + ": is damaged");
    }
    return "";
  });
}

}  // namespace plumbline
