// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "engine/datasets/dataset.hpp"
#include "engine/training/run_record.hpp"
#include "engine/training/trainer.hpp"
#include "experiments/runner/plan.hpp"

namespace plumbline {

/// What computes one run: train(), or a stand-in that a test gives.
using RunFunction = std::function<std::optional<RunRecord>(const RunConfiguration&, const Dataset&,
                                                           const std::atomic<bool>& stop)>;

/// The processors that this process may run on: taskset, Slurm and containers give it a share.
int available_processors();

/// Runs the plan's runs `pending` on `threads` threads, the dearest first, and hands each finished
/// record to `finished(index, record)`, which is called on one thread of its own, never twice at
/// once: the queue to it is bounded, so that records do not pile up behind a slow disk. Before the
/// first run, each dataset is loaded once; what DataSource::load throws is thrown on. A run that
/// throws has status failed with its message. Where `stop` becomes true, running nets end without a
/// record and the call returns. An exception from `finished` stops the runs (`stop` is set) and is
/// thrown on.
void schedule(const Plan& plan, const std::vector<std::size_t>& pending, const DataFolders& folders,
              int threads, std::atomic<bool>& stop,
              const std::function<void(std::size_t, RunRecord&&)>& finished,
              const RunFunction& run = train);

}  // namespace plumbline
