// SPDX-License-Identifier: Apache-2.0
// Every optimizer gives the same bits at any number of threads.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "experiments/runner/plan.hpp"
#include "experiments/runner/scheduler.hpp"
#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

/// Each optimizer on some of the digits, with these further tables.
Plan plan_over_all_optimizers(const std::string& tables) {
  std::string names;
  for (const std::string& name : optimizer_catalogue().names()) {
    names += (names.empty() ? "\"" : ", \"") + name + '"';
  }
  const DefinitionFile file("[data]\ntrain = 200\nvalid = 50\n" + tables +
                            "[sweep.grid]\noptimizer.name = [" + names + "]\n");
  std::vector<Problem> problems;
  Definition definition = read_definition(file.path(), {}, problems);
  return make_plan(std::move(definition), std::move(problems));
}

/// Everything that a run records, but for the times.
struct Outcome {
  RunStatus status = RunStatus::pending;
  std::string message;
  std::string digest;
  std::vector<Metric> metrics;

  bool operator==(const Outcome&) const = default;
};

std::map<std::size_t, Outcome> outcomes(const Plan& plan, const Sharing& sharing) {
  std::vector<std::size_t> all(plan.runs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::atomic<bool> stop{false};
  std::map<std::size_t, Outcome> found;
  schedule(plan, all, {}, sharing, stop, [&](std::size_t index, RunRecord&& record) {
    found[index] = {record.status, record.message, record.digest, record.metrics};
    // NaN is not equal to itself; no accuracy or loss of a complete run is one.
    for (Metric& metric : found[index].metrics)
      std::erase_if(metric.values, [](double value) { return value != value; });
  });
  return found;
}

TEST(EveryOptimizer, GivesTheSameBitsAtOneTwoAndThreeThreads) {
  const Plan plan = plan_over_all_optimizers(
      "[model]\ndepth = 2\nwidth = 13\n[train]\nbatch = 40\nsteps = 12\n[sweep]\nseeds = 2\n");
  const auto alone = outcomes(plan, 1);
  ASSERT_EQ(alone.size(), 2 * optimizer_catalogue().names().size());
  for (const auto& [index, outcome] : alone) {
    EXPECT_EQ(outcome.status, RunStatus::complete)
        << outcome.message << " in run " << index << " of the plan";
    EXPECT_FALSE(outcome.digest.empty());
  }
  // The two seeds of an optimizer differ: a digest of nothing would not.
  for (std::size_t index = 0; index + 1 < alone.size(); index += 2) {
    EXPECT_NE(alone.at(index).digest, alone.at(index + 1).digest);
  }
  for (const int threads : {2, 3}) {
    const auto together = outcomes(plan, threads);
    for (const auto& [index, outcome] : alone) {
      EXPECT_TRUE(together.at(index) == outcome)
          << optimizer_catalogue().names()[index / 2] << " at " << threads << " threads";
    }
  }
}

// One run at a time, so that the threads have nothing but its steps to share.
TEST(EveryOptimizer, GivesTheSameBitsWhereThreadsShareItsSteps) {
  const Plan plan = plan_over_all_optimizers(
      "[model]\ndepth = 2\nwidth = 203\n[train]\nbatch = 101\nsteps = 3\n");
  for (const RunSpec& run : plan.runs) ASSERT_TRUE(run.configuration.has_shared_steps());
  const auto alone = outcomes(plan, 1);
  ASSERT_EQ(alone.size(), optimizer_catalogue().names().size());
  for (const int threads : {2, 3, 5}) {
    const auto together = outcomes(plan, Sharing(threads, 1));
    for (const auto& [index, outcome] : alone) {
      EXPECT_EQ(outcome.status, RunStatus::complete) << outcome.message;
      EXPECT_TRUE(together.at(index) == outcome)
          << optimizer_catalogue().names()[index] << " at " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace plumbline
