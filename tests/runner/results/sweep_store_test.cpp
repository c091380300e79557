// SPDX-License-Identifier: Apache-2.0
// What a killed process leaves behind is tested in tests/runner/commands/store_test.py.
#include "experiments/runner/results/sweep_store.hpp"
#include "experiments/runner/results/segment_folder.hpp"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/results/segment_folder.hpp"
#include "tests/runner/example_results.hpp"

namespace plumbline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Store : public testing::Test {
 protected:
  std::unique_ptr<SweepStore> open(bool fresh = false) {
    return std::make_unique<SweepStore>(file_, plan_.definition, example_provenance(), fresh, err_);
  }
  void append(SweepStore& store, const std::vector<std::size_t>& indices) const {
    for (const std::size_t i : indices) {
      store.append(plan_.runs[i].run_id, example_record(plan_, i));
    }
  }
  std::vector<RunStatus> statuses() const { return ResultsReader(file_).statuses(); }

  const TemporaryFolder folder_;
  const fs::path file_ = folder_ / "a.h5";
  const Plan plan_ = ragged_plan();
  std::ostringstream err_;
};

TEST_F(Store, ShowsLifeWhileItWrites) {
  const auto store = open();
  append(*store, {0});
  store->flush();
  const fs::path folder = file_.string() + ".d";
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::last_write_time(folder, old);
  append(*store, {1});
  store->flush();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (fs::last_write_time(folder) < old + std::chrono::minutes(1)) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST_F(Store, MakesTheSameFileAsOneWriter) {
  {
    const auto store = open();
    append(*store, {5, 2, 7});
    store->flush();
    append(*store, {0, 1, 3, 4, 6});
    EXPECT_THAT(store->publish(plan_), IsEmpty());
  }
  EXPECT_THAT(folder_.names(), ElementsAre("a.h5"));
  const ResultsReader reader(file_);
  for (std::size_t i = 0; i < plan_.runs.size(); ++i) {
    SCOPED_TRACE(i);
    expect_same_bits(reader.read(i), example_record(plan_, i));
    EXPECT_EQ(reader.place(i), (RunPlace{"höhle", 3}));
  }
}

TEST_F(Store, KnowsWhatIsOnDiskAndWhatWasAppended) {
  {
    const auto store = open();
    append(*store, {1, 2});
  }  // not published: what waited is in a segment
  EXPECT_THAT(folder_.names(), ElementsAre("a.h5.d"));
  const auto store = open();
  append(*store, {3});
  for (const std::size_t i : {1U, 2U, 3U}) {
    EXPECT_TRUE(store->runs().is_finished(plan_.runs[i].run_id));
    const RunRecord record = example_record(plan_, i);
    EXPECT_EQ(store->runs().number(plan_.runs[i].run_id, "final_train_loss"),
              record.summary[0].second);
  }
  EXPECT_EQ(store->runs().finished(), 3U);
  EXPECT_EQ(store->runs().status(plan_.runs[0].run_id), RunStatus::pending);
  EXPECT_TRUE(std::isnan(store->runs().number(plan_.runs[0].run_id, "final_train_loss")));
  EXPECT_TRUE(std::isnan(store->runs().number(plan_.runs[1].run_id, "no_such_number")));
  store->flush();
  EXPECT_EQ(StoredRuns(file_).finished(), 3U) << "whoever only looks sees the same";
}

TEST_F(Store, KeepsTheFileAndTheSegmentsApartUntilItPublishes) {
  {
    const auto store = open();
    append(*store, {0, 1});
    store->publish(plan_);
  }
  EXPECT_EQ(statuses()[2], RunStatus::pending);
  const auto store = open();
  append(*store, {2});
  store->flush();
  EXPECT_FALSE(segment_files(store->paths().segments).empty());
  EXPECT_EQ(statuses()[2], RunStatus::pending);
  store->publish(plan_);
  EXPECT_EQ(statuses()[2], RunStatus::complete);
  EXPECT_EQ(statuses()[0], RunStatus::complete);
}

TEST_F(Store, PublishesAFinishedRunThoughALaterRecordFailed) {
  RunRecord failed = example_record(plan_, 0);
  failed.status = RunStatus::failed;
  const auto add_segment = [&](const RunRecord& record) {
    fs::create_directories(StorePaths(file_).folder);
    SegmentFolder(StorePaths(file_).segments, plan_.definition, example_provenance(), err_)
        .add(std::vector{FinishedRun{plan_.runs[0].run_id, record, {"here", 3}}});
  };
  add_segment(example_record(plan_, 0));
  add_segment(failed);
  const auto store = open();
  EXPECT_TRUE(store->runs().is_finished(plan_.runs[0].run_id));
  const std::vector<fs::path> segments = segment_files(store->paths().segments);
  SegmentMerge merge(segments, folder_ / "merged.h5", plan_.definition, example_provenance());
  while (merge.step()) continue;
  EXPECT_THAT(ResultsReader(folder_ / "merged.h5").statuses(), ElementsAre(RunStatus::complete));
  store->publish(plan_);
  EXPECT_EQ(statuses()[0], RunStatus::complete);
}

TEST_F(Store, CountsTheLatestRecordOfARun) {
  RunRecord failed;
  failed.status = RunStatus::failed;
  failed.message = "out of memory";
  {
    const auto store = open();
    store->append(plan_.runs[0].run_id, RunRecord(failed));
    store->append(plan_.runs[1].run_id, RunRecord(failed));
    store->publish(plan_);
  }
  EXPECT_EQ(statuses()[0], RunStatus::failed);
  const auto store = open();
  EXPECT_FALSE(store->runs().is_finished(plan_.runs[0].run_id)) << "failed is not done";
  append(*store, {0});
  store->publish(plan_);
  EXPECT_EQ(statuses()[0], RunStatus::complete);
  EXPECT_EQ(statuses()[1], RunStatus::failed);
}

TEST_F(Store, IsOneProcessesAtATime) {
  const auto store = open();
  EXPECT_THAT(complaint([&] { open(); }), HasSubstr("a.h5: is being written by process"));
}

TEST_F(Store, RemovesTheTemporaryFilesOfItsFileAlone) {
  for (const char* name :
       {"a.h5.4711.tmp", "a.h5.previous.4711.tmp", "a.h5.previous.2.4711.tmp", "b.h5.4711.tmp",
        "a.h5.notes.tmp", "a.h5.previous.notes.2.tmp", "a.h5.previous"}) {
    std::ofstream(folder_ / name) << "x";
  }
  open();
  EXPECT_THAT(folder_.names(), UnorderedElementsAre("b.h5.4711.tmp", "a.h5.notes.tmp",
                                                    "a.h5.previous.notes.2.tmp", "a.h5.previous"));
}

TEST_F(Store, KeepsTheFileOfALargerPlan) {
  {
    const auto store = open();
    append(*store, {0, 1, 6});
    store->publish(plan_);
  }
  {
    const auto store = open();
    append(*store, {2, 7});
  }
  Plan smaller = ragged_plan();
  smaller.runs.resize(4);
  {
    const auto store = open();
    // One for what the file has of other runs, one for what the segments have.
    EXPECT_THAT(store->publish(smaller),
                ElementsAre(folder_ / "a.h5.previous", folder_ / "a.h5.previous.2"));
  }
  EXPECT_EQ(statuses(), (std::vector{RunStatus::complete, RunStatus::complete, RunStatus::complete,
                                     RunStatus::pending}));
  EXPECT_EQ(StoredRuns(folder_ / "a.h5.previous").finished(), 3U);
  EXPECT_THAT(StoredRuns(folder_ / "a.h5.previous.2").finished_ids(),
              ElementsAre(plan_.runs[7].run_id));
  EXPECT_FALSE(fs::exists(folder_ / "a.h5.d"));
}

TEST_F(Store, FreshLeavesTheOldFileUntilTheNewOneIsMade) {
  {
    const auto store = open();
    append(*store, {0, 1});
    store->publish(plan_);
  }
  {
    const auto store = open(true);
    EXPECT_EQ(store->runs().finished(), 0U);
  }
  EXPECT_EQ(StoredRuns(file_).finished(), 2U) << "nothing was computed: the old file counts";
  EXPECT_THAT(folder_.names(), ElementsAre("a.h5"));
  {
    const auto store = open(true);
    append(*store, {5});
    store->flush();
    EXPECT_EQ(StoredRuns(file_).finished(), 1U);
  }
  const auto store = open();
  EXPECT_EQ(store->runs().finished(), 1U) << "the old file does not come back";
  store->publish(plan_);
  EXPECT_EQ(StoredRuns(file_).finished(), 1U);
}

// A link that leads nowhere stands where the mark would be.
TEST_F(Store, DoesNotBeginFreshWithoutItsMarkAndLeavesNoOldSegmentBesideIt) {
  write_all(file_, plan_);
  {
    const auto store = open();
    append(*store, {0});
  }
  const StorePaths paths(file_);
  fs::create_symlink(folder_ / "nowhere/fresh", paths.fresh);
  EXPECT_EQ(complaint([&] { open(true); }),
            paths.fresh.string() + ": cannot make it: No such file or directory");
  EXPECT_THAT(segment_files(paths.segments), IsEmpty());
  EXPECT_EQ(StoredRuns(file_).finished(), plan_.runs.size());
}

TEST_F(Store, RemovesCheckpointsOnceNothingIsPending) {
  fs::create_directories(folder_ / "a.h5.d/checkpoints");
  std::ofstream(folder_ / "a.h5.d/checkpoints/x") << "x";
  {
    const auto store = open();
    append(*store, {0});
    store->publish(plan_);
  }
  EXPECT_TRUE(fs::exists(folder_ / "a.h5.d/checkpoints/x"));
  const auto store = open();
  append(*store, {1, 2, 3, 4, 5, 6, 7});
  store->publish(plan_);
  EXPECT_FALSE(fs::exists(folder_ / "a.h5.d/checkpoints"));
}

}  // namespace
}  // namespace plumbline
