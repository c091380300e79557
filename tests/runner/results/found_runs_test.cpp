// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/results/found_runs.hpp"

#include <atomic>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/results/segment_folder.hpp"
#include "experiments/runner/results/store_paths.hpp"
#include "experiments/runner/results/sweep_store.hpp"
#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class FoundRunsTest : public testing::Test {
 protected:
  FinishedRun finished(std::size_t index, const std::string& run_id) const {
    return {run_id, example_record(plan_, index % plan_.runs.size()), {"here", 3}};
  }
  /// Adds a segment with these runs, and merges none.
  void add_segment(const std::vector<FinishedRun>& runs) {
    std::filesystem::create_directory(paths_.folder);
    SegmentFolder(paths_.segments, plan_.definition, provenance_, err_).add(runs);
  }

  const TemporaryFolder folder_;
  const StorePaths paths_{folder_ / "x.h5"};
  const Plan plan_ = ragged_plan();
  const Provenance provenance_ = example_provenance();
  std::ostringstream err_;
};

TEST_F(FoundRunsTest, AreNoneWhereThereIsNothing) {
  const FoundRuns found(paths_.file);
  EXPECT_THAT(found.runs(), IsEmpty());
  EXPECT_THAT(found.sources(), IsEmpty());
}

TEST_F(FoundRunsTest, AreThoseOfTheFileAndOfItsSegmentsAndTheLatestCounts) {
  const std::string& first = plan_.runs[0].run_id;
  const std::string& second = plan_.runs[1].run_id;
  ResultsWriter writer(paths_.file, plan_, provenance_);
  RunRecord failed;
  failed.status = RunStatus::failed;
  writer.write(0, failed);
  writer.close();
  add_segment({finished(0, first), finished(1, second)});
  const FoundRuns found(paths_.file);
  ASSERT_THAT(found.runs(), SizeIs(2)) << "a pending run is none";
  const FoundRun& run = found.runs().at(first);
  EXPECT_EQ(run.status, RunStatus::complete);
  EXPECT_EQ(run.digest, example_record(plan_, 0).digest);
  EXPECT_EQ(run.seconds, example_record(plan_, 0).wall_seconds);
  const ResultsReader reader(found.sources().at(run.source).path);
  expect_same_bits(reader.read(run.index), example_record(plan_, 0));

  std::ofstream(paths_.fresh) << "";
  EXPECT_THAT(FoundRuns(paths_.file).sources(), SizeIs(1)) << "the file does not count";
}

TEST_F(FoundRunsTest, TookTheTimeOfTheirProbesToo) {
  FinishedRun run = finished(0, example_run_id(1));
  run.record.wall_seconds = 2;
  run.record.probe_seconds = {{"gradient_norm", 0.5}, {"sharpness", 30}};
  add_segment({run});
  EXPECT_EQ(FoundRuns(paths_.file).runs().at(example_run_id(1)).seconds, 32.5);
}

TEST_F(FoundRunsTest, LeaveOutASegmentThatIsNotWhatWasWritten) {
  add_segment({finished(0, example_run_id(1))});
  add_segment({finished(1, example_run_id(2))});
  const auto second = segment_files(paths_.segments).at(1);
  std::filesystem::resize_file(second, std::filesystem::file_size(second) - 100);
  const FoundRuns found(paths_.file);
  ASSERT_THAT(found.runs(), SizeIs(1));
  EXPECT_TRUE(found.runs().contains(example_run_id(1)));
}

TEST_F(FoundRunsTest, DoNotLeaveOutASegmentThatCannotBeOpened) {
  add_segment({finished(0, example_run_id(1))});
  const auto second = paths_.segments / "00000002.h5";
  std::filesystem::create_symlink(second.filename(), second);
  EXPECT_THAT(complaint([&] { const FoundRuns found(paths_.file); }),
              HasSubstr("00000002.h5: cannot read it: "));
}

TEST_F(FoundRunsTest, KeepAFinishedRunThoughALaterRecordFailed) {
  const std::string& first = plan_.runs[0].run_id;
  FinishedRun failed = finished(0, first);
  failed.record.status = RunStatus::failed;
  add_segment({finished(0, first)});
  add_segment({failed});
  const FoundRuns found(paths_.file);
  EXPECT_EQ(found.runs().at(first).status, RunStatus::complete);
  EXPECT_EQ(found.runs().at(first).source, 0U);
  EXPECT_EQ(found.stored().status(first), RunStatus::complete);
}

TEST_F(FoundRunsTest, TellTheDefinitionOfTheRunThatWasStartedLast) {
  const auto add = [&](const std::string& text, std::int64_t started) {
    FinishedRun run = finished(0, text);
    run.record.started = started;
    Definition definition = plan_.definition;
    definition.text = text;
    std::filesystem::create_directory(paths_.folder);
    SegmentFolder(paths_.segments, definition, provenance_, err_).add(std::vector{run});
  };
  const auto newest = [&] {
    return provenance_value(FoundRuns(paths_.file).newest_source().provenance, "definition");
  };
  add(example_run_id(1), 100);
  add(example_run_id(2), 50);
  EXPECT_EQ(newest(), example_run_id(1));
  add(example_run_id(3), 100);
  EXPECT_EQ(newest(), example_run_id(3)) << "of equal ones the last";
}

// A segment vanishes between the look at the folder and its opening, when FILE is made of all of them.
TEST_F(FoundRunsTest, NeverFallWhileSegmentsBecomeTheFile) {
  constexpr std::int64_t kWidths = 8;
  std::vector<SettingNode> widths;
  for (std::int64_t width = 1; width <= kWidths; ++width) widths.push_back(node(width));
  const Plan plan = plan_of({{"model.width", widths, {}}});
  std::atomic<std::size_t> written = 0;
  std::jthread writer([&] {
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      SweepStore store(paths_.file, plan.definition, provenance_, false, err_);
      store.append(plan.runs[i].run_id, example_record(plan, i));
      store.flush();
      written = i + 1;
      store.publish(plan);
    }
  });
  while (written < plan.runs.size()) {
    const std::size_t before = written;
    EXPECT_GE(FoundRuns(paths_.file).runs().size(), before);
  }
  writer.join();
  EXPECT_THAT(FoundRuns(paths_.file).runs(), SizeIs(plan.runs.size()));
}

}  // namespace
}  // namespace plumbline
