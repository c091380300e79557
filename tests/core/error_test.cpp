// SPDX-License-Identifier: Apache-2.0
#include "engine/core/error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace plumbline {
namespace {

const std::vector<std::string> kKnown = {"adam", "momentum", "sgd", "learning_rate"};

TEST(Place, IsWrittenWithLineAndColumn) {
  EXPECT_EQ(to_string(Place{"net.toml", 3, 14}), "net.toml:3:14");
}

TEST(Place, WithoutALineIsTheFileAlone) {
  EXPECT_EQ(to_string(Place{"model.depth=3", 0, 0}), "model.depth=3");
}

TEST(DefinitionError, SaysEveryProblemOnALineOfItsOwn) {
  const std::vector<Problem> problems = {{{"a.toml", 1, 2}, "first"}, {{"a.toml", 9, 4}, "second"}};
  const DefinitionError error(problems);
  EXPECT_EQ(std::string(error.what()), "a.toml:1:2: first\na.toml:9:4: second");
  EXPECT_EQ(error.problems(), problems);
}

TEST(NearestName, ForgivesEachKindOfSlip) {
  EXPECT_EQ(nearest_name("adam", kKnown), "adam");
  EXPECT_EQ(nearest_name("adamm", kKnown), "adam");        // one letter too many
  EXPECT_EQ(nearest_name("mometum", kKnown), "momentum");  // one missing
  EXPECT_EQ(nearest_name("sgf", kKnown), "sgd");           // one wrong
  EXPECT_EQ(nearest_name("aadm", kKnown), "adam");         // two swapped
}

TEST(NearestName, CountsASwapOfNeighboursAsOneChange) {
  // Two changes of letters to "ab", one swap to "ba".
  const std::vector<std::string> names = {"abxy", "bayx"};
  EXPECT_EQ(nearest_name("abyx", names), "abxy");
  EXPECT_EQ(nearest_name("baxy", std::vector<std::string>{"bcdy", "abxy"}), "abxy");
}

TEST(NearestName, TakesTheNearestAndNotTheFirst) {
  const std::vector<std::string> names = {"weight_mean", "weight_decay"};
  EXPECT_EQ(nearest_name("weight_decaf", names), "weight_decay");
}

TEST(NearestName, AllowsAThirdOfTheLettersAndNoMore) {
  // 13 letters: 4 changes are allowed, 5 are not.
  EXPECT_EQ(nearest_name("learning_XXXX", kKnown), "learning_rate");
  EXPECT_EQ(nearest_name("learninXXXXXX", kKnown), "");
  // Short names: 2 changes, not 3.
  EXPECT_EQ(nearest_name("adXX", kKnown), "adam");
  EXPECT_EQ(nearest_name("aXXX", kKnown), "");
}

TEST(NearestName, NeverReplacesAllLetters) {
  EXPECT_EQ(nearest_name("q", std::vector<std::string>{"lr"}), "");
  EXPECT_EQ(nearest_name("", kKnown), "");
}

TEST(Suggestion, AsksWhetherTheNearestWasMeant) {
  EXPECT_EQ(suggestion("momentun", kKnown), "; did you mean 'momentum'?");
}

TEST(Suggestion, ListsAllWhereNoneIsNear) {
  EXPECT_EQ(suggestion("shampoo", std::vector<std::string>{"adam", "sgd"}),
            "; known are adam, sgd");
}

TEST(Suggestion, IsEmptyWhereNothingIsKnown) {
  EXPECT_EQ(suggestion("lr", std::vector<std::string>{}), "");
}

}  // namespace
}  // namespace plumbline
