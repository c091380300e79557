// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/results_layout.hpp"

namespace plumbline {

/// The settings and labels of the runs of a results file, by variable. A file that is made of segments, as
/// FILE.previous may be, holds none: they follow from its run ids and the definition in it, and are those
/// that a whole file of these runs would have.
class FileSettings {
 public:
  /// `reader` must outlive this. Throws EnvironmentError where settings must follow from a definition that
  /// cannot be read here.
  FileSettings(const std::filesystem::path& path, const ResultsReader& reader,
               const DataFolders& data_folders);

  /// The axes of the sweep, the slowest first.
  const std::vector<std::string>& axes() const { return axes_; }
  /// Every setting that differs between runs is there.
  std::vector<std::string> settings() const;
  /// All variables over (run) alone.
  std::vector<std::string> run_variables() const;
  /// What the file does not hold itself: null where it does, or there is no such setting.
  const SettingVariable* find(std::string_view name) const;
  /// How many runs are not of the definition in the file: they have no settings.
  std::size_t unknown_runs() const { return unknown_runs_; }

 private:
  const ResultsReader& reader_;
  std::vector<std::string> axes_;
  std::vector<SettingVariable> followed_;
  std::size_t unknown_runs_ = 0;
};

}  // namespace plumbline
