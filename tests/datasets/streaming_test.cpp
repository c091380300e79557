// SPDX-License-Identifier: Apache-2.0
// Streamed parts of HDF5 files: the same examples in the same places as in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "engine/core/random.hpp"
#include "engine/datasets/data_options.hpp"
#include "engine/datasets/examples.hpp"
#include "engine/datasets/stoppable_load.hpp"
#include "tests/core/hdf5_file.hpp"
#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

constexpr std::size_t kRows = 103;
constexpr std::size_t kFeatures = 3;  // odd: noise comes in pairs

class StreamingTest : public testing::Test {
 protected:
  StreamingTest() {
    Hdf5File file(path());
    std::vector<double> inputs;
    std::vector<double> labels;
    for (std::size_t i = 0; i < kRows * kFeatures; ++i) {
      inputs.push_back(i % kFeatures == 2 ? 7 : std::sin(static_cast<double>(i)));
    }
    for (std::size_t i = 0; i < kRows; ++i) labels.push_back(static_cast<double>(i * i % 5));
    // 0, 1, 4, 4, 1: classes 2 and 3 have one example each.
    labels[50] = 2;
    labels[51] = 3;
    file.add("inputs", {kRows, kFeatures}, inputs, H5T_IEEE_F32LE);
    file.add("labels", {kRows}, labels, H5T_STD_U8LE);
    file.add("more", {20, kFeatures}, std::vector<double>(20 * kFeatures, 1));
    file.add("more_labels", {20}, std::vector<double>(20, 4), H5T_STD_U8LE);
    std::vector<double> symbols(kRows * kFeatures, 2);
    file.add("symbols", {kRows, kFeatures}, symbols);
    symbols.resize(30 * kFeatures);
    symbols.back() = 7;
    file.add("late", {30, kFeatures}, symbols);
    file.add("late_labels", {30}, std::vector<double>(30, 4), H5T_STD_U8LE);
  }

  std::filesystem::path path() const { return folder_.path() / "own.h5"; }
  // With the options that every source has.
  std::shared_ptr<const DataSource> source(std::vector<Setting> settings) const {
    settings.emplace_back("file", node(path().string()));
    const SettingsTable table = settings_table(settings);
    SettingsReport report;
    Settings own(table, "", report);
    auto made = with_options(dataset_catalogue().find("hdf5")->make(own), own);
    own.finish();
    if (!report.problems.empty()) throw DefinitionError(report.problems);
    return made;
  }
  Dataset read(const std::vector<Setting>& settings) const { return source(settings)->load({}); }
  std::string refusal(const std::vector<Setting>& settings) const {
    return definition_error([&] { source(settings); });
  }

  DataFolder folder_;
};

std::vector<Setting> and_streamed(std::vector<Setting> settings, int block, int window) {
  settings.emplace_back("stream", node(true));
  settings.emplace_back("block", node(block));
  settings.emplace_back("window", node(window));
  return settings;
}

void expect_equal(const Examples& streamed, const Examples& in_memory, const std::string& what) {
  EXPECT_EQ(streamed.inputs, in_memory.inputs) << what;
  EXPECT_EQ(streamed.labels, in_memory.labels) << what;
  ASSERT_EQ(streamed.values.shape()[0], in_memory.values.shape()[0]) << what;
  if (in_memory.values.shape()[0] > 0) {
    EXPECT_EQ(streamed.values, in_memory.values) << what;
  }
}

TEST_F(StreamingTest, FindsAnInputThatIsNoSymbolWhereTheDefinitionIsRead) {
  EXPECT_THAT(refusal(and_streamed({{"inputs", node("symbols")},
                                    {"test_inputs", node("late")},
                                    {"test_targets", node("late_labels")},
                                    {"symbols", node(3)}},
                                   5, 2)),
              testing::EndsWith(": 'late' holds 7 in row 29; with symbols = 3 it is a whole number "
                                "from 0 to 2"));
}

// Here while the means are found.
TEST_F(StreamingTest, EndsAPassOverTheFileWhereItsLoadIsStopped) {
  const auto made = source(and_streamed({{"standardize", node(true)}}, 5, 2));
  std::atomic<bool> stop = true;
  {
    const StoppableLoad stoppable(stop);
    EXPECT_THROW(made->load({}), LoadStopped);
    stop = false;
    EXPECT_NO_THROW(made->load({}));
    stop = true;
  }
  EXPECT_NO_THROW(made->load({})) << "which nothing stops";
}

TEST_F(StreamingTest, HasTheExamplesOfMemoryInTheirPlacesWithEveryOption) {
  const std::vector<std::vector<Setting>> options = {
      {},
      {{"train", node(50)}},
      {{"valid", node(20)}, {"test", node(30)}, {"split_seed", node(3)}},
      {{"label_fraction", node(0.4)}},
      {{"label_noise", node(0.3)}, {"split_seed", node(9)}},
      {{"label_fraction", node(0.5)}, {"label_noise", node(0.5)}, {"input_noise", node(0.1)}},
      {{"autoencode", node(true)}, {"input_noise", node(0.2)}, {"valid", node(20)}},
      {{"labels", node("")}, {"test", node(40)}},
      {{"valid_inputs", node("more")}, {"valid_targets", node("more_labels")}},
      {{"valid_inputs", node("more")},
       {"valid_targets", node("more_labels")},
       {"valid", node(11)}}};
  for (const std::vector<Setting>& some : options) {
    const Dataset in_memory = read(some);
    for (const int block : {1, 10, 103, 1000}) {
      const std::string what =
          (some.empty() ? "" : some.front().first) + ", block " + std::to_string(block);
      const Dataset data = read(and_streamed(some, block, 1));
      ASSERT_NE(data.streamed.train, nullptr);
      EXPECT_EQ(data.train.size(), 0U);
      EXPECT_EQ(data.streamed.train->size(), in_memory.train.size());
      expect_equal(held(*data.streamed.train), in_memory.train, what);
      EXPECT_EQ(data.outputs, in_memory.outputs);
      EXPECT_EQ(data.has_labels, in_memory.has_labels);
      const auto check = [&](const auto& stream, const Examples& part, const Examples& expected) {
        const bool is_large = expected.size() > static_cast<std::size_t>(block);
        ASSERT_EQ(stream != nullptr, is_large) << what;
        if (expected.size() > 0) expect_equal(is_large ? held(*stream) : part, expected, what);
      };
      check(data.streamed.valid, data.valid, in_memory.valid);
      check(data.streamed.test, data.test, in_memory.test);
    }
  }
}

// One sequence of draws over all training inputs, wherever a block begins.
TEST_F(StreamingTest, DrawsTheNoiseOfAllInputsFromOneSequence) {
  const std::vector<Setting> noisy = {{"input_noise", node(0.5)}, {"split_seed", node(3)}};
  const Examples clean = read({{"split_seed", node(3)}}).train;
  const Examples noise = held(*read(and_streamed(noisy, 10, 1)).streamed.train);
  constexpr std::uint32_t kNoisyInputs = (1U << 16) + 2;
  Random random(3, RandomStream::data, kNoisyInputs);
  for (std::size_t i = 0; i < clean.inputs.size(); ++i) {
    const double x = static_cast<double>(clean.inputs.data()[i]);
    ASSERT_EQ(noise.inputs.data()[i], static_cast<float>(x + 0.5 * random.normal())) << i;
  }
}

TEST_F(StreamingTest, StandardizesByTheMapOfMemoryUpToRounding) {
  const std::vector<Setting> some = {{"standardize", node(true)}, {"valid", node(20)}};
  const Dataset in_memory = read(some);
  // Bit by bit where the file is one block, as then nothing is joined.
  expect_equal(held(*read(and_streamed(some, 103, 1)).streamed.train), in_memory.train,
               "one block");
  const Dataset data = read(and_streamed(some, 10, 1));
  const Examples streamed = held(*data.streamed.train);
  const Examples valid = held(*data.streamed.valid);
  // Mean and deviation differ by some ulp of a double, which moves the value, rounded to single
  // precision, by one ulp of that at most.
  constexpr float kUlp = 1.2e-7F;
  const auto compare = [](const Examples& one, const Examples& other) {
    ASSERT_EQ(one.inputs.shape(), other.inputs.shape());
    for (std::size_t i = 0; i < one.inputs.size(); ++i) {
      const float x = other.inputs.data()[i];
      EXPECT_NEAR(one.inputs.data()[i], x, kUlp * std::max(1.0F, std::abs(x)));
    }
  };
  compare(streamed, in_memory.train);
  compare(valid, in_memory.valid);
  for (std::size_t i = 0; i < streamed.size(); ++i) {
    ASSERT_EQ(streamed.inputs(i, 2), 0) << "a constant feature";
  }
}

TEST_F(StreamingTest, HasBlocksOfFourMegabytesWhereNoneAreGiven) {
  const auto data = source({{"stream", node(true)}});
  EXPECT_EQ(data->window(), 16 * ((1U << 20) / kFeatures));
  EXPECT_EQ(source({})->window(), 0U);
  EXPECT_EQ(source(and_streamed({{"label_noise", node(0.1)}}, 10, 3))->window(), 30U);
}

TEST_F(StreamingTest, RefusesASizeOfBlocksWithoutStreaming) {
  EXPECT_EQ(refusal({{"block", node(10)}}), ": 'block' is given without 'stream = true'");
  EXPECT_EQ(refusal({{"window", node(3)}, {"stream", node(false)}}),
            ": 'window' is given without 'stream = true'");
}

TEST_F(StreamingTest, IsPartOfWhatARunIsOnlyWhereItStreams) {
  const auto identity = [&](std::vector<Setting> settings) {
    settings.emplace_back("file", node(path().string()));
    const SettingsTable table = settings_table(settings);
    SettingsReport report;
    Settings own(table, "", report);
    dataset_catalogue().find("hdf5")->make(own);
    std::vector<std::string> names;
    for (const ResolvedSetting& setting : report.resolved) {
      if (!setting.restates) names.push_back(setting.key + " " + to_string(setting.value));
    }
    return names;
  };
  const auto in_memory = identity({});
  EXPECT_THAT(in_memory, testing::Not(testing::Contains(testing::HasSubstr("stream"))));
  EXPECT_THAT(in_memory, testing::Not(testing::Contains(testing::HasSubstr("block"))));
  const auto streamed = identity(and_streamed({}, 10, 3));
  EXPECT_THAT(streamed, testing::IsSupersetOf({"stream true", "block 10", "window 3"}));
}

TEST_F(StreamingTest, RefusesAFileThatChangedSinceItWasChecked) {
  const auto data = source(and_streamed({}, 10, 1));
  const Dataset loaded = data->load({});
  loaded.streamed.train->read(0);
  std::filesystem::last_write_time(
      path(), std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  const std::string changed = path().string() + ": has changed since it was checked";
  EXPECT_EQ(environment_error([&] { loaded.streamed.train->read(0); }), changed);
  EXPECT_EQ(environment_error([&] { data->load({}); }), changed);
}

// What is wrong with a file is said when the definition is read, streamed or not.
TEST_F(StreamingTest, RefusesBadFilesInTheSameWords) {
  const auto both = [&](const std::vector<Setting>& settings) {
    const std::string in_memory = refusal(settings);
    EXPECT_NE(in_memory, "");
    EXPECT_EQ(refusal(and_streamed(settings, 1, 1)), in_memory);
  };
  {
    Hdf5File file(path());
    file.add("inputs", {3, 2}, {0, 1, 2, std::nan(""), 4, 5});
    file.add("labels", {3}, {0, 1, 3}, H5T_STD_U8LE);
    file.add("fewer", {2}, {0, 1}, H5T_STD_U8LE);
    file.add("floats", {3}, {0, 1, 0});
    file.add("whole", {3, 2}, {0, 1, 2, 3, 4, 5});
    file.add("deep", {1, 1, 1, 1, 1, 1}, {0});
    file.add_text("text");
  }
  both({{"labels", node("")}});                                   // not a number
  both({{"inputs", node("whole")}});                              // no example of class 2
  both({{"inputs", node("whole")}, {"labels", node("fewer")}});   // counts
  both({{"inputs", node("whole")}, {"labels", node("floats")}});  // type
  both({{"inputs", node("deep")}, {"labels", node("")}});         // shape
  both({{"inputs", node("text")}, {"labels", node("")}});         // type
  both({{"inputs", node("absent")}, {"labels", node("")}});
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) / 2);
  both({});  // truncated
  std::filesystem::remove(path());
  both({});  // missing
}

}  // namespace
}  // namespace plumbline
