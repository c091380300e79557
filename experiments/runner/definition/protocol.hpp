// SPDX-License-Identifier: Apache-2.0
// What of a study depends on the results of its first runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/settings.hpp"

namespace plumbline {

/// The most seeds that a study may have.
inline constexpr std::int64_t kMostSeeds = 1'000'000;

enum class Goal { min, max };

/// What runs are compared by: a number of their summary, with the median over the seeds of a trial.
struct Criterion {
  std::string key;     ///< of the metric in the definition
  std::string metric;  ///< "final_valid_loss", as the summary of a run has it
  Goal goal = Goal::min;
  Place place;  ///< of the metric
};

/// `[study.search.halving]`: synchronous successive halving. All trials run for rungs[0] updates; the best
/// ceil(n / factor) of these n for rungs[1], and so on; those of the last rung run to their end.
/// Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS
/// 2016, arXiv:1502.07943.
struct Halving {
  std::vector<std::int64_t> rungs;  ///< update steps, rising
  std::int64_t factor = 3;
  Criterion by;
  Place place;  ///< of the rungs
};

/// `[study.protocol]`: the best trial of a search by `select_seeds` seeds from train.seed on, computed anew
/// with the `rerun_seeds` seeds that follow, by which it was not chosen.
struct Protocol {
  Criterion by;
  std::int64_t select_seeds = 1;
  std::int64_t rerun_seeds = 0;
  Place place;
};

/// Reads the table that stands at `path` ("study.search.halving"); every mistake goes to `problems`.
/// Nothing where it is no table, or where what it needs is missing or wrong.
std::optional<Halving> read_halving(const SettingNode& node, const std::string& path,
                                    std::vector<Problem>& problems);
std::optional<Protocol> read_protocol(const SettingNode& node, const std::string& path,
                                      std::vector<Problem>& problems);

/// The summary numbers that may be a criterion's metric.
std::vector<std::string> deciding_summaries();

/// What these tables hold, for documents: of the second, those of `select` and of `rerun`.
std::vector<SettingInfo> halving_settings();
std::vector<SettingInfo> select_settings();
std::vector<SettingInfo> rerun_settings();

}  // namespace plumbline
