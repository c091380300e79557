// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/catalogue.hpp"
#include "engine/core/sampling.hpp"
#include "engine/datasets/dataset.hpp"
#include "engine/losses/loss.hpp"
#include "engine/network/network.hpp"
#include "engine/optimizers/optimizer.hpp"
#include "engine/probes/probe.hpp"
#include "engine/schedules/schedule.hpp"
#include "engine/training/budget.hpp"
#include "engine/training/resolved_settings.hpp"

namespace plumbline {

/// A probe with the steps at which it measures.
struct ScheduledProbe {
  const ProbeEntry* entry = nullptr;
  std::shared_ptr<const ProbeKind> kind;
  Sampling sampling;
};

/// What a run's streams of random numbers are keyed by (core/random.hpp); the data's is in their source.
struct StreamSeeds {
  std::int64_t init = 0;
  std::int64_t order = 0;
  std::int64_t noise = 0;
};

/// One run with every choice made: the whole input of train(), together with the data.
struct RunConfiguration {
  std::shared_ptr<const DataSource> data;
  std::string data_key;  ///< canonical settings of `[data]`: runs of equal keys share one Dataset
  ModelSettings model;
  std::shared_ptr<const Loss> loss;
  Chosen<OptimizerEntry> optimizer;
  std::shared_ptr<const Schedule> schedule;
  std::size_t batch = 0;
  std::int64_t steps = 0;
  std::int64_t seed = 0;  ///< of all streams that have no seed of their own
  StreamSeeds seeds;
  Budget budget;
  /// Updates between checkpoints (training/checkpoint.hpp); 0: none.
  std::int64_t checkpoint_every = 0;
  Sampling evaluation;  ///< when loss and accuracy over the whole sets are recorded
  std::vector<ScheduledProbe> probes;
  /// Every setting in force, given or by default, in a fixed order.
  ResolvedSettings resolved;

  /// What probes may ask of the run. It holds references to this configuration.
  ProbedRun probed() const;
  /// What the net stands on.
  Shape input() const { return model.input(data->shape()); }
  /// The updates that the run has at most: `steps`, or fewer where the budget says so.
  std::int64_t last_step() const { return budget.max_steps > 0 ? budget.max_steps : steps; }
  /// The steps of a sampling that a run has which nothing but last_step() ends.
  std::vector<std::int64_t> steps_of(const Sampling& sampling) const {
    return sampling.steps(steps, last_step());
  }
  /// The steps at which anything is recorded, in rising order. A run that its target or the clock ends has
  /// the first of them.
  std::vector<std::int64_t> recorded_steps() const;
  /// Floating-point operations of the whole run, evaluation and probes included: what the plan weighs runs by.
  double cost() const;
  /// Whether a step has work that is large enough to be shared among threads.
  bool has_shared_steps() const;
  /// Bytes of parameters, gradients, optimizer state and activations, of what a layer is drawn in, of a
  /// checkpoint, of probes, and of streamed examples; the data that runs share are not included.
  double memory() const;
};

/// Reads the tables data, model, loss, optimizer, schedule, train, budget and probes. Every mistake goes to
/// the report with its place; where there is one, the result must not be used.
RunConfiguration configure(const SettingsTable& settings, SettingsReport& report);

/// A table of a definition with the settings that are no plug-in's.
struct TableInfo {
  std::string name;
  std::string summary;
  std::vector<SettingInfo> settings;
};

/// `data`, `model`, `train`, `train.evaluate`, `budget`, `budget.target` and `engine`.
std::vector<TableInfo> definition_tables();

/// "0123456789abcdef": the digest of the canonical settings, the seed and the engine's semantics
/// version. The same for the same computation, however the definition is written.
std::string run_id(const RunConfiguration& configuration);

/// Raised whenever the same settings and seed give other numbers than before.
inline constexpr int kSemanticsVersion = 8;

}  // namespace plumbline
