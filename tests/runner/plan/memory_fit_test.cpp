// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/plan/memory_fit.hpp"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/runner/text/text_table.hpp"
#include "tests/core/hdf5_file.hpp"
#include "tests/datasets/data_files.hpp"
#include "tests/runner/definition_file.hpp"

namespace plumbline {
namespace {

using testing::HasSubstr;

/// Two small runs and a large one.
class MemoryFitTest : public testing::Test {
 protected:
  Plan plan() const {
    std::vector<Problem> problems;
    Definition definition = read_definition(file_.path(), {}, problems);
    return make_plan(std::move(definition), std::move(problems));
  }

  const DefinitionFile file_{"[sweep.grid]\nmodel.width = [50, 51, 300]\n"};
  const Plan plan_ = plan();
  const std::vector<std::size_t> all_ = {0, 1, 2};
};

TEST_F(MemoryFitTest, HasTheLargestRunsFirstBesideTheDataThatTheyShare) {
  const MemoryFit fit = memory_fit(plan_, all_, 2, 1e12);
  ASSERT_EQ(fit.runs.size(), 3U);
  EXPECT_EQ(fit.runs[0], plan_.runs[2].configuration.memory());
  EXPECT_EQ(fit.runs[1], plan_.runs[1].configuration.memory());
  EXPECT_EQ(fit.largest, 2U);
  EXPECT_GT(fit.data, 1797 * 64 * 4) << "the digits in single precision";
  EXPECT_EQ(fit.needed(2), fit.data + fit.runs[0] + fit.runs[1]);
  EXPECT_EQ(fit.at_once, 2U) << "as many as there are threads";
  EXPECT_EQ(memory_message(plan_, fit, 2), "");
  EXPECT_EQ(memory_fit(plan_, all_, 8, 1e12).at_once, 3U);
}

TEST_F(MemoryFitTest, TakesFewerAtOnceWhereThatIsWhatFits) {
  const MemoryFit roomy = memory_fit(plan_, all_, 3, 1e12);
  const MemoryFit fit = memory_fit(plan_, all_, 3, roomy.needed(2));
  EXPECT_EQ(fit.at_once, 2U);
  EXPECT_THAT(memory_message(plan_, fit, 3), HasSubstr("2 of 3 runs at a time: 3 would need "));
  EXPECT_EQ(memory_fit(plan_, all_, 3, roomy.needed(2) - 1).at_once, 1U);
}

TEST_F(MemoryFitTest, NamesTheRunThatDoesNotFitAlone) {
  const MemoryFit roomy = memory_fit(plan_, all_, 1, 1e12);
  const MemoryFit fit = memory_fit(plan_, all_, 1, roomy.needed(1) - 1);
  EXPECT_EQ(fit.at_once, 0U);
  EXPECT_THAT(memory_message(plan_, fit, 1), HasSubstr("run model.width=300 train.seed=0 needs "));
  EXPECT_THAT(memory_message(plan_, fit, 1),
              HasSubstr(" of memory, " + bytes_text(fit.data) + " of it for the data, and "));
  EXPECT_EQ(memory_fit(plan_, {0, 1}, 1, roomy.needed(1) - 1).at_once, 1U)
      << "the runs that are missing count, and no others";
}

TEST(MemoryFitOfStreams, CountsWindowsOfEachRunAndNotTheFile) {
  const DataFolder folder;
  constexpr std::size_t kRows = 100000;
  constexpr std::size_t kFeatures = 8;
  const std::vector<double> zeros(kRows * kFeatures, 0);
  Hdf5File(folder.path() / "own.h5").add("inputs", {kRows, kFeatures}, zeros, H5T_STD_I8LE);
  const auto fit_of = [&](const std::string& streaming) {
    const DefinitionFile file("[data]\nname = \"hdf5\"\nlabels = \"\"\nvalid = 5000\nfile = \"" +
                              (folder.path() / "own.h5").string() + "\"\n" + streaming +
                              "[loss]\nname = \"mean_squared_error\"\n");
    std::vector<Problem> problems;
    Definition definition = read_definition(file.path(), {}, problems);
    return memory_fit(make_plan(std::move(definition), std::move(problems)), {0}, 1, 1e12);
  };
  // Inputs, and as many targets.
  constexpr double kBytes = 2 * kFeatures * sizeof(float);
  const MemoryFit in_memory = fit_of("");
  EXPECT_EQ(in_memory.data, kRows * kBytes);
  const MemoryFit streamed = fit_of("stream = true\nblock = 500\nwindow = 4\n");
  EXPECT_EQ(streamed.data, kRows * 16) << "where the examples stand; all parts are streamed";
  EXPECT_EQ(streamed.runs[0] - in_memory.runs[0],
            (2 * (2000 + 128) + 3 * 500) * kBytes + 20 * 2000);
  const MemoryFit wide = fit_of("stream = true\nblock = 500\nwindow = 10\n");
  EXPECT_EQ(wide.data - streamed.data, 5000 * kBytes) << "the validation examples are in memory";
}

}  // namespace
}  // namespace plumbline
