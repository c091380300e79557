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

namespace plumbline {

/// A probe with the steps at which it measures.
struct ScheduledProbe {
  const ProbeEntry* entry = nullptr;
  std::shared_ptr<const Probe> probe;
  Sampling sampling;
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
  std::int64_t seed = 0;
  Sampling evaluation;  ///< when loss and accuracy over the whole sets are recorded
  std::vector<ScheduledProbe> probes;
  /// Every setting in force, given or by default, in a fixed order.
  std::vector<ResolvedSetting> resolved;

  /// What the net stands on.
  Shape input() const { return model.input(data->shape()); }
  /// The steps at which anything is recorded, in rising order.
  std::vector<std::int64_t> recorded_steps() const;
  /// Floating-point operations of the whole run, evaluation included: what the plan weighs runs by.
  double cost() const;
  /// Whether a step has work that is large enough to be shared among threads.
  bool has_shared_steps() const;
  /// Bytes of parameters, gradients, optimizer state and activations, of what a layer is drawn in, and of
  /// streamed examples; the data that runs share are not included.
  double memory() const;
};

/// Reads the tables data, model, loss, optimizer, schedule, train and probes. Every mistake goes to
/// the report with its place; where there is one, the result must not be used.
RunConfiguration configure(const SettingsTable& settings, SettingsReport& report);

/// A table of a definition with the settings that are no plug-in's.
struct TableInfo {
  std::string name;
  std::string summary;
  std::vector<SettingInfo> settings;
};

/// `data`, `model`, `train`, `engine` and `train.evaluate`.
std::vector<TableInfo> definition_tables();

/// "0123456789abcdef": the digest of the canonical settings, the seed and the engine's semantics
/// version. The same for the same computation, however the definition is written.
std::string run_id(const RunConfiguration& configuration);

/// Raised whenever the same settings and seed give other numbers than before.
inline constexpr int kSemanticsVersion = 6;

}  // namespace plumbline
