// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <optional>

#include "engine/datasets/dataset.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/run_configuration.hpp"
#include "engine/training/run_record.hpp"
#include "engine/training/training_observer.hpp"

namespace plumbline {

/// Trains one net and measures it. A pure function of its first two arguments, but for the times
/// and where a budget has max_seconds.
/// Divergence is an outcome, not an error: the record then says at which step, layer and tensor the
/// first number that is not finite stood. Returns nothing where `stop` became true before the end.
/// Throws what the memory allocator throws. Uses the calling thread alone.
std::optional<RunRecord> train(const RunConfiguration& configuration, const Dataset& data,
                               const std::atomic<bool>& stop);

/// As train(), with an observer. Returns nothing where the observer ended the run too.
std::optional<RunRecord> train_observed(const RunConfiguration& configuration, const Dataset& data,
                                        const std::atomic<bool>& stop, TrainingObserver& observer);

/// As train(), but goes on from the store's last checkpoint, and saves one every
/// configuration.checkpoint_every updates and, but for streamed data and in an evaluation, where `stop` comes
/// true; none where that is 0. However often a run is ended and begun again so, its record is that of
/// train(), but for the times, which are those of the pieces together, without what a piece did after its
/// last checkpoint.
std::optional<RunRecord> train_with_checkpoints(const RunConfiguration& configuration,
                                                const Dataset& data, const std::atomic<bool>& stop,
                                                CheckpointStore& checkpoints);

}  // namespace plumbline
