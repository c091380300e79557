// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/recorded_plan.hpp"

#include <string_view>
#include <utility>

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

Plan recorded_plan(const std::string& path, const ResultsReader& reader,
                   const DataFolders& data_folders) {
  std::vector<Problem> problems;
  Definition definition =
      parse_definition(reader.provenance("definition_path"), reader.provenance("definition"),
                       lines_of(reader.provenance("overrides")), problems);
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

}  // namespace plumbline
