// SPDX-License-Identifier: Apache-2.0
// The sets that are made and not read: what holds for all of them; two_spirals, xor, gaussian_mixture,
// teacher_student.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Values of order 1, rounded to single precision.
constexpr double kFloat = 2e-7;

class GeneratedSetTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Of, GeneratedSetTest,
                         testing::Values("adding_problem", "chebyshev", "copy_memory", "curves",
                                         "embedded_reber", "gaussian_mixture", "mirror_symmetry",
                                         "parity", "reber", "shapes", "teacher_student",
                                         "temporal_order", "tic_tac_toe", "two_spirals"),
                         [](const auto& param_info) { return std::string(param_info.param); });

// Few examples, of a set that has enough.
std::vector<Setting> sizes(const std::string& name, int train, int valid, int test) {
  std::vector<Setting> settings = {
      {"train", node(train)}, {"valid", node(valid)}, {"test", node(test)}};
  if (name == "mirror_symmetry") settings.emplace_back("bits", node(9));
  return settings;
}

TEST_P(GeneratedSetTest, IsMadeBySplitSeedAlone) {
  std::vector<Setting> first = sizes(GetParam(), 100, 40, 0);
  std::vector<Setting> second = first;
  first.emplace_back("split_seed", node(7));
  second.emplace_back("split_seed", node(8));
  const Dataset data = load(GetParam(), first);
  EXPECT_EQ(data.valid.size(), 40U);
  EXPECT_EQ(rows_of(load(GetParam(), first).train), rows_of(data.train));
  EXPECT_EQ(rows_of(load(GetParam(), first).valid), rows_of(data.valid));
  EXPECT_NE(rows_of(load(GetParam(), second).train), rows_of(data.train));
}

TEST_P(GeneratedSetTest, DealsTheSamePointsHoweverManyGoToValidation) {
  EXPECT_EQ(dealt(load(GetParam(), sizes(GetParam(), 100, 50, 0))),
            dealt(load(GetParam(), sizes(GetParam(), 150, 0, 0))));
}

TEST_P(GeneratedSetTest, DealsTestExamplesFromTheSamePointsBehindTheOthers) {
  const Dataset two = load(GetParam(), sizes(GetParam(), 100, 50, 0));
  const Dataset three = load(GetParam(), sizes(GetParam(), 100, 20, 30));
  EXPECT_EQ(rows_of(three.train), rows_of(two.train));
  EXPECT_EQ(three.test.size(), 30U);
  EXPECT_EQ(dealt(three), dealt(two));
}

TEST(TwoSpiralsTest, ArePointsOfTwoArmsOfThreeTurns) {
  const Dataset data = load("two_spirals");
  ASSERT_EQ(data.train.size(), 194U);
  EXPECT_THAT(class_counts(data.train, 2), ElementsAre(97, 97));
  // Point k of 97 on arm 0: r (sin, cos)(6 pi s), s = k / 96, r = 1 - s (1 - 1/16.25).
  std::vector<bool> seen(97);
  for (std::size_t i = 0; i < 194; ++i) {
    const double sign = data.train.labels[i] == 0 ? 1 : -1;
    const double x = sign * static_cast<double>(data.train.inputs(i, 0));
    const double y = sign * static_cast<double>(data.train.inputs(i, 1));
    const double radius = std::hypot(x, y);
    const double s = (1 - radius) / (1 - 1 / 16.25);
    const auto k = static_cast<std::size_t>(std::llround(96 * s));
    EXPECT_NEAR(96 * s, static_cast<double>(k), 96 * 2 * kFloat);
    const double angle = 6 * std::numbers::pi * static_cast<double>(k) / 96;
    EXPECT_NEAR(x, radius * std::sin(angle), kFloat);
    EXPECT_NEAR(y, radius * std::cos(angle), kFloat);
    if (sign > 0) seen.at(k) = true;
  }
  EXPECT_EQ(std::ranges::count(seen, true), 97);
}

TEST(TwoSpiralsTest, AreMovedByNoiseOfTheGivenDeviation) {
  const std::vector<Setting> all = {{"train", node(4000)}, {"noise", node(0.0)}};
  const std::vector<Setting> noisy = {{"train", node(4000)}, {"noise", node(0.05)}};
  const Dataset clean = load("two_spirals", all);
  const Dataset moved = load("two_spirals", noisy);
  double sum = 0;
  for (std::size_t i = 0; i < 8000; ++i) {
    const double step = static_cast<double>(moved.train.inputs.data()[i]) -
                        static_cast<double>(clean.train.inputs.data()[i]);
    sum += step * step;
  }
  // 8,000 squares have a standard error of sqrt(2 / 8000) = 1.6 %: four of them.
  EXPECT_NEAR(sum / 8000 / (0.05 * 0.05), 1, 0.064);
}

TEST(XorTest, IsTheFourPairsWithTheirExclusiveOr) {
  const Dataset data = load("xor");
  EXPECT_EQ(data.features, 2U);
  EXPECT_EQ(data.outputs, 2U);
  EXPECT_THAT(rows_of(data.train),
              testing::UnorderedElementsAre(ElementsAre(0, 0, 0), ElementsAre(0, 1, 1),
                                            ElementsAre(1, 0, 1), ElementsAre(1, 1, 0)));
  EXPECT_EQ(data.valid.size(), 0U);
  EXPECT_EQ(data.test.size(), 0U);
}

TEST(GaussianMixtureTest, HasPointsOfUnitVarianceAroundOneCentreAClass) {
  constexpr std::size_t kClasses = 3;
  constexpr std::size_t kFeatures = 5;
  constexpr std::size_t kPoints = 6000;
  const Dataset data = load("gaussian_mixture", {{"train", node(kPoints)},
                                                 {"valid", node(0)},
                                                 {"classes", node(kClasses)},
                                                 {"features", node(kFeatures)},
                                                 {"separation", node(10.0)}});
  EXPECT_THAT(class_counts(data.train, kClasses), ElementsAre(2000, 2000, 2000));
  double centre_square = 0;
  for (std::size_t label = 0; label < kClasses; ++label) {
    for (std::size_t j = 0; j < kFeatures; ++j) {
      double sum = 0;
      double squares = 0;
      for (std::size_t i = 0; i < kPoints; ++i) {
        if (data.train.labels[i] != static_cast<std::int32_t>(label)) continue;
        const auto x = static_cast<double>(data.train.inputs(i, j));
        sum += x;
        squares += x * x;
      }
      const double mean = sum / 2000;
      // The variance of 2,000 normal numbers has a standard error of sqrt(2 / 2000) = 3.2 %.
      EXPECT_NEAR(squares / 2000 - mean * mean, 1, 4 * 0.032) << label << ", " << j;
      centre_square += mean * mean;
    }
  }
  // 15 coordinates of N(0, 10^2): their mean square has a standard error of sqrt(2 / 15) = 37 %.
  EXPECT_NEAR(centre_square / 15 / 100, 1, 3 * 0.37);
  EXPECT_GT(centre_square / 15, 10) << "without separation it would be 0";
}

TEST(GaussianMixtureTest, WithoutSeparationHasAllCentresAtTheOrigin) {
  const Dataset data = load("gaussian_mixture", {{"train", node(20000)}, {"separation", node(0)}});
  double sum = 0;
  for (const float x : data.train.inputs) sum += static_cast<double>(x);
  // 400,000 values of unit variance: a standard error of 0.0016.
  EXPECT_NEAR(sum / 400000, 0, 4 * 0.0016);
}

TEST(TeacherStudentTest, HasTargetsOfTheVarianceOfAWideTeacher) {
  // With many hidden units and features, V tanh(W x) has variance E[tanh(u)^2], u ~ N(0, 1), which is
  // 0.3943 (the trapezoidal rule).
  double expected = 0;
  for (int i = -800; i <= 800; ++i) {
    const double u = 0.01 * i;
    expected +=
        0.01 * std::exp(-u * u / 2) / std::sqrt(2 * std::numbers::pi) * std::pow(std::tanh(u), 2);
  }
  const Dataset data = load("teacher_student", {{"train", node(500)},
                                                {"valid", node(0)},
                                                {"features", node(100)},
                                                {"hidden", node(200)},
                                                {"outputs", node(40)}});
  EXPECT_FALSE(data.has_labels);
  EXPECT_EQ(data.outputs, 40U);
  EXPECT_TRUE(data.train.labels.empty());
  ASSERT_EQ(data.train.values.shape()[0], 500U);
  double squares = 0;
  for (const float t : data.train.values)
    squares += static_cast<double>(t) * static_cast<double>(t);
  // Each of 40 outputs has a variance of relative spread sqrt(2 / 200): 1.6 % for their mean; the
  // 500 inputs add less. Four of these and some.
  EXPECT_NEAR(squares / 20000 / expected, 1, 0.08);
}

TEST(TeacherStudentTest, HasStandardNormalInputs) {
  const Dataset data = load("teacher_student", {{"train", node(5000)}, {"valid", node(0)}});
  double sum = 0;
  double squares = 0;
  for (const float x : data.train.inputs) {
    sum += static_cast<double>(x);
    squares += static_cast<double>(x) * static_cast<double>(x);
  }
  // 100,000 values: standard errors 0.0032 and 0.0045.
  EXPECT_NEAR(sum / 100000, 0, 4 * 0.0032);
  EXPECT_NEAR(squares / 100000, 1, 4 * 0.0045);
}

TEST(TeacherStudentTest, AddsNoiseOfTheGivenDeviationToTheSameTargets) {
  const Dataset clean = load("teacher_student", {{"train", node(4000)}});
  const Dataset noisy = load("teacher_student", {{"train", node(4000)}, {"noise", node(0.5)}});
  double squares = 0;
  for (std::size_t i = 0; i < 4000; ++i) {
    for (std::size_t j = 0; j < clean.features; ++j) {
      ASSERT_EQ(noisy.train.inputs(i, j), clean.train.inputs(i, j));
    }
    const double step = static_cast<double>(noisy.train.values(i, 0)) -
                        static_cast<double>(clean.train.values(i, 0));
    squares += step * step;
  }
  // 4,000 squares have a standard error of sqrt(2 / 4000) = 2.2 %.
  EXPECT_NEAR(squares / 4000 / 0.25, 1, 4 * 0.022);
}

// A set of the catalogue either is complete in itself, or says which file it misses.
TEST(DatasetCatalogueTest, LoadsEverySetWithItsDefaultsUnlessItNeedsFiles) {
  int complete = 0;
  for (const std::string& name : dataset_catalogue().names()) {
    std::shared_ptr<const DataSource> source;
    const std::string file =
        definition_error([&] { source = make_plugin(dataset_catalogue(), name); });
    if (source == nullptr) {
      EXPECT_THAT(file, HasSubstr("is not given, or empty")) << name;
      continue;
    }
    Dataset data;
    const std::string missing = environment_error([&] { data = source->load({}); });
    if (!missing.empty()) {
      EXPECT_THAT(missing, HasSubstr("scripts/fetch_data " + name));
      continue;
    }
    ++complete;
    EXPECT_EQ(data.features, source->features()) << name;
    EXPECT_EQ(data.outputs, source->outputs()) << name;
    EXPECT_EQ(data.has_labels, source->has_labels()) << name;
    EXPECT_EQ(data.shape, source->shape()) << name;
    EXPECT_EQ(data.shape.size(), data.features) << name;
    EXPECT_EQ(data.target_steps, source->target_steps()) << name;
    EXPECT_TRUE(data.target_steps == 1 || data.target_steps == data.shape.steps) << name;
    EXPECT_EQ(data.train.size(), source->sizes().train) << name;
    EXPECT_EQ(data.valid.size(), source->sizes().valid) << name;
    EXPECT_EQ(data.test.size(), source->sizes().test) << name;
    EXPECT_EQ(data.train.inputs.shape()[1], data.features) << name;
    EXPECT_EQ(data.train.labels.size(), data.has_labels ? data.train.size() * data.target_steps : 0)
        << name;
    EXPECT_EQ(data.train.values.shape()[0], data.has_labels ? 0 : data.train.size()) << name;
    for (const float x : data.train.inputs) ASSERT_TRUE(std::isfinite(x)) << name;
  }
  EXPECT_GE(complete, 16);
}

}  // namespace
}  // namespace plumbline
