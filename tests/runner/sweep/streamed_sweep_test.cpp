// SPDX-License-Identifier: Apache-2.0
// Sweeps whose runs stream from one file, side by side.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/core/hdf5_file.hpp"
#include "tests/datasets/data_files.hpp"
#include "tests/runner/definition_file.hpp"
#include "tests/runner/outcomes.hpp"

namespace plumbline {
namespace {

class StreamedSweepTest : public testing::Test {
 protected:
  void write(const std::string& name, std::size_t rows, std::size_t features) const {
    std::vector<double> inputs;
    std::vector<double> labels;
    for (std::size_t i = 0; i < rows * features; ++i) {
      inputs.push_back(std::sin(static_cast<double>(i)));
    }
    for (std::size_t i = 0; i < rows; ++i) labels.push_back(static_cast<double>(i % 4));
    Hdf5File file(folder_.path() / name);
    file.add("inputs", {rows, features}, inputs, H5T_IEEE_F32LE);
    file.add("labels", {rows}, labels, H5T_STD_U8LE);
  }
  static Plan plan_of(const std::string& body) {
    const DefinitionFile file(body);
    std::vector<Problem> problems;
    Definition definition = read_definition(file.path(), {}, problems);
    return make_plan(std::move(definition), std::move(problems));
  }
  std::string quoted(const std::string& name) const {
    return '"' + (folder_.path() / name).string() + '"';
  }

  DataFolder folder_;
};

TEST_F(StreamedSweepTest, HasTheSameBitsOnAnyNumberOfThreads) {
  write("own.h5", 1000, 20);
  // Steps that are large enough to be shared among threads, beside small ones.
  const Plan plan = plan_of("[data]\nname = \"hdf5\"\nfile = " + quoted("own.h5") +
                            "\nstream = true\nblock = 100\nwindow = 3\nvalid = 400\n"
                            "standardize = true\n"
                            "[train]\nepochs = 1\nbatch = 100\n[train.evaluate]\nevery = 10\n"
                            "[sweep]\nseeds = 3\n[sweep.grid]\nmodel.width = [8, 300]\n");
  ASSERT_TRUE(plan.runs.back().configuration.has_shared_steps());
  const auto on_one = outcomes(plan, 1);
  ASSERT_EQ(on_one.size(), 6U);
  for (const auto& [index, outcome] : on_one) {
    EXPECT_EQ(outcome.status, RunStatus::complete) << outcome.message;
  }
  for (const int threads : {2, 3}) EXPECT_EQ(outcomes(plan, threads), on_one) << threads;
  EXPECT_EQ(outcomes(plan, Sharing(3, 1)), on_one) << "three threads in each run";
}

TEST_F(StreamedSweepTest, RecordsARunWhoseFileIsCutAsFailedAndKeepsTheOthers) {
  write("good.h5", 400, 5);
  write("bad.h5", 440, 5);
  const Plan plan = plan_of(
      "[data]\nname = \"hdf5\"\nstream = true\nblock = 20\nwindow = 1\n"
      "[train]\nepochs = 1\nbatch = 20\n[sweep.grid]\n"
      "data.file = [" +
      quoted("good.h5") + ", " + quoted("bad.h5") + "]\ntrain.seed = [0, 1]\n");
  ASSERT_EQ(plan.runs.size(), 4U);
  const auto bad = folder_.path() / "bad.h5";
  std::map<std::size_t, RunRecord> records;
  std::atomic<bool> stop{false};
  schedule(
      plan, {0, 1, 2, 3}, {}, 1, stop,
      [&](std::size_t index, RunRecord&& record) { records[index] = std::move(record); },
      [&](const RunConfiguration& run, const Dataset& data, const std::atomic<bool>& stopped) {
        // After all files were checked and opened, before any run reads.
        std::filesystem::resize_file(bad, 1000);
        return train(run, data, stopped);
      });
  ASSERT_EQ(records.size(), 4U);
  int failed = 0;
  for (const auto& [index, record] : records) {
    const bool uses_bad =
        plan.runs[index].configuration.data_key != plan.runs[0].configuration.data_key;
    EXPECT_EQ(record.status, uses_bad ? RunStatus::failed : RunStatus::complete) << record.message;
    if (!uses_bad) continue;
    ++failed;
    EXPECT_EQ(record.message.substr(0, bad.string().size() + 2), bad.string() + ": ");
  }
  EXPECT_EQ(failed, 2);
}

TEST_F(StreamedSweepTest, RefusesBeforeItStartsWhereOneFileIsBadAlready) {
  write("good.h5", 400, 5);
  std::ofstream(folder_.path() / "bad.h5") << "no HDF5";
  const std::string message = definition_error([&] {
    plan_of("[data]\nname = \"hdf5\"\nstream = true\n[sweep.grid]\ndata.file = [" +
            quoted("good.h5") + ", " + quoted("bad.h5") + "]\n");
  });
  EXPECT_NE(message.find("bad.h5: cannot open it as HDF5"), message.npos) << message;
  EXPECT_EQ(message.find("good.h5: "), message.npos) << message;
}

}  // namespace
}  // namespace plumbline
