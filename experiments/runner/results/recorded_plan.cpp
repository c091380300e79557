// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/recorded_plan.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/core/error.hpp"

namespace plumbline {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

}  // namespace

std::vector<std::string> recorded_overrides(const ResultsReader& reader) {
  return lines_of(reader.provenance("overrides"));
}

Definition recorded_definition(const std::string& path, const Provenance& provenance,
                               std::vector<Problem>& problems) {
  const auto value = [&](std::string_view name) {
    const auto found = std::ranges::find(provenance, name, &Provenance::value_type::first);
    if (found != provenance.end()) return found->second;
    throw EnvironmentError(path + ": does not say its " + std::string(name) +
                           " in the group 'provenance'");
  };
  return parse_definition(value("definition_path"), value("definition"),
                          lines_of(value("overrides")), problems);
}

Plan recorded_plan(const std::string& path, const Provenance& provenance,
                   const DataFolders& data_folders) {
  std::vector<Problem> problems;
  Definition definition = recorded_definition(path, provenance, problems);
  try {
    return make_plan(std::move(definition), std::move(problems), data_folders, most_runs(true));
  } catch (const DefinitionError& error) {
    std::string message = path + ": the definition in it cannot be run here";
    for (const Problem& problem : error.problems()) {
      message += "\n" + to_string(problem.place) + ": " + problem.message;
    }
    throw EnvironmentError(message);
  }
}

Plan recorded_plan(const std::string& path, const ResultsReader& reader,
                   const DataFolders& data_folders) {
  return recorded_plan(path, reader.provenance(), data_folders);
}

}  // namespace plumbline
