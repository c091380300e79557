// SPDX-License-Identifier: Apache-2.0
#include "engine/training/resolved_settings.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/training/settings_table.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;

/// Of each setting whether both have the same one, not an equal one.
std::vector<bool> shared(const ResolvedSettings& a, const ResolvedSettings& b) {
  std::vector<bool> shared;
  auto other = b.begin();
  for (const ResolvedSetting& setting : a) shared.push_back(&setting == &*other++);
  return shared;
}

std::vector<std::string> texts(const ResolvedSettings& settings) {
  std::vector<std::string> texts;
  for (const ResolvedSetting& one : settings) texts.push_back(one.key + '=' + to_string(one.value));
  return texts;
}

TEST(ResolvedSettingsTest, ShareWhatIsTheSameAndKeepTheirOwnElsewhere) {
  const Place here{"a.toml", 3, 4};
  const Place there{"a.toml", 5, 6};
  const ResolvedSettings first({{"text", node("x", here)},
                                {"value", node(1.5)},
                                {"list", node(std::vector{1, 2})},
                                {"seed", node(1)},
                                {"place", node(7, here)},
                                {"type", node(1)},
                                {"restated", node(1), false},
                                {"key", node(1)},
                                {"longer", node(std::vector{1, 2})}});
  ResolvedSettings second({{"text", node("x", here)},
                           {"value", node(1.5)},
                           {"list", node(std::vector{1, 2})},
                           {"seed", node(2)},
                           {"place", node(7, there)},
                           {"type", node(1.0)},
                           {"restated", node(1), true},
                           {"other", node(1)},
                           {"longer", node(std::vector{1, 2, 3})}});
  const std::vector<std::string> before = texts(second);
  second.share_with(first);
  EXPECT_THAT(shared(second, first),
              ElementsAre(true, true, true, false, false, false, false, false, false));
  EXPECT_EQ(texts(second), before);
}

TEST(ResolvedSettingsTest, ShareWithAListOfAnotherLength) {
  const ResolvedSettings first({{"a", node(1)}, {"b", node(2)}});
  ResolvedSettings second({{"a", node(1)}});
  second.share_with(first);
  EXPECT_EQ(&*second.begin(), &*first.begin());
  ResolvedSettings third({{"a", node(1)}, {"b", node(2)}, {"c", node(3)}});
  third.share_with(first);
  EXPECT_EQ(texts(third), (std::vector<std::string>{"a=1", "b=2", "c=3"}));
}

}  // namespace
}  // namespace plumbline
