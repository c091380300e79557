// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/shards.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/random.hpp"
#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Groups of one run each, with costs over four powers of ten; among them equal ones.
std::vector<RunGroup> some_groups(std::size_t size, std::int64_t seed) {
  Random random(seed, RandomStream::noise, 0);
  std::vector<RunGroup> groups;
  for (std::size_t i = 0; i < size; ++i) {
    groups.push_back({{i}, std::pow(10.0, static_cast<double>(random.below(17)) / 4)});
  }
  return groups;
}

std::vector<double> loads_of(const std::vector<RunGroup>& groups, std::size_t shards) {
  std::vector<double> loads(shards, 0.0);
  const std::vector<std::size_t> chosen = shard_of_each(groups, shards);
  EXPECT_EQ(chosen.size(), groups.size());
  for (std::size_t i = 0; i < groups.size(); ++i) loads.at(chosen[i]) += groups[i].cost;
  return loads;
}

TEST(ShardsTest, DifferInCostByNoMoreThanTheDearestGroup) {
  for (const std::size_t shards : {1U, 2U, 3U, 7U, 16U, 40U}) {
    for (std::int64_t seed = 0; seed < 20; ++seed) {
      const std::vector<RunGroup> groups = some_groups(60, seed);
      const std::vector<double> loads = loads_of(groups, shards);
      const double dearest = std::ranges::max(groups, {}, &RunGroup::cost).cost;
      // Sums of 60 numbers in another order: off by a few units in the last place.
      const double rounding = 1e-12 * dearest * 60;
      EXPECT_LE(std::ranges::max(loads) - std::ranges::min(loads), dearest + rounding)
          << shards << " shards, seed " << seed;
    }
  }
}

TEST(ShardsTest, TakeTheDearestFirstAndThenWhoeverHasLeast) {
  const std::vector<RunGroup> groups = {{{0}, 1}, {{1}, 5}, {{2}, 3}, {{3}, 3}, {{4}, 1}};
  // 5 to the first, 3 and 3 to the second, 1 to the first of 5 and 6, 1 to the first of 6 and 6.
  EXPECT_THAT(shard_of_each(groups, 2), ElementsAre(0, 0, 1, 1, 0));
}

TEST(ShardsTest, EqualGroupsGoRoundInTheirOrder) {
  const std::vector<RunGroup> groups = {{{0}, 2}, {{1}, 2}, {{2}, 2}, {{3}, 2}};
  EXPECT_THAT(shard_of_each(groups, 3), ElementsAre(0, 1, 2, 0));
}

TEST(ShardsTest, EveryRunIsInExactlyOnePartWhateverTheOrderOfCalls) {
  const Plan plan = ragged_plan();
  for (const std::size_t count : {1U, 2U, 3U, 8U, 11U}) {
    std::multiset<std::string> seen;
    std::vector<std::vector<std::string>> parts(count);
    for (std::size_t number = count; number >= 1; --number) {
      for (const RunSpec& run : part_of(plan, {number, count}).runs) {
        seen.insert(run.run_id);
        parts[number - 1].push_back(run.run_id);
      }
    }
    EXPECT_EQ(seen.size(), plan.runs.size()) << count;
    for (const RunSpec& run : plan.runs) EXPECT_EQ(seen.count(run.run_id), 1U) << run.run_id;
    for (std::size_t number = 1; number <= count; ++number) {
      std::vector<std::string> again;
      for (const RunSpec& run : part_of(plan, {number, count}).runs) again.push_back(run.run_id);
      EXPECT_EQ(again, parts[number - 1]);
    }
  }
}

TEST(ShardsTest, APartKeepsTheOrderOfThePlanAndItsDefinition) {
  const Plan plan = ragged_plan();
  const Plan part = part_of(plan, {1, 2});
  EXPECT_EQ(part.definition.text, plan.definition.text);
  EXPECT_EQ(part.definition.studies.size(), plan.definition.studies.size());
  std::vector<std::size_t> places;
  for (const RunSpec& run : part.runs) {
    const auto found = std::ranges::find(plan.runs, run.run_id, &RunSpec::run_id);
    places.push_back(static_cast<std::size_t>(found - plan.runs.begin()));
  }
  EXPECT_EQ(places.size(), 4U);
  EXPECT_TRUE(std::ranges::is_sorted(places));
}

TEST(ShardsTest, MoreShardsThanRunsLeavesTheLastOnesEmpty) {
  const Plan plan = ragged_plan();
  EXPECT_EQ(part_of(plan, {8, 9}).runs.size(), 1U);
  EXPECT_THAT(part_of(plan, {9, 9}).runs, IsEmpty());
}

TEST(ShardsTest, AreReadFromTheCommandLine) {
  EXPECT_EQ(parse_shard("2/8"), (Shard{2, 8}));
  EXPECT_EQ(parse_shard("1/1"), (Shard{1, 1}));
  for (const char* wrong : {"", "2", "/", "2/", "/8", "0/8", "9/8", "-1/8", "1/8/2", "a/8", "1/8 ",
                            " 1/8", "1.0/8", "+1/8", "1/1000001", "1/99999999999999999999"}) {
    try {
      parse_shard(wrong);
      ADD_FAILURE() << "'" << wrong << "' was accepted";
    } catch (const DefinitionError& error) {
      EXPECT_EQ(error.problems().at(0).place.file, "--shard");
      EXPECT_THAT(error.problems().at(0).message,
                  HasSubstr("'" + std::string(wrong) + "' is no part i/N, such as 2/8"));
    }
  }
}

TEST(ShardsTest, HaveAFileBesideTheOutput) {
  EXPECT_EQ(shard_path("results/x.h5", {2, 8}), "results/x.shard-2-of-8.h5");
  EXPECT_EQ(shard_of_path("results/x.shard-2-of-8.h5"),
            std::pair(std::filesystem::path("results/x.h5"), Shard{2, 8}));
  for (const char* other : {"results/x.h5", "x.shard-2.h5", "x.shard-a-of-2.h5", "x-of-2.h5",
                            "x.shard-3-of-2.h5", "x.shard-0-of-0.h5", "x.shard-1-of-2.y.h5"}) {
    EXPECT_EQ(shard_of_path(other), std::nullopt) << other;
  }
  EXPECT_EQ(shard_path("a.b.nc", {10, 10}), "a.b.shard-10-of-10.nc");
  EXPECT_EQ(shard_path("folder.d/plain", {1, 2}), "folder.d/plain.shard-1-of-2");
  for (const char* output : {"x", "x.h5", "x.y.h5", "folder.d/plain"}) {
    EXPECT_EQ(shard_of_path(shard_path(output, {10, 12})),
              std::pair(std::filesystem::path(output), Shard{10, 12}));
  }
}

TEST(ShardsTest, AreFoundBesideTheOutputInTheOrderOfTheirNumbers) {
  const TemporaryFolder folder;
  for (const char* name : {"x.shard-10-of-10.h5", "x.shard-9-of-10.h5", "x.h5", "y.shard-1-of-2.h5",
                           "x.shard-1-of-2.h5.77.tmp", "x.shard-a-of-2.h5", "x.shard-1-of-2",
                           "x.shard-.h5", "x.shard-2-of-3.h5.previous"}) {
    std::ofstream(folder / name) << "text";
  }
  std::filesystem::create_directory(folder / "x.shard-3-of-4.h5.d");
  std::filesystem::create_directory(folder / "x.shard-9-of-10.h5.d");
  EXPECT_THAT(shard_files(folder / "x.h5"),
              ElementsAre(folder / "x.shard-3-of-4.h5", folder / "x.shard-9-of-10.h5",
                          folder / "x.shard-10-of-10.h5"));
  EXPECT_THAT(shard_files(folder / "nowhere/x.h5"), IsEmpty());
}

}  // namespace
}  // namespace plumbline
