// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/sweep/checkpoint_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "engine/training/trainer.hpp"
#include "experiments/runner/plan/plan.hpp"
#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class CheckpointFilesTest : public testing::Test {
 protected:
  CheckpointFilesTest() {
    std::vector<Problem> problems;
    Definition definition = read_definition(file_.path(), {}, problems);
    plan_ = make_plan(std::move(definition), std::move(problems));
  }

  const RunConfiguration& run() const { return plan_.runs[0].configuration; }
  const std::string& id() const { return plan_.runs[0].run_id; }
  fs::path folder() const { return file_.path().parent_path() / "a.h5.d" / "checkpoints"; }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    if (!fs::exists(folder())) return names;
    for (const auto& entry : fs::directory_iterator(folder())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  std::optional<RunRecord> train(CheckpointFiles& files, const std::atomic<bool>& stop) {
    return files.train(run(), run().data->load({}), stop,
                       [&](const std::string& line) { said_.push_back(line); });
  }
  void touch(const std::string& name) const { std::ofstream(folder() / name) << "x"; }

  DefinitionFile file_{
      "[data]\ntrain = 200\nvalid = 50\n[model]\ndepth = 2\nwidth = 9\n"
      "[train]\nbatch = 40\nsteps = 30\ncheckpoint_every = 10\n"};
  Plan plan_;
  std::vector<std::string> said_;
};

TEST_F(CheckpointFilesTest, LeavesTheLastCheckpointUnderTheIdOfTheRun) {
  CheckpointFiles files(folder());
  const std::atomic<bool> stop{false};
  EXPECT_TRUE(train(files, stop));
  EXPECT_THAT(names(), ElementsAre(id()));
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_TRUE(train(files, stop));
  EXPECT_THAT(said_,
              ElementsAre("run " + id() + ": goes on from its checkpoint after 30 of 30 updates"));
}

TEST_F(CheckpointFilesTest, RemovesThatOfARunAndTheRest) {
  CheckpointFiles files(folder());
  files.remove(id());
  files.keep_only({id()});
  fs::create_directories(folder());
  for (const char* name : {"a", "b", "b.tmp", "c"}) touch(name);
  files.remove("a");
  EXPECT_THAT(names(), UnorderedElementsAre("b", "b.tmp", "c"));
  files.keep_only({"b"});
  EXPECT_THAT(names(), ElementsAre("b"));
  files.keep_only({});
  EXPECT_FALSE(fs::exists(folder().parent_path()));
}

TEST_F(CheckpointFilesTest, LeavesTheFolderAboveWhereSomethingElseIsInIt) {
  CheckpointFiles files(folder());
  fs::create_directories(folder());
  std::ofstream(folder().parent_path() / "lock") << "x";
  files.keep_only({});
  EXPECT_FALSE(fs::exists(folder()));
  EXPECT_TRUE(fs::exists(folder().parent_path() / "lock"));
}

TEST_F(CheckpointFilesTest, TellsOnceThatNoneCanBeWritten) {
  std::ofstream(folder().parent_path()) << "no folder";
  CheckpointFiles files(folder());
  const std::atomic<bool> stop{false};
  const auto record = train(files, stop);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, RunStatus::complete);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("cannot make the folder")));
}

}  // namespace
}  // namespace plumbline
