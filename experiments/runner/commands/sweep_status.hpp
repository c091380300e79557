// SPDX-License-Identifier: Apache-2.0
// How far a sweep is, as `status` tells it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/stored_runs.hpp"
#include "experiments/runner/results/writing_process.hpp"

namespace plumbline {

/// What one file of the sweep contributes.
struct FileStatus {
  std::filesystem::path file;
  std::size_t done = 0;  ///< complete or diverged
  std::size_t failed = 0;
  /// Of the plan, or of the shard whose file this is without those that the output has, with all stages.
  std::size_t runs = 0;
  std::optional<WritingProcess> process;
};

/// Runs that failed with the same message.
struct FailedRuns {
  std::string message;
  std::string label;  ///< run_label() of the first
  std::size_t runs = 0;
};

/// A run that has left a checkpoint and not its record.
struct RunUnderWay {
  std::string run_id;
  std::string label;       ///< run_label()
  std::int64_t step = 0;   ///< of its last checkpoint
  std::int64_t steps = 0;  ///< that it is to make
};

struct SweepStatus {
  std::filesystem::path file;
  std::size_t complete = 0;
  std::size_t diverged = 0;
  std::size_t failed = 0;
  std::size_t pending = 0;
  /// What is not done, by the cost of its runs, over the sum of what the living processes do in a
  /// second, by the runs that they have finished, or where there are none by those of earlier processes
  /// in the same file; nothing where none lives, or no run has finished.
  std::optional<double> eta_seconds;
  std::vector<FileStatus> files;
  std::vector<RunUnderWay> under_way;  ///< in the order of the plan
  std::size_t kept = 0;                ///< of the pending runs: finished in FILE.previous
  std::size_t foreign = 0;             ///< finished runs of the files that the plan does not have
  std::size_t damaged = 0;             ///< records of the output that cannot be read
  bool has_segments = false;           ///< of the output: a sweep goes on, or was killed
  std::vector<FailedRuns> failures;    ///< in the order of the plan

  std::size_t done() const { return complete + diverged; }
  std::size_t runs() const { return complete + diverged + failed + pending; }
};

/// Over the runs of the plan that any of the files holds. A run that is finished in one file and failed
/// in another is finished. Runs of later stages count too. `kept` are those that stand in FILE.previous
/// and its like (results/kept_runs.hpp). `file`, the output, is the first of the files; `seen` is for
/// whoever looks again and again.
SweepStatus sweep_status(const Plan& first_stage, const std::filesystem::path& file,
                         const std::vector<std::filesystem::path>& files,
                         const StoredRuns& kept = {}, FilesSeen* seen = nullptr);

/// Several lines: counts, time left, what else there is and what to do with it, a line for each file
/// where there are more than one, for each of the first runs that are under way, and for each of the
/// first messages of failed runs.
std::string status_text(const SweepStatus& status);
/// One line: "212 of 240 runs, 2 diverged, 0 failed, 28 pending, about 16 s left".
std::string status_line(const SweepStatus& status);
/// One JSON object, without line breaks where `indent` is -1.
std::string status_json(const SweepStatus& status, int indent);

}  // namespace plumbline
