// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/training/run_record.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/provenance.hpp"

namespace plumbline {

struct MetricVariable;

/// Where a run was computed.
struct RunPlace {
  std::string host;
  int threads = 0;  ///< how many ran nets at once

  bool operator==(const RunPlace&) const = default;
};

/// Writes one results file (section 4 of the contract; results/README.md has every field). All runs
/// of the plan have their place from the start, with status pending. The file is written under a
/// temporary name beside `path`; close() makes it whole, forces it to disk and gives it its name,
/// so that `path` never holds half a file. One thread at a time may use it: the HDF5 library has
/// one lock. Every member throws EnvironmentError with the path and the library's message.
class ResultsWriter {
 public:
  /// Makes the file with a place for each run of the plan, which has at least one.
  ResultsWriter(std::filesystem::path path, const Plan& plan, const Provenance& provenance);
  /// Removes the temporary file where close() was not reached.
  ~ResultsWriter();
  ResultsWriter(const ResultsWriter&) = delete;
  ResultsWriter& operator=(const ResultsWriter&) = delete;

  /// Writes the record of the plan's run number `index`, which was computed here: `host` and
  /// `threads` of the provenance. Throws std::invalid_argument for a record that the plan leaves no
  /// room for: a run that is already written, a step at which the plan does not record, more layers
  /// than the plan's deepest net, a metric of the wrong length.
  void write(std::size_t index, RunRecord record);
  /// The same for a run that was computed elsewhere: one that is taken over from another file.
  void write(std::size_t index, RunRecord record, const RunPlace& place);
  /// Ends the file. Nothing may be written afterwards.
  void close();

 private:
  class File;
  std::unique_ptr<File> file_;
};

/// A results file opened for reading. Throws EnvironmentError with the path where the file is
/// missing, is not a results file, or fails its checksums.
class ResultsReader {
 public:
  explicit ResultsReader(const std::filesystem::path& path);
  ~ResultsReader();
  ResultsReader(const ResultsReader&) = delete;
  ResultsReader& operator=(const ResultsReader&) = delete;

  /// A root attribute that holds text.
  std::string attribute(const std::string& name) const;
  /// An attribute of the group `provenance`.
  std::string provenance(const std::string& name) const;
  /// The same for one that files of earlier versions may not have.
  std::optional<std::string> find_provenance(const std::string& name) const;
  /// All of them, in the order of their names.
  Provenance provenance() const;
  /// Throws EnvironmentError where one is no id, as the text of a damaged file.
  std::vector<std::string> run_ids() const;
  std::vector<RunStatus> statuses() const;
  /// The whole record of run `index` of the file, bit for bit as it was written. The file does not
  /// tell "not measured" from NaN: a run that recorded any step has every metric of the file, and
  /// one that has any summary number has them all.
  RunRecord read(std::size_t index) const;
  /// `count` of them from `first` on, which takes less time than one by one.
  std::vector<RunRecord> read(std::size_t first, std::size_t count) const;
  /// How many runs to read at a time, so that no variable takes much more than a megabyte.
  std::size_t runs_per_block() const;
  RunPlace place(std::size_t index) const;
  /// The numbers of the whole run, by name: a value for each run, NaN where it has none.
  std::vector<std::pair<std::string, std::vector<double>>> summary() const;
  /// The metrics of the file, and its steps and number of weight layers.
  std::vector<MetricVariable> metrics() const;
  std::vector<std::int64_t> steps() const;
  std::size_t layers() const;
  /// How many coordinates each axis of metrics has, by QuantityAxis.
  std::array<std::size_t, 4> axis_sizes() const;
  /// A variable over (run) alone, as text: settings and labels, one value for each run. Numbers
  /// have the fewest digits that give the same value.
  std::vector<std::string> labels(const std::string& name) const;
  /// A numeric variable over (run) alone.
  std::vector<double> numbers(const std::string& name) const;
  /// The names of the variables over (run) alone, in file order.
  std::vector<std::string> run_variables() const;
  /// Those of them that are settings: every one that differs between runs is there.
  std::vector<std::string> settings() const;

 private:
  class File;
  std::unique_ptr<File> file_;
};

/// Whether a variable, a root attribute or a group of a results file says when, where, by what or
/// how fast it was made. All others hold the same bits whenever the same plan is run by the same
/// build on the same machine: in any number of threads, in one go or in pieces.
bool is_timing_variable(std::string_view name);

}  // namespace plumbline
