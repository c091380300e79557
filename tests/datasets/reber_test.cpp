// SPDX-License-Identifier: Apache-2.0
// reber and embedded_reber. The grammar as a regular expression, made by hand from the automaton's
// picture by solving for its states: with R = (T*VPX)*T*V(V|PS) for what follows P,
// B ( T S* X (S | X R) | P R ) E.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "engine/datasets/reber_grammar.hpp"
#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

const std::regex& grammar() {
  static const std::regex expression("B(TS*X(S|X(T*VPX)*T*V(V|PS))|P(T*VPX)*T*V(V|PS))E");
  return expression;
}

bool matches(const std::string& string) { return std::regex_match(string, grammar()); }

// The string of an example behind its padding, which stands in front alone.
std::string string_of(const Dataset& data, std::size_t i) {
  constexpr std::size_t kSymbols = 7;
  std::string string;
  for (std::size_t t = 0; t < data.shape.steps; ++t) {
    const float* step = data.train.inputs.data() + i * data.features + t * kSymbols;
    const auto ones = std::count(step, step + kSymbols, 1.0F);
    EXPECT_EQ(ones + std::count(step, step + kSymbols, 0.0F), 7);
    EXPECT_LE(ones, 1);
    if (ones == 1) {
      string += "BTPSXVE"[std::find(step, step + kSymbols, 1.0F) - step];
    } else {
      EXPECT_TRUE(string.empty()) << "a gap behind " << string;
    }
  }
  return string;
}

TEST(ReberGrammarTest, DrawsEveryStringOfTheRegularExpressionAndNoOther) {
  // Every string B u E of the expression with u of at most 6 symbols.
  std::set<std::string> expected;
  std::vector<std::string> inner = {""};
  for (std::size_t k = 0; k < inner.size(); ++k) {
    if (matches('B' + inner[k] + 'E')) expected.insert('B' + inner[k] + 'E');
    if (inner[k].size() == 6) continue;
    for (const char symbol : std::string("TPSXV")) inner.push_back(inner[k] + symbol);
  }
  EXPECT_GT(expected.size(), 10U);
  Random random(2, RandomStream::data, 1);
  std::set<std::string> drawn;
  // The rarest have 6 choices: of 2,000 drawn none misses one but with a chance of e^-31.
  for (int i = 0; i < 2000; ++i) drawn.insert(reber_string(8, random));
  EXPECT_EQ(drawn, expected);
}

TEST(ReberGrammarTest, ChoosesEachArrowWithProbabilityAHalf) {
  Random random(1, RandomStream::data, 1);
  int shortest = 0;
  int begin_with_t = 0;
  constexpr int kStrings = 4000;
  for (int i = 0; i < kStrings; ++i) {
    const std::string string = reber_string(1000, random);
    EXPECT_TRUE(matches(string)) << string;
    if (string == "BTXSE" || string == "BPVVE") ++shortest;
    if (string[1] == 'T') ++begin_with_t;
  }
  // Each of the two takes three choices: 2/8, with a deviation of 27.
  EXPECT_NEAR(shortest, kStrings / 4, 4 * 27);
  EXPECT_NEAR(begin_with_t, kStrings / 2, 4 * 32);
}

TEST(ReberTest, TellsStringsOfTheGrammarFromThoseWithOneSymbolWrong) {
  const Dataset data =
      load("reber", {{"train", node(600)}, {"valid", node(0)}, {"steps", node(12)}});
  EXPECT_EQ(data.shape, (Shape{.steps = 12, .channels = 7}));
  EXPECT_THAT(class_counts(data.train, 2), testing::ElementsAre(300, 300));
  std::set<std::size_t> lengths;
  for (std::size_t i = 0; i < 600; ++i) {
    std::string string = string_of(data, i);
    lengths.insert(string.size());
    EXPECT_EQ(matches(string), data.train.labels[i] == 1) << string;
    EXPECT_EQ(string.front(), 'B');
    EXPECT_EQ(string.back(), 'E');
    if (data.train.labels[i] == 1) continue;
    // Some other symbol in some one place makes it right.
    bool repaired = false;
    for (std::size_t t = 1; t + 1 < string.size(); ++t) {
      const char wrong = string[t];
      for (const char symbol : std::string("BTPSXVE")) {
        string[t] = symbol;
        repaired = repaired || matches(string);
      }
      string[t] = wrong;
    }
    EXPECT_TRUE(repaired) << string;
  }
  EXPECT_EQ(*lengths.begin(), 5U);
  EXPECT_EQ(*lengths.rbegin(), 12U);
}

TEST(EmbeddedReberTest, HasTheSymbolThatTheSecondOneDecidesAsClass) {
  const Dataset data = load("embedded_reber", {{"train", node(1000)}, {"steps", node(15)}});
  EXPECT_EQ(data.shape, (Shape{.steps = 15, .channels = 7}));
  EXPECT_EQ(data.outputs, 2U);
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::string string = string_of(data, i);
    EXPECT_LE(string.size(), 15U);
    EXPECT_EQ(string.substr(0, 2), data.train.labels[i] == 0 ? "BT" : "BP");
    EXPECT_TRUE(matches(string.substr(2))) << string;
  }
  // A fair coin each: a deviation of 16.
  EXPECT_NEAR(class_counts(data.train, 2)[0], 500, 4 * 16);
}

TEST(EmbeddedReberTest, FitsTheShortestStringsIntoSevenSteps) {
  const Dataset data = load("embedded_reber", {{"train", node(30)}, {"steps", node(7)}});
  for (std::size_t i = 0; i < 30; ++i) {
    const std::string inner = string_of(data, i).substr(2);
    EXPECT_TRUE(inner == "BTXSE" || inner == "BPVVE") << inner;
  }
  EXPECT_THAT(definition_error([] { load("embedded_reber", {{"steps", node(6)}}); }),
              testing::HasSubstr("'steps' is 6; allowed is in [7, "));
}

}  // namespace
}  // namespace plumbline
