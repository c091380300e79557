// SPDX-License-Identifier: Apache-2.0
// What a sweep says of how it shares out its runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "experiments/runner/plan/plan.hpp"
#include "experiments/runner/sweep/scheduler.hpp"
#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

/// The text for runs of these widths.
std::string text_for(const std::string& widths, const Sharing& sharing) {
  const DefinitionFile file(
      "[data]\ntrain = 200\nvalid = 50\n[model]\ndepth = 2\n[train]\nbatch = 100\nsteps = 1\n"
      "[sweep.grid]\nmodel.width = [" +
      widths + "]\n");
  std::vector<Problem> problems;
  Definition definition = read_definition(file.path(), {}, problems);
  const Plan plan = make_plan(std::move(definition), std::move(problems));
  std::vector<std::size_t> all(plan.runs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return sharing_text(plan, all, sharing);
}

TEST(SharingText, TellsWhatThreadsDoAndWhy) {
  EXPECT_EQ(text_for("8, 9, 10", 1), "1 thread: one run after the other");
  EXPECT_EQ(text_for("8, 9, 10", 2), "2 threads: 2 runs side by side, one thread each");
  EXPECT_EQ(
      text_for("8, 9, 300", 2),
      "2 threads: 2 runs side by side, one thread each; threads without a run help those that "
      "are left");
  EXPECT_EQ(text_for("300", 2), "2 threads: 1 run; all threads share the steps");
  EXPECT_EQ(text_for("8, 9", 4),
            "4 threads: all 2 runs side by side; the steps are too small to be shared by more "
            "threads");
  EXPECT_EQ(text_for("8, 300", 4),
            "4 threads: all 2 runs side by side; all threads share the steps of those that are "
            "large enough");
  EXPECT_EQ(text_for("300, 301, 302", Sharing(2, 1)),
            "2 threads: 1 run at a time, as the memory holds no more; all threads share the steps");
}

}  // namespace
}  // namespace plumbline
