// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/training/run_record.hpp"
#include "experiments/runner/definition/definition.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/results_file.hpp"
#include "experiments/runner/results/results_layout.hpp"

namespace plumbline {

/// A run that has come to an end, complete, diverged or failed.
struct FinishedRun {
  std::string run_id;
  RunRecord record;
  RunPlace place;
};

/// The axes and metrics that the runs of a segment share.
struct SegmentShape {
  std::vector<std::int64_t> steps;  ///< in rising order
  std::size_t layers = 0;
  std::size_t lags = 0;
  std::size_t indices = 0;
  std::vector<MetricVariable> metrics;

  /// Makes room for what a run, or all runs of a file, hold.
  void include(const RunRecord& record);
  void include(const ResultsReader& reader);
};

/// Writes a segment: a results file of some finished runs, without their settings, which follow from
/// the run ids and the definition. ResultsReader reads it as any other. Its chunks hold many runs, for
/// it is read from end to end; it is sealed (seal.hpp), and like every results file has its name once it
/// is whole and on disk. Throws EnvironmentError.
class SegmentWriter {
 public:
  /// For `runs` runs, at least one.
  SegmentWriter(std::filesystem::path path, std::size_t runs, const SegmentShape& shape,
                const Definition& definition, const Provenance& provenance);
  ~SegmentWriter();
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  /// Writes the next of the runs. They must fit the shape.
  void write(std::span<const FinishedRun> runs);
  /// Has the system begin to write to disk what was written, so that the end takes less time.
  void start_writing_back();
  /// Ends the file, after so many runs as were announced.
  void close();

 private:
  class File;
  std::unique_ptr<File> file_;
};

/// A segment of these runs, of which there is at least one.
void write_segment(const std::filesystem::path& path, std::span<const FinishedRun> runs,
                   const Definition& definition, const Provenance& provenance);

}  // namespace plumbline
