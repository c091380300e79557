// SPDX-License-Identifier: Apache-2.0
#include "engine/datasets/data_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::Each;

// A source with options, as [data] has them; throws DefinitionError.
std::shared_ptr<const DataSource> source_of(const std::string& name,
                                            const std::vector<Setting>& settings) {
  const SettingsTable table = settings_table(settings);
  SettingsReport report;
  Settings reader(table, "", report);
  auto source = with_options(dataset_catalogue().find(name)->make(reader), reader);
  reader.finish();
  if (!report.problems.empty()) throw DefinitionError(report.problems);
  return source;
}

Dataset optioned(const std::string& name, const std::vector<Setting>& settings) {
  return source_of(name, settings)->load({});
}

// 1,000 points of 4 classes and 20 features, and 200 to validate.
std::vector<Setting> points(std::vector<Setting> more) {
  more.emplace_back("train", node(1000));
  more.emplace_back("test", node(100));
  return more;
}

TEST(DataOptionsTest, LeaveTheSourceItselfAtTheirDefaults) {
  const SettingsTable table;
  SettingsReport report;
  Settings reader(table, "data", report);
  const std::shared_ptr<const DataSource> source = dataset_catalogue().find("digits")->make(reader);
  const std::size_t own = report.resolved.size();
  EXPECT_EQ(with_options(source, reader), source);
  ASSERT_EQ(report.resolved.size(), own + 6);
  for (std::size_t i = own; i < own + 6; ++i) {
    EXPECT_TRUE(report.resolved[i].restates) << report.resolved[i].key << " would change run ids";
  }
  EXPECT_EQ(with_options(nullptr, reader), nullptr);
}

TEST(DataOptionsTest, HaveASeedOfTheirOwnBesideASourceThatDrawsNothing) {
  std::vector<Setting> noisy = {{"input_noise", node(1.0)}};
  const Dataset first = optioned("xor", noisy);
  noisy.emplace_back("split_seed", node(3));
  EXPECT_NE(rows_of(optioned("xor", noisy).train), rows_of(first.train));
}

TEST(LabelFractionTest, KeepsItsShareOfEachClassAndNothingElseChanges) {
  const auto source = source_of("gaussian_mixture", points({{"label_fraction", node(0.13)}}));
  EXPECT_EQ(source->sizes().train, 130U);
  EXPECT_EQ(source->sizes().valid, 200U);
  const Dataset cut = source->load({});
  const Dataset whole = load("gaussian_mixture", points({}));
  ASSERT_EQ(cut.train.size(), 130U);
  EXPECT_EQ(rows_of(cut.valid), rows_of(whole.valid));
  EXPECT_EQ(rows_of(cut.test), rows_of(whole.test));
  const std::vector<int> before = class_counts(whole.train, 4);
  const std::vector<int> after = class_counts(cut.train, 4);
  for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(after[c], 0.13 * before[c], 1) << c;
  // Those that are left stand in their order.
  const auto all = rows_of(whole.train);
  auto next = all.begin();
  for (const auto& row : rows_of(cut.train)) {
    next = std::find(next, all.end(), row);
    ASSERT_NE(next, all.end());
    ++next;
  }
}

TEST(LabelFractionTest, TakesExamplesFromTheWholeSet) {
  const Dataset cut = optioned("gaussian_mixture", points({{"label_fraction", node(0.5)}}));
  const auto all = rows_of(load("gaussian_mixture", points({})).train);
  const auto kept = rows_of(cut.train);
  const auto last = std::ranges::find(all, kept.back()) - all.begin();
  // The last of 500 of 1,000 is behind place 980 but with a chance of 2^-20.
  EXPECT_GT(last, 980);
  EXPECT_NE(rows_of(optioned("gaussian_mixture",
                             points({{"label_fraction", node(0.5)}, {"split_seed", node(1)}}))
                        .train),
            kept);
}

TEST(LabelFractionTest, KeepsOneExampleAtLeast) {
  const Dataset cut = optioned("gaussian_mixture", points({{"label_fraction", node(1e-9)}}));
  EXPECT_EQ(cut.train.size(), 1U);
}

TEST(LabelNoiseTest, ChangesItsShareOfTheTrainingLabelsToAnyOtherClass) {
  constexpr std::size_t kExamples = 4000;
  const std::vector<Setting> whole = {{"train", node(kExamples)}};
  const Dataset clean = load("gaussian_mixture", whole);
  std::vector<Setting> settings = whole;
  settings.emplace_back("label_noise", node(0.3));
  const Dataset noisy = optioned("gaussian_mixture", settings);
  EXPECT_EQ(noisy.train.inputs, clean.train.inputs);
  EXPECT_EQ(rows_of(noisy.valid), rows_of(clean.valid));
  std::vector<int> moves(4);
  for (std::size_t i = 0; i < kExamples; ++i) {
    ++moves[static_cast<std::size_t>((noisy.train.labels[i] - clean.train.labels[i] + 4) % 4)];
  }
  EXPECT_EQ(moves[0], 2800) << "0.7 of 4,000 stay";
  // 400 of 1,200 for each of three others: a deviation of 16.
  for (std::size_t by = 1; by < 4; ++by) EXPECT_NEAR(moves[by], 400, 4 * 16) << by;
}

TEST(LabelNoiseTest, OfOneLeavesNoLabelAsItWas) {
  const Dataset clean = load("parity");
  const Dataset noisy = optioned("parity", {{"label_noise", node(1)}});
  for (std::size_t i = 0; i < clean.train.size(); ++i) {
    EXPECT_EQ(noisy.train.labels[i], 1 - clean.train.labels[i]);
  }
}

TEST(InputNoiseTest, MovesTheTrainingInputsByItsDeviationAndNothingElse) {
  const Dataset clean = load("digits");
  const Dataset noisy = optioned("digits", {{"input_noise", node(0.25)}});
  EXPECT_EQ(noisy.train.labels, clean.train.labels);
  EXPECT_EQ(rows_of(noisy.valid), rows_of(clean.valid));
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < clean.train.inputs.size(); ++i) {
    const double step = static_cast<double>(noisy.train.inputs.data()[i]) -
                        static_cast<double>(clean.train.inputs.data()[i]);
    sum += step;
    squares += step * step;
  }
  // 96,000 normal numbers: standard errors of the mean 0.25 / sqrt(n) and of the variance sqrt(2 / n).
  constexpr double kNumbers = 1500 * 64;
  EXPECT_NEAR(sum / kNumbers, 0, 4 * 0.25 / std::sqrt(kNumbers));
  EXPECT_NEAR(squares / kNumbers / 0.0625, 1, 4 * std::sqrt(2 / kNumbers));
}

TEST(StandardizeTest, GivesEachFeatureMeanZeroAndVarianceOneOverTheTrainingSet) {
  const Dataset data = optioned("digits", {{"standardize", node(true)}});
  const Dataset raw = load("digits");
  int constant = 0;
  for (std::size_t j = 0; j < 64; ++j) {
    double sum = 0;
    double squares = 0;
    bool varies = false;
    for (std::size_t i = 0; i < 1500; ++i) {
      const auto x = static_cast<double>(data.train.inputs(i, j));
      sum += x;
      squares += x * x;
      varies = varies || raw.train.inputs(i, j) != raw.train.inputs(0, j);
    }
    // Each of 1,500 values is rounded by 2^-24 of its size, some of which are 30.
    constexpr double kRounding = 2e-6;
    EXPECT_NEAR(sum / 1500, 0, kRounding) << j;
    EXPECT_NEAR(squares / 1500, varies ? 1 : 0, 2 * kRounding) << j;
    if (!varies) ++constant;
  }
  EXPECT_GT(constant, 0) << "the corners of the digits are black";
}

TEST(StandardizeTest, MapsTheOtherPartsAsTheTrainingSet) {
  const std::vector<Setting> sizes = {{"train", node(30)}, {"valid", node(20)}, {"test", node(10)}};
  std::vector<Setting> settings = sizes;
  settings.emplace_back("standardize", node(true));
  const Dataset data = optioned("teacher_student", settings);
  const Dataset raw = load("teacher_student", sizes);
  EXPECT_EQ(data.valid.values, raw.valid.values) << "targets stay";
  for (std::size_t j = 0; j < data.features; ++j) {
    // The line through two training points.
    const auto raw_x = [&](std::size_t i) { return static_cast<double>(raw.train.inputs(i, j)); };
    const auto x = [&](std::size_t i) { return static_cast<double>(data.train.inputs(i, j)); };
    const double slope = (x(1) - x(0)) / (raw_x(1) - raw_x(0));
    for (const auto& [mapped, plain] :
         {std::pair(&data.valid, &raw.valid), std::pair(&data.test, &raw.test)}) {
      for (std::size_t i = 0; i < mapped->size(); ++i) {
        const double expected =
            x(0) + slope * (static_cast<double>(plain->inputs(i, j)) - raw_x(0));
        // Two points may be near each other: a relative error of 1e-7 over their distance.
        EXPECT_NEAR(mapped->inputs(i, j), expected, 1e-5 / std::abs(raw_x(1) - raw_x(0)));
      }
    }
  }
}

TEST(StandardizeTest, LeavesAFeatureAtZeroThatIsConstantInTrainingAlone) {
  // With one training example every feature is constant.
  const Dataset data = optioned("digits", {{"train", node(1)}, {"standardize", node(true)}});
  EXPECT_THAT(std::vector<float>(data.train.inputs.begin(), data.train.inputs.end()), Each(0.0F));
  EXPECT_THAT(std::vector<float>(data.valid.inputs.begin(), data.valid.inputs.end()), Each(0.0F));
}

TEST(AutoencodeTest, MakesTheInputsTheTargets) {
  const auto source = source_of("digits", {{"autoencode", node(true)}});
  EXPECT_FALSE(source->has_labels());
  EXPECT_EQ(source->outputs(), 64U);
  EXPECT_EQ(to_string(source->shape()), "1 x 8 x 8");
  const Dataset data = source->load({});
  EXPECT_FALSE(data.has_labels);
  EXPECT_EQ(data.outputs, 64U);
  EXPECT_TRUE(data.train.labels.empty());
  EXPECT_EQ(data.train.values, data.train.inputs);
  EXPECT_EQ(data.valid.values, data.valid.inputs);
  EXPECT_EQ(data.train.inputs, load("digits").train.inputs);
}

TEST(AutoencodeTest, MakesOneRowOfTheStepsOfASequence) {
  const auto source = source_of(
      "copy_memory",
      {{"train", node(5)}, {"valid", node(0)}, {"delay", node(3)}, {"autoencode", node(true)}});
  EXPECT_EQ(source->target_steps(), 1U);
  EXPECT_EQ(source->outputs(), 230U);
  EXPECT_EQ(source->load({}).train.values.shape()[1], 230U);
}

TEST(AutoencodeTest, KeepsNoiseOutOfTheTargetsAndStandardizesThem) {
  const Dataset data = optioned(
      "digits",
      {{"autoencode", node(true)}, {"standardize", node(true)}, {"input_noise", node(0.5)}});
  const Dataset standardized = optioned("digits", {{"standardize", node(true)}});
  EXPECT_EQ(data.train.values, standardized.train.inputs);
  EXPECT_NE(data.train.inputs, standardized.train.inputs);
  EXPECT_EQ(data.valid.inputs, standardized.valid.inputs);
}

TEST(DataOptionsTest, RefuseLabelOptionsWhereThereIsNotOneLabelAnExample) {
  const auto message = [](const char* name, const char* option) {
    return definition_error([&] { source_of(name, {{option, node(0.5)}}); });
  };
  for (const char* option : {"label_fraction", "label_noise"}) {
    const std::string start = ": '" + std::string(option) + "' needs ";
    EXPECT_EQ(message("teacher_student", option), start + "classes, and the data have values");
    EXPECT_EQ(message("copy_memory", option),
              start + "one label an example, and the data have one at each step");
    EXPECT_EQ(message("digits", option), "");
  }
}

}  // namespace
}  // namespace plumbline
