// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/results/provenance.hpp"
#include "experiments/runner/results/sweep_store.hpp"
#include "experiments/runner/sweep/checkpoint_files.hpp"
#include "experiments/runner/sweep/scheduler.hpp"

namespace plumbline {

/// A file of its own in the folder for temporary files, which goes with it.
class TemporaryFile {
 public:
  TemporaryFile() {
    std::string name = std::filesystem::temp_directory_path() / "plumbline_benchmark_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error(name + ": cannot make the folder");
    }
    folder_ = name;
  }
  ~TemporaryFile() { std::filesystem::remove_all(folder_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::filesystem::path path() const { return folder_ / "run.h5"; }

 private:
  std::filesystem::path folder_;
};

/// Computes all runs of a plan as `plumbline run` does, into a file that goes with it. Returns the seconds
/// that the runs themselves took of a processor.
inline double run_into_file(const Plan& plan, const Provenance& provenance, int threads) {
  const TemporaryFile file;
  SweepStore store(file.path(), plan.definition, provenance, false, std::cerr);
  CheckpointFiles checkpoints(store.paths().checkpoints);
  std::vector<std::size_t> all(plan.runs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::atomic<bool> stop{false};
  double seconds_of_runs = 0;
  schedule(
      plan, all, {}, threads, stop,
      [&](std::size_t index, RunRecord&& record) {
        if (record.status != RunStatus::complete) throw std::runtime_error(record.message);
        seconds_of_runs += record.cpu_seconds;
        store.append(plan.runs[index].run_id, std::move(record));
      },
      [&](const RunConfiguration& run, const Dataset& data, const std::atomic<bool>& stopped) {
        return checkpoints.train(run, data, stopped,
                                 [](const std::string& line) { throw std::runtime_error(line); });
      });
  store.publish(plan);
  return seconds_of_runs;
}

}  // namespace plumbline
