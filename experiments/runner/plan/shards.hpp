// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "experiments/runner/plan/plan.hpp"

namespace plumbline {

/// Part `number` of the `count` parts of a plan, counted from 1: `--shard 2/8`.
struct Shard {
  std::size_t number = 1;
  std::size_t count = 1;

  bool operator==(const Shard&) const = default;
};

inline constexpr std::size_t kMostShards = 1'000'000;

/// "2/8". Throws DefinitionError, whose place is `--shard`, for any other text and for numbers out of
/// 1 <= number <= count <= kMostShards.
Shard parse_shard(const std::string& text);

/// The runs of a plan that must stay together, as indices in rising order, what they and those of later
/// stages cost, and how many all these are.
struct RunGroup {
  std::vector<std::size_t> runs;
  double cost = 0;
  std::size_t foreseen = 0;
};

/// In the order in which the plan first shows them.
std::vector<RunGroup> run_groups(const Plan& plan);

/// For each group the index of its shard: groups in order of falling cost, equal ones as they stand,
/// each to the shard that has least so far, of equal ones to the first (the rule LPT of Graham, Bounds
/// on multiprocessing timing anomalies, SIAM J. Appl. Math. 17 (1969)). The dearest shard then costs at
/// most one group more than the cheapest. Depends on nothing but its arguments.
std::vector<std::size_t> shard_of_each(const std::vector<RunGroup>& groups, std::size_t shards);

/// The plan with the runs of one shard alone, in the plan's order. Empty where there are more shards
/// than groups.
Plan part_of(const Plan& plan, const Shard& shard);

/// Ends the name of the folder beside a results file, in which its sweep is while it runs.
inline constexpr std::string_view kSweepSuffix = ".d";

/// "results/x.shard-2-of-8.h5" for results/x.h5: where a shard's runs are written.
std::filesystem::path shard_path(const std::filesystem::path& output, const Shard& shard);

/// The output and the shard that a path of shard_path() is of; nothing for any other path.
std::optional<std::pair<std::filesystem::path, Shard>> shard_of_path(
    const std::filesystem::path& path);

/// The files of shards of `output` that stand beside it, of any number of shards, in the order of their
/// names; also those of which there is the folder `FILE.d` alone, as a process has not ended yet.
std::vector<std::filesystem::path> shard_files(const std::filesystem::path& output);

}  // namespace plumbline
