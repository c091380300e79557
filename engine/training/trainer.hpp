// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <optional>

#include "engine/datasets/dataset.hpp"
#include "engine/training/run_configuration.hpp"
#include "engine/training/run_record.hpp"
#include "engine/training/training_observer.hpp"

namespace plumbline {

/// Trains one net and measures it. A pure function of its first two arguments, but for the times.
/// Divergence is an outcome, not an error: the record then says at which step, layer and tensor the
/// first number that is not finite stood. Returns nothing where `stop` became true before the end.
/// Throws what the memory allocator throws. Uses the calling thread alone.
std::optional<RunRecord> train(const RunConfiguration& configuration, const Dataset& data,
                               const std::atomic<bool>& stop);

/// As train(), with an observer. Returns nothing where the observer ended the run too.
std::optional<RunRecord> train_observed(const RunConfiguration& configuration, const Dataset& data,
                                        const std::atomic<bool>& stop, TrainingObserver& observer);

}  // namespace plumbline
