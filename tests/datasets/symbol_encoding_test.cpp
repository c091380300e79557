// SPDX-License-Identifier: Apache-2.0
// Every source of symbols: the indices of encoding = "index" are where the one-hot vectors have their 1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "engine/datasets/data_options.hpp"
#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

struct SourceCase {
  std::string name;
  std::size_t symbols = 0;
  bool padded = false;
};

class SymbolEncodingTest : public testing::TestWithParam<SourceCase> {
 protected:
  Dataset loaded(const char* encoding) const {
    std::vector<Setting> settings;
    if (encoding != nullptr) settings.emplace_back("encoding", node(encoding));
    if (GetParam().name == "text") {
      const std::string text = "the cat sat on the mat and that was that";
      settings.emplace_back("file",
                            node(folder_.write("t.txt", {text.begin(), text.end()}).string()));
      settings.emplace_back("steps", node(3));
    } else {
      settings.emplace_back("train", node(60));
    }
    return load(GetParam().name, settings);
  }

  DataFolder folder_;
};

TEST_P(SymbolEncodingTest, HasIndicesWhereOneHotVectorsHaveTheirOne) {
  const auto& [name, symbols, padded] = GetParam();
  const Dataset one_hot = loaded("one_hot");
  const Dataset index = loaded("index");
  const std::size_t steps = one_hot.shape.steps;
  EXPECT_EQ(one_hot.shape, Shape::sequence(steps, symbols));
  EXPECT_EQ(index.shape, Shape::symbol_rows(steps, 1, symbols + (padded ? 1 : 0)));
  EXPECT_EQ(index.features, steps);
  EXPECT_EQ(index.train.labels, one_hot.train.labels);
  ASSERT_EQ(index.train.size(), one_hot.train.size());
  ASSERT_GT(index.train.size(), 0U);
  std::vector<int> seen(symbols + 1);
  for (std::size_t i = 0; i < index.train.size(); ++i) {
    for (std::size_t t = 0; t < steps; ++t) {
      const float* row = &one_hot.train.inputs(i, t * symbols);
      const auto where = static_cast<std::size_t>(std::find(row, row + symbols, 1.0F) - row);
      EXPECT_EQ(std::count(row, row + symbols, 0.0F) + (where < symbols ? 1 : 0),
                static_cast<std::ptrdiff_t>(symbols));
      EXPECT_EQ(index.train.inputs(i, t), static_cast<float>(where)) << i << ' ' << t;
      ++seen.at(where);
    }
  }
  for (std::size_t s = 0; s < symbols; ++s) EXPECT_GT(seen[s], 0) << s;
  EXPECT_EQ(seen[symbols] > 0, padded);
}

TEST_P(SymbolEncodingTest, IsOneHotUnlessToldOtherwise) {
  EXPECT_EQ(loaded(nullptr).train.inputs, loaded("one_hot").train.inputs);
}

INSTANTIATE_TEST_SUITE_P(All, SymbolEncodingTest,
                         testing::Values(SourceCase{"temporal_order", 8},
                                         SourceCase{"copy_memory", 10}, SourceCase{"text", 12},
                                         SourceCase{"reber", 7, true},
                                         SourceCase{"embedded_reber", 7, true}),
                         [](const auto& instance) { return instance.param.name; });

// A csv file of whole numbers in its two inputs.
class SymbolsOptionTest : public testing::Test {
 protected:
  std::shared_ptr<const DataSource> source(const std::string& rows,
                                           std::vector<Setting> more = {}) const {
    const std::string text = "a,b,class\n" + rows;
    more.emplace_back("file", node(folder_.write("t.csv", {text.begin(), text.end()}).string()));
    more.emplace_back("label", node("class"));
    const SettingsTable table = settings_table(more);
    SettingsReport report;
    Settings reader(table, "data", report);
    auto made = with_options(dataset_catalogue().find("csv")->make(reader), reader);
    reader.finish();
    if (!report.problems.empty()) throw DefinitionError(report.problems);
    return made;
  }

  DataFolder folder_;
};

TEST_F(SymbolsOptionTest, MakesSymbolsOfTheInputsOfAnySource) {
  const auto made = source("0,2,x\n1,0,y\n", {{"symbols", node(3)}});
  EXPECT_EQ(made->shape(), Shape::symbol_rows(1, 2, 3));
  const Dataset data = made->load({});
  EXPECT_EQ(data.shape, made->shape());
  EXPECT_EQ(data.train.size(), 2U);
}

TEST_F(SymbolsOptionTest, NamesTheFirstInputOfAFileThatIsNoSymbolWhereTheDefinitionIsRead) {
  for (const std::string wrong : {"3", "-1", "0.5"}) {
    EXPECT_THAT(definition_error(
                    [&] { source("0,2,x\n1," + wrong + ",y\n1,7,y\n", {{"symbols", node(3)}}); }),
                testing::HasSubstr(":3:3: '" + wrong +
                                   "' in column 'b' is no symbol; with symbols = 3 it is a whole "
                                   "number from 0 to 2"));
  }
}

// Of examples that are made, or in no file of the user's own.
TEST_F(SymbolsOptionTest, NamesTheFirstInputThatIsNoSymbolWhereTheExamplesAreLoaded) {
  const SettingsTable table = settings_table({{"symbols", node(1)}});
  SettingsReport report;
  Settings reader(table, "data", report);
  const auto made = with_options(dataset_catalogue().find("parity")->make(reader), reader);
  reader.finish();
  ASSERT_TRUE(report.problems.empty());
  try {
    made->load({});
    ADD_FAILURE() << "passed";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(),
                testing::MatchesRegex("data: input [0-9]+ of training example [0-9]+ is -?1; with "
                                      "symbols = 1 it is a whole number from 0 to 0"));
  }
}

TEST_F(SymbolsOptionTest, RefusesOptionsForNumbers) {
  for (const char* option : {"standardize", "autoencode"}) {
    EXPECT_THAT(definition_error([&] {
                  source("0,2,x\n1,0,y\n", {{"symbols", node(3)}, {option, node(true)}});
                }),
                testing::HasSubstr("'data." + std::string(option) +
                                   "' needs inputs that are numbers, and the data have symbols"));
  }
  EXPECT_THAT(definition_error([&] {
                source("0,2,x\n1,0,y\n", {{"symbols", node(3)}, {"input_noise", node(0.1)}});
              }),
              testing::HasSubstr("'data.input_noise' needs inputs that are numbers"));
}

}  // namespace
}  // namespace plumbline
