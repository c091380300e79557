// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/runs_elsewhere.hpp"

#include <filesystem>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>

#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

class RunsElsewhereTest : public testing::Test {
 protected:
  /// All runs of the plan, the first with this status.
  void write(RunStatus first) const {
    ResultsWriter writer(other_, plan_, example_provenance());
    for (std::size_t i = 0; i < plan_.runs.size(); ++i) {
      RunRecord record = example_record(plan_, i);
      if (i == 0) record.status = first;
      writer.write(i, std::move(record));
    }
    writer.close();
  }
  std::size_t give(const RunsElsewhere& elsewhere) {
    SweepStore store(folder_ / "x.h5", plan_.definition, example_provenance(), false, err_);
    const std::size_t given = elsewhere.give(plan_, store);
    EXPECT_EQ(store.runs().finished(), given);
    return given;
  }

  const TemporaryFolder folder_;
  const std::filesystem::path other_ = folder_ / "y.h5";
  const Plan plan_ = ragged_plan();
  std::ostringstream err_;
};

TEST_F(RunsElsewhereTest, GiveFinishedRunsAlone) {
  write(RunStatus::failed);
  RunsElsewhere elsewhere;
  elsewhere.add(FoundRuns(other_));
  EXPECT_EQ(elsewhere.runs().status(plan_.runs[0].run_id), RunStatus::pending);
  EXPECT_EQ(give(elsewhere), plan_.runs.size() - 1);
}

TEST_F(RunsElsewhereTest, DoNotGiveARunThatIsNoLongerFinishedThere) {
  write(RunStatus::complete);
  RunsElsewhere elsewhere;
  elsewhere.add(FoundRuns(other_));
  write(RunStatus::failed);
  EXPECT_EQ(give(elsewhere), plan_.runs.size() - 1);
}

TEST_F(RunsElsewhereTest, GiveNothingOfAFileThatHasGone) {
  write(RunStatus::complete);
  RunsElsewhere elsewhere;
  elsewhere.add(FoundRuns(other_));
  std::filesystem::remove(other_);
  EXPECT_EQ(give(elsewhere), 0U);
}

}  // namespace
}  // namespace plumbline
