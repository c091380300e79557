// SPDX-License-Identifier: Apache-2.0
// Every optimizer gives the same bits at any number of threads.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/sweep/scheduler.hpp"
#include "tests/runner/definition_file.hpp"
#include "tests/runner/outcomes.hpp"

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
