// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "experiments/runner/definition/definition.hpp"

namespace plumbline {

using Lines = std::vector<std::string>;

/// A definition in a file "d.toml" in a folder of its own, which goes with it. Its text begins with
/// two lines, schema and name, so that `body` begins in line 3.
class DefinitionFile {
 public:
  explicit DefinitionFile(std::string_view body)
      : DefinitionFile("schema = 1\nname = \"d\"\n", body) {}
  DefinitionFile(std::string_view head, std::string_view body) {
    std::string folder = std::filesystem::path(testing::TempDir()) / "definition_XXXXXX";
    folder_ = mkdtemp(folder.data());
    std::ofstream(path(), std::ios::binary) << head << body;
  }
  ~DefinitionFile() { std::filesystem::remove_all(folder_); }
  DefinitionFile(const DefinitionFile&) = delete;
  DefinitionFile& operator=(const DefinitionFile&) = delete;

  std::filesystem::path path() const { return folder_ / "d.toml"; }

  /// The problems as `check` prints them, without the folder.
  Lines lines(const std::vector<Problem>& problems) const {
    Lines result;
    for (const Problem& problem : problems) {
      std::string line = to_string(problem.place) + ": " + problem.message;
      const std::string folder = folder_.string() + '/';
      for (auto at = line.find(folder); at != line.npos; at = line.find(folder)) {
        line.erase(at, folder.size());
      }
      result.push_back(std::move(line));
    }
    return result;
  }

 private:
  std::filesystem::path folder_;
};

/// A definition read from its file, with the problems as DefinitionFile::lines() has them.
struct ReadResult {
  Definition definition;
  Lines problems;
};

inline ReadResult read(const DefinitionFile& file, const Lines& overrides = {}) {
  std::vector<Problem> problems;
  ReadResult result;
  result.definition = read_definition(file.path(), overrides, problems);
  result.problems = file.lines(problems);
  return result;
}

/// "model.depth: 2, 8" for each axis of a study, and of settings that move together
/// "model.depth, model.width: 2 10, 8 20".
inline Lines axes_of(const Definition& definition, std::size_t study = 0) {
  Lines lines;
  for (const SweepAxis& axis : definition.studies.at(study).axes) {
    std::string line;
    for (const std::string& key : axis.keys) line += (line.empty() ? "" : ", ") + key;
    line += ':';
    for (const AxisPoint& point : axis.points) {
      if (line.back() != ':') line += ',';
      for (const Assignment& one : point) line += ' ' + to_string(one.value);
    }
    lines.push_back(line);
  }
  return lines;
}

/// The base settings of a study as one TOML value.
inline std::string base_of(const Definition& definition, std::size_t study = 0) {
  return to_string({definition.studies.at(study).base, {}});
}

}  // namespace plumbline
