// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "engine/training/run_record.hpp"
#include "engine/training/trainer.hpp"
#include "experiments/runner/plan/plan.hpp"

namespace plumbline {

/// What computes one run: train(), or a stand-in that a test gives.
using RunFunction = std::function<std::optional<RunRecord>(const RunConfiguration&, const Dataset&,
                                                           const std::atomic<bool>& stop)>;

/// How many threads compute, and how many runs stand side by side on them.
struct Sharing {
  Sharing(int n_threads);  // NOLINT(google-explicit-constructor): as many runs as threads
  /// At most `most_runs` of them: what the memory holds.
  Sharing(int n_threads, std::size_t most_runs);

  std::size_t threads;
  std::size_t runs_at_once;
};

/// In a line: how schedule() shares out the runs `pending` of a plan, and why.
std::string sharing_text(const Plan& plan, const std::vector<std::size_t>& pending,
                         const Sharing& sharing);

/// Runs the plan's runs `pending`, the dearest first, each on a thread of its own as long as there are
/// enough of them; threads that have none help in the steps of those that are left (engine/kernels/
/// parallel.hpp), which changes no bit. Hands each finished record to `finished(index, record)`,
/// on the thread that computed it and never two at once, so it must not take long: what goes to disk goes
/// through a Recorder. Before the first run, each dataset is loaded once; what
/// DataSource::load throws is thrown on. A run that throws has status failed with its message. Where
/// `stop` becomes true, running nets end without a record and the call returns. An exception from
/// `finished` stops the runs (`stop` is set) and is thrown on.
void schedule(const Plan& plan, const std::vector<std::size_t>& pending, const DataFolders& folders,
              const Sharing& sharing, std::atomic<bool>& stop,
              const std::function<void(std::size_t, RunRecord&&)>& finished,
              const RunFunction& run = train);

}  // namespace plumbline
