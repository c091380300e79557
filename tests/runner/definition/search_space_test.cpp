// SPDX-License-Identifier: Apache-2.0
#include "experiments/runner/definition/search_space.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumbline {
namespace {

using testing::ElementsAre;

constexpr double kBelowOne = 1 - 0x1p-53;
// Numbers of a range are rounded to six digits of it.
constexpr double kRounding = 1e-6;

Dimension numbers(const std::string& key, double min, double max, bool is_log = false) {
  return {key, {}, {}, {.min = min, .max = max, .is_log = is_log}, {}};
}

Dimension integers(const std::string& key, double min, double max, bool is_log = false) {
  return {key, {}, {}, {.min = min, .max = max, .is_integer = true, .is_log = is_log}, {}};
}

Dimension listed(const std::string& key, const std::vector<std::string>& values) {
  Dimension dimension{key, {}, {}, {}, {}};
  for (const std::string& value : values) dimension.values.push_back({value, {}});
  return dimension;
}

double number_at(const Dimension& dimension, double u) {
  return std::get<double>(value_at(dimension, u).value);
}

std::int64_t integer_at(const Dimension& dimension, double u) {
  return std::get<std::int64_t>(value_at(dimension, u).value);
}

std::vector<double> drawn(const std::vector<AxisPoint>& trials, std::size_t dimension) {
  std::vector<double> values;
  for (const AxisPoint& trial : trials) {
    values.push_back(std::get<double>(trial[dimension].value.value));
  }
  return values;
}

std::vector<std::string> texts(const std::vector<AxisPoint>& trials) {
  std::vector<std::string> lines;
  for (const AxisPoint& trial : trials) {
    std::string line;
    for (const Assignment& one : trial) line += one.key + '=' + to_string(one.value) + ' ';
    lines.push_back(line);
  }
  return lines;
}

// 1, 2, 3, 4, 6 are 1, 10, 11, 100, 110 in base 2, and 1, 2, 10, 11, 20 in base 3.
TEST(RadicalInverse, MirrorsTheDigitsAtThePoint) {
  EXPECT_EQ(radical_inverse(0, 2), 0);
  EXPECT_EQ(radical_inverse(1, 2), 1.0 / 2);
  EXPECT_EQ(radical_inverse(2, 2), 1.0 / 4);
  EXPECT_EQ(radical_inverse(3, 2), 3.0 / 4);
  EXPECT_EQ(radical_inverse(4, 2), 1.0 / 8);
  EXPECT_EQ(radical_inverse(6, 2), 3.0 / 8);
  EXPECT_EQ(radical_inverse(1, 3), 1.0 / 3);
  EXPECT_EQ(radical_inverse(2, 3), 2.0 / 3);
  EXPECT_EQ(radical_inverse(3, 3), 1.0 / 9);
  EXPECT_EQ(radical_inverse(4, 3), 4.0 / 9);
  EXPECT_EQ(radical_inverse(6, 3), 2.0 / 9);
  EXPECT_EQ(radical_inverse(38, 5), 3.0 / 5 + 2.0 / 25 + 1.0 / 125);  // 123 in base 5
}

TEST(SearchRange, HasBothEndsAndNothingBeyond) {
  const Dimension linear = numbers("optimizer.lr", -2, 3);
  EXPECT_EQ(number_at(linear, 0), -2);
  EXPECT_EQ(number_at(linear, 0.5), 0.5);
  EXPECT_EQ(number_at(linear, kBelowOne), 3);
  const Dimension log = numbers("optimizer.lr", 1e-5, 1e-1, true);
  EXPECT_EQ(number_at(log, 0), 1e-5);
  EXPECT_NEAR(number_at(log, 0.25), 1e-4, 1e-4 * kRounding);
  EXPECT_NEAR(number_at(log, 0.5), 1e-3, 1e-3 * kRounding);
  EXPECT_EQ(number_at(log, kBelowOne), 1e-1);
  const Dimension wide = numbers("optimizer.lr", 1e-300, 1e300, true);
  EXPECT_NEAR(number_at(wide, 0.5), 1, kRounding);
}

TEST(SearchRange, KeepsSixDigitsOfItselfHoweverNarrow) {
  const Dimension narrow = numbers("optimizer.lr", 1e6, 1e6 + 1);
  EXPECT_NEAR(number_at(narrow, 1.0 / 3), 1e6 + 1.0 / 3, 10 * kRounding);
  EXPECT_EQ(to_string(value_at(numbers("optimizer.lr", 0, 1), 1.0 / 3)), "0.333333");
}

TEST(SearchRange, OfIntegersGivesEachTheSameShare) {
  const Dimension die = integers("model.depth", 1, 6);
  for (int k = 1; k <= 6; ++k) {
    // From (k - 1) / 6 to k / 6, a little inside.
    EXPECT_EQ(integer_at(die, (k - 1 + 1e-9) / 6), k);
    EXPECT_EQ(integer_at(die, (k - 1e-9) / 6), k);
  }
  EXPECT_EQ(integer_at(die, 0), 1);
  EXPECT_EQ(integer_at(die, kBelowOne), 6);
  const Dimension signed_range = integers("model.depth", -3, 3);
  EXPECT_EQ(integer_at(signed_range, 0), -3);
  EXPECT_EQ(integer_at(signed_range, 0.5), 0);
  EXPECT_EQ(integer_at(signed_range, kBelowOne), 3);
}

// Integer k has the u from log(k / 2) / log(9 / 2) to log((k + 1) / 2) / log(9 / 2).
TEST(SearchRange, OfIntegersOnALogScaleHasAllOfThem) {
  const Dimension log = integers("model.width", 2, 8, true);
  const auto share = [](double k) { return std::log(k / 2) / std::log(9.0 / 2); };
  for (int k = 2; k <= 8; ++k) {
    EXPECT_EQ(integer_at(log, share(k) + 1e-9), k);
    EXPECT_EQ(integer_at(log, share(k + 1) - 1e-9), k);
  }
  EXPECT_EQ(integer_at(log, 0), 2);
  EXPECT_EQ(integer_at(log, kBelowOne), 8);
  const Dimension largest = integers("model.width", 1, 1e6, true);
  EXPECT_EQ(integer_at(largest, 0), 1);
  EXPECT_EQ(integer_at(largest, kBelowOne), 1000000);
}

TEST(SearchRange, OfAListHasEachValue) {
  const Dimension list = listed("optimizer.name", {"a", "b", "c"});
  EXPECT_EQ(to_string(value_at(list, 0)), "\"a\"");
  EXPECT_EQ(to_string(value_at(list, 0.34)), "\"b\"");
  EXPECT_EQ(to_string(value_at(list, 0.66)), "\"b\"");
  EXPECT_EQ(to_string(value_at(list, kBelowOne)), "\"c\"");
}

TEST(GridValues, DivideTheRange) {
  const auto values = [](Dimension dimension, std::size_t points) {
    dimension.range.points = points;
    std::vector<std::string> texts;
    for (const SettingNode& value : grid_values(dimension)) texts.push_back(to_string(value));
    return texts;
  };
  EXPECT_THAT(values(numbers("optimizer.lr", 0, 1), 5),
              ElementsAre("0", "0.25", "0.5", "0.75", "1"));
  EXPECT_THAT(values(numbers("optimizer.lr", 1e-4, 1, true), 3), ElementsAre("1e-04", "0.01", "1"));
  EXPECT_THAT(values(integers("model.depth", 1, 16, true), 5),
              ElementsAre("1", "2", "4", "8", "16"));
  // 1, 1.75, 2.5, 3.25, 4.
  EXPECT_THAT(values(integers("model.depth", 1, 4), 5), ElementsAre("1", "2", "3", "4"));
}

// u = frac(radical inverse + shift), so differences are those of the radical inverses, whole turns
// aside: 1/2, 1/4, 3/4, 1/8 in base 2 and 1/3, 2/3, 1/9, 4/9 in base 3.
TEST(DrawTrials, OfHaltonAreShiftedRadicalInversesInPrimesByTheOrderOfTheNames) {
  const std::vector<Dimension> dimensions = {numbers("train.b", 0, 1), numbers("train.a", 0, 1)};
  const std::vector<AxisPoint> trials = draw_trials(DrawnBy::halton, 7, 4, dimensions);
  const auto expect_differences = [](const std::vector<double>& u, std::vector<double> expected) {
    for (std::size_t i = 0; i < 4; ++i) {
      const double difference = (u[i] - u[0]) - (expected[i] - expected[0]);
      EXPECT_NEAR(difference, std::round(difference), 2 * kRounding) << i;
    }
  };
  const std::vector<double> b = drawn(trials, 0);
  const std::vector<double> a = drawn(trials, 1);
  expect_differences(a, {1.0 / 2, 1.0 / 4, 3.0 / 4, 1.0 / 8});
  expect_differences(b, {1.0 / 3, 2.0 / 3, 1.0 / 9, 4.0 / 9});
  // The shift is the seed's.
  EXPECT_GT(std::abs(drawn(draw_trials(DrawnBy::halton, 8, 4, dimensions), 0)[0] - b[0]), 1e-3);
}

// What a trial is decides on run ids: other numbers here cost users their finished runs. The shift of
// halton is what the first random trial draws: 0.286878 + 1/2 and + 1/4, and 0.244 + 1/3 and + 2/3.
TEST(DrawTrials, AreTheSameForEver) {
  const std::vector<Dimension> dimensions = {numbers("model.a", 0, 1),
                                             integers("model.b", 1, 1000)};
  EXPECT_THAT(texts(draw_trials(DrawnBy::random, 7, 2, dimensions)),
              ElementsAre("model.a=0.286878 model.b=245 ", "model.a=0.326407 model.b=638 "));
  EXPECT_THAT(texts(draw_trials(DrawnBy::halton, 7, 2, dimensions)),
              ElementsAre("model.a=0.786878 model.b=578 ", "model.a=0.536878 model.b=911 "));
}

TEST(DrawTrials, BeginWithThoseOfASmallerNumberAndDoNotDependOnTheOrderOfDimensions) {
  for (const DrawnBy method : {DrawnBy::random, DrawnBy::halton}) {
    const std::vector<Dimension> one = {integers("model.depth", 1, 4), listed("data", {"x", "y"})};
    const std::vector<Dimension> other = {one[1], one[0]};
    const std::vector<std::string> eight = texts(draw_trials(method, 3, 8, one));
    std::vector<std::string> five = texts(draw_trials(method, 3, 5, one));
    EXPECT_EQ(std::set(eight.begin(), eight.end()).size(), 8U);  // all there are
    EXPECT_TRUE(std::equal(five.begin(), five.end(), eight.begin()));
    const std::vector<AxisPoint> turned = draw_trials(method, 3, 8, other);
    ASSERT_EQ(turned.size(), 8U);
    ASSERT_EQ(eight.size(), 8U);
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(texts({{turned[i][1], turned[i][0]}})[0], eight[i]);
    }
    EXPECT_EQ(draw_trials(method, 3, 9, one).size(), 8U);
  }
}

TEST(DrawTrials, DifferInWhatTheirConditionsGive) {
  Dimension momentum = listed("optimizer.momentum", {"p", "q", "r"});
  momentum.when = {{"optimizer.name", {{std::string("heavy"), {}}}}};
  const std::vector<Dimension> dimensions = {listed("optimizer.name", {"light", "heavy"}),
                                             momentum};
  // light, and heavy with each of three.
  EXPECT_EQ(draw_trials(DrawnBy::random, 0, 4, dimensions).size(), 4U);
  EXPECT_EQ(draw_trials(DrawnBy::random, 0, 5, dimensions).size(), 4U);
}

}  // namespace
}  // namespace plumbline
