// SPDX-License-Identifier: Apache-2.0
// How far a sweep is, as `status` tells it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/found_runs.hpp"
#include "experiments/runner/results/writing_process.hpp"

namespace plumbline {

/// What one file of the sweep contributes.
struct FileStatus {
  std::filesystem::path file;
  std::size_t done = 0;  ///< complete or diverged
  std::size_t failed = 0;
  std::size_t runs = 0;  ///< of the plan, or of the shard whose file this is
  std::optional<WritingProcess> process;
};

struct SweepStatus {
  std::filesystem::path file;
  std::size_t complete = 0;
  std::size_t diverged = 0;
  std::size_t failed = 0;
  std::size_t pending = 0;
  /// What is not done, by the cost of its runs, over the sum of what the living processes do in a
  /// second; nothing where none lives, or none has finished a run.
  std::optional<double> eta_seconds;
  std::vector<FileStatus> files;

  std::size_t done() const { return complete + diverged; }
  std::size_t runs() const { return complete + diverged + failed + pending; }
};

/// Cost that is done in a second while runs are under way: their cost over the time in which at least
/// one of them was computed. `runs` are (when it started, how long it took, cost). Nothing where they
/// took no time.
struct TimedRun {
  double started = 0;
  double seconds = 0;
  double cost = 0;
};
std::optional<double> cost_rate(std::vector<TimedRun> runs);

/// Over the runs of the plan that any of the files holds. A run that is finished in one file and failed
/// in another is finished. Runs of later stages count too.
SweepStatus sweep_status(const Plan& first_stage, const std::filesystem::path& file,
                         const std::vector<std::filesystem::path>& files);

/// Several lines: counts, time left, and a line for each file where there are more than one.
std::string status_text(const SweepStatus& status);
/// One line: "212 of 240 runs, 2 diverged, 0 failed, 28 pending, about 16 s left".
std::string status_line(const SweepStatus& status);
/// One JSON object, without line breaks where `indent` is -1.
std::string status_json(const SweepStatus& status, int indent);

}  // namespace plumbline
