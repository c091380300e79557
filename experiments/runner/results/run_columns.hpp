// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/training/run_record.hpp"
#include "experiments/runner/results/hdf5_variables.hpp"
#include "experiments/runner/results/results_file.hpp"

namespace plumbline {

/// What the name of a variable begins with that holds the time of one probe.
inline constexpr std::string_view kProbeSeconds = "probe_seconds_";

/// The variables over (run) alone that say what became of each run. They are gathered in memory and
/// written at the end: writing them run by run would compress a whole chunk anew for each run.
class RunColumns {
 public:
  RunColumns() = default;
  /// Makes the variables over the dimension `run`, which must outlive the columns. All runs are
  /// pending.
  RunColumns(const hdf5::Check& check, hid_t file, const hdf5::Variable& run);

  void keep(std::size_t index, const std::string& run_id, const RunRecord& record,
            const RunPlace& place);
  /// Writes the variables, and makes and writes those of the summary numbers, of axes of single metrics, of
  /// probes, and of what ended runs, that any record had.
  void save(const hdf5::Check& check, hid_t file);

 private:
  struct Numbers {
    hdf5::Variable variable;
    std::vector<double> values;
  };
  struct Texts {
    hdf5::Variable variable;
    std::vector<std::string> values;
  };

  using Axes = std::array<const hdf5::Variable*, 1>;
  using Named = std::vector<std::pair<std::string, std::vector<double>>>;

  /// One value of a variable that only records have that need it, NaN in all others.
  void keep_named(std::size_t index, Named& columns, const std::string& name, double value) const;

  void save_probe_seconds(const hdf5::Check& check, hid_t file, const Axes& axes) const;

  /// Makes and writes a variable of texts that only files in which any run has it have.
  void save_if_any(const hdf5::Check& check, hid_t file, const char* name, const char* meaning,
                   const std::vector<std::string>& texts) const;

  const hdf5::Variable* run_ = nullptr;
  Numbers status_;
  Texts message_;
  Texts digest_;
  Numbers n_layers_;
  Numbers n_steps_;
  Numbers wall_seconds_;
  Numbers cpu_seconds_;
  Numbers threads_;
  Texts host_;
  Numbers started_;
  Numbers checksum_;
  std::vector<std::string> ended_by_;
  std::vector<std::string> diagnosis_;
  std::vector<double> n_lags_;
  std::vector<double> n_indices_;
  Named summary_;
  Named probe_seconds_;
};

}  // namespace plumbline
