// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "tests/datasets/data_files.hpp"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string refusal(const std::filesystem::path& path, std::vector<Setting> more = {}) {
  more.emplace_back("file", node(path.string()));
  return definition_error([&] { load("text", more); });
}

TEST(TextTest, HasTheNextCharacterAsTargetOfEachStep) {
  const DataFolder folder;
  const std::string text = "the cat\nsat";  // 11 characters: two windows of 5 steps
  const auto path = folder.write("text.txt", bytes_of(text));
  const Dataset data = load("text", {{"file", node(path.string())}, {"steps", node(5)}});
  const std::string alphabet = "\n acehst";
  EXPECT_EQ(data.outputs, alphabet.size());
  EXPECT_EQ(data.shape, (Shape{.steps = 5, .channels = alphabet.size()}));
  EXPECT_EQ(data.target_steps, 5U);
  ASSERT_EQ(data.train.size(), 2U);
  std::vector<std::string> windows;
  for (std::size_t i = 0; i < 2; ++i) {
    std::string window;
    for (std::size_t t = 0; t < 5; ++t) {
      const float* step = &data.train.inputs(i, t * alphabet.size());
      ASSERT_EQ(std::count(step, step + alphabet.size(), 1.0F), 1);
      window +=
          alphabet[static_cast<std::size_t>(std::find(step, step + alphabet.size(), 1.0F) - step)];
    }
    window += " -> ";
    for (std::size_t t = 0; t < 5; ++t) {
      window += alphabet[static_cast<std::size_t>(data.train.labels[i * 5 + t])];
    }
    windows.push_back(window);
  }
  EXPECT_THAT(windows, testing::UnorderedElementsAre("the c -> he ca", "at\nsa -> t\nsat"));
}

TEST(TextTest, RecordsItsAlphabetInTheOrderOfCodePoints) {
  const DataFolder folder;
  const auto path = folder.write("text.txt", bytes_of("bä€a\nb"));
  const SettingsTable table = settings_table({{"file", node(path.string())}, {"steps", node(2)}});
  SettingsReport report;
  Settings settings(table, "data", report);
  const auto source = dataset_catalogue().find("text")->make(settings);
  ASSERT_TRUE(report.problems.empty()) << report.problems.front().message;
  EXPECT_EQ(source->outputs(), 5U) << "characters, not bytes";
  EXPECT_EQ(source->sizes().train, 2U);
  for (const ResolvedSetting& setting : report.resolved) {
    if (setting.key == "data.alphabet") {
      EXPECT_EQ(to_string(setting.value), "\"\nabä€\"");
    }
    if (setting.key == "data.content") {
      EXPECT_EQ(to_string(setting.value).size(), 18U);
    }
    if (setting.key == "data.file") {
      EXPECT_TRUE(setting.restates);
    }
  }
}

TEST(TextTest, TakesTheClassesOfAGivenAlphabet) {
  const DataFolder folder;
  const auto path = folder.write("text.txt", bytes_of("abc"));
  const Dataset data =
      load("text", {{"file", node(path.string())}, {"steps", node(2)}, {"alphabet", node("cbad")}});
  EXPECT_EQ(data.outputs, 4U);
  EXPECT_THAT(data.train.labels, ElementsAre(1, 0));
  const std::string cannot = "'file' cannot be used: ";
  EXPECT_THAT(refusal(folder.write("other.txt", bytes_of("ab\ncx")),
                      {{"steps", node(2)}, {"alphabet", node("cba\n")}}),
              HasSubstr(cannot + folder.path().string() +
                        "/other.txt:2:2: 'x' is not in the given alphabet"));
  EXPECT_THAT(refusal(path, {{"steps", node(2)}, {"alphabet", node("abca")}}),
              HasSubstr(cannot + "the given alphabet has a character twice"));
}

TEST(TextTest, RefusesWhatIsNoTextWithItsPlace) {
  const DataFolder folder;
  const auto message = [&](const std::string& text) {
    const auto path = folder.write("text.txt", bytes_of(text));
    const std::string whole = refusal(path, {{"steps", node(2)}});
    const std::string prefix = "'file' cannot be used: " + path.string();
    const std::size_t at = whole.find(prefix);
    return at == std::string::npos ? whole : whole.substr(at + prefix.size());
  };
  EXPECT_EQ(message("ab\ncd\xFFq"), ":2:3: is not UTF-8");
  EXPECT_EQ(message("\xC3"), ":1:1: is not UTF-8") << "truncated";
  EXPECT_EQ(message("ab\xC0\xAF"), ":1:3: is not UTF-8") << "a long form of /";
  EXPECT_EQ(message("\xED\xA0\x80"), ":1:1: is not UTF-8") << "a surrogate";
  EXPECT_EQ(message("\xF4\x90\x80\x80"), ":1:1: is not UTF-8") << "beyond U+10FFFF";
  EXPECT_EQ(message(std::string("ab\0c", 4)), ":1:3: is a NUL, no text");
  EXPECT_EQ(message("ab"), ": has 2 characters; a window of 2 steps needs one more than steps");
  EXPECT_EQ(message(""), ": has 0 characters; a window of 2 steps needs one more than steps");
  EXPECT_EQ(message("abc"), "");
}

TEST(TextTest, RefusesAFileThatChangedBetweenItsCheckAndItsUse) {
  const DataFolder folder;
  const auto path = folder.write("text.txt", bytes_of("abcdef"));
  const auto source =
      make_plugin(dataset_catalogue(), "text", {{"file", node(path.string())}, {"steps", node(2)}});
  folder.write("text.txt", bytes_of("abcdeg"));
  EXPECT_EQ(environment_error([&] { source->load({}); }),
            path.string() + ": has changed since it was checked");
}

TEST(TextTest, SplitsItsWindows) {
  const DataFolder folder;
  std::string text;
  for (int i = 0; i < 101; ++i) text += static_cast<char>('a' + i * i % 26);
  const auto path = folder.write("text.txt", bytes_of(text));
  const std::vector<Setting> whole = {{"file", node(path.string())}, {"steps", node(5)}};
  std::vector<Setting> parts = whole;
  parts.emplace_back("valid", node(4));
  parts.emplace_back("test", node(3));
  const Dataset data = load("text", parts);
  EXPECT_EQ(data.train.size(), 13U) << "20 windows";
  EXPECT_EQ(data.valid.size(), 4U);
  EXPECT_EQ(data.test.size(), 3U);
  EXPECT_EQ(dealt(data), dealt(load("text", whole)));
  parts.emplace_back("train", node(14));
  EXPECT_THAT(definition_error([&] { load("text", parts); }),
              HasSubstr("'train' and the other parts ask for 21 examples; there are 20"));
}

}  // namespace
}  // namespace plumbline
